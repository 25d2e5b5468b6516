//! What a screen-reader user looks for: a role and a name.

use std::fmt;

/// How the name must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Any,
    Is(String),
    Has(String),
    Starts(String),
}

/// Something to find on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// Any of these roles; empty: any role.
    pub(crate) roles: &'static [&'static str],
    pub(crate) name: Name,
    pub(crate) within: Option<Box<Sought>>,
    /// Text boxes that ask for something share their label with the element that shows it.
    pub(crate) not_editable: bool,
}

impl Sought {
    fn new(roles: &'static [&'static str], name: Name) -> Self {
        Self {
            roles,
            name,
            within: None,
            not_editable: false,
        }
    }

    /// Only inside what `outer` finds.
    #[must_use]
    pub fn within(mut self, outer: Self) -> Self {
        self.within = Some(Box::new(outer));
        self
    }

    /// The name must only begin with what was given.
    #[must_use]
    pub fn starting(mut self) -> Self {
        if let Name::Is(name) | Name::Has(name) = self.name {
            self.name = Name::Starts(name);
        }
        self
    }

    /// The name must only contain what was given.
    #[must_use]
    pub fn containing(mut self) -> Self {
        if let Name::Is(name) | Name::Starts(name) = self.name {
            self.name = Name::Has(name);
        }
        self
    }

    pub(crate) fn accepts(&self, role: &str, name: &str, editable: bool) -> bool {
        let role_fits = self.roles.is_empty() || self.roles.contains(&role);
        let name_fits = match &self.name {
            Name::Any => true,
            Name::Is(wanted) => name == wanted,
            Name::Has(wanted) => name.contains(wanted.as_str()),
            Name::Starts(wanted) => name.starts_with(wanted.as_str()),
        };
        role_fits && name_fits && !(self.not_editable && editable)
    }
}

impl fmt::Display for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = self.roles.first().copied().unwrap_or("element");
        match &self.name {
            Name::Any => write!(f, "a {role}")?,
            Name::Is(name) => write!(f, "the {role} {name:?}")?,
            Name::Has(name) => write!(f, "a {role} with {name:?} in its name")?,
            Name::Starts(name) => write!(f, "a {role} whose name begins with {name:?}")?,
        }
        match &self.within {
            Some(outer) => write!(f, " in {outer}"),
            None => Ok(()),
        }
    }
}

/// The button of this name.
pub fn button(name: &str) -> Sought {
    Sought::new(&["button"], Name::Is(name.to_owned()))
}

/// The link of this name.
pub fn link(name: &str) -> Sought {
    Sought::new(&["link"], Name::Is(name.to_owned()))
}

/// The text box of this name; a search field or a combo box is one too.
pub fn textbox(name: &str) -> Sought {
    Sought::new(&["textbox", "searchbox", "combobox"], Name::Is(name.to_owned()))
}

/// The list of this name.
pub fn list(name: &str) -> Sought {
    Sought::new(&["list", "listbox"], Name::Is(name.to_owned()))
}

/// The log of this name.
pub fn log(name: &str) -> Sought {
    Sought::new(&["log"], Name::Is(name.to_owned()))
}

/// The status of this name.
pub fn status(name: &str) -> Sought {
    Sought::new(&["status"], Name::Is(name.to_owned()))
}

/// The heading of this name.
pub fn heading(name: &str) -> Sought {
    Sought::new(&["heading"], Name::Is(name.to_owned()))
}

/// An option with this in its name.
pub fn option(name: &str) -> Sought {
    Sought::new(&["option"], Name::Has(name.to_owned()))
}

/// An item of a list, by part of its name: a link or a button may stand for it.
pub fn item(name: &str) -> Sought {
    Sought::new(
        &["listitem", "link", "option", "button", "article"],
        Name::Has(name.to_owned()),
    )
}

/// A line of a conversation, by part of its name.
pub fn line(text: &str) -> Sought {
    Sought::new(&["article"], Name::Has(text.to_owned()))
}

/// The item of a menu of this name.
pub fn menu_item(name: &str) -> Sought {
    Sought::new(&["menuitem"], Name::Is(name.to_owned()))
}

/// The one of several of this name.
pub fn radio(name: &str) -> Sought {
    Sought::new(&["radio"], Name::Is(name.to_owned()))
}

/// A landmark, dialog or group of this name.
pub fn region(name: &str) -> Sought {
    Sought::new(
        &[
            "region",
            "dialog",
            "alertdialog",
            "group",
            "form",
            "main",
            "complementary",
        ],
        Name::Is(name.to_owned()),
    )
}

/// Whatever shows (and does not ask for) something under this label.
pub fn labelled(name: &str) -> Sought {
    Sought {
        not_editable: true,
        ..Sought::new(&[], Name::Is(name.to_owned()))
    }
}

impl Sought {
    /// Every element of these roles.
    pub fn any(roles: &'static [&'static str]) -> Self {
        Self::new(roles, Name::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_names_both_decide() {
        assert!(button("Send").accepts("button", "Send", false));
        assert!(!button("Send").accepts("link", "Send", false));
        assert!(!button("Send").accepts("button", "Send now", false));
        assert!(button("Send").containing().accepts("button", "Send now", false));
        assert!(button("Send").starting().accepts("button", "Send now", false));
        assert!(textbox("Find people").accepts("combobox", "Find people", true));
        assert!(!labelled("Recovery key").accepts("textbox", "Recovery key", true));
    }

    #[test]
    fn a_failure_says_what_was_sought() {
        let sought = item("Malika").within(list("Conversations"));
        assert_eq!(
            sought.to_string(),
            "a listitem with \"Malika\" in its name in the list \"Conversations\""
        );
    }
}
