//! Where in the app a path leads. Every screen can be opened directly.

use chopar_wire::AccountId;

/// A screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `/`
    Chats,
    /// `/join`, the invite behind `#`
    Join,
    /// `/recover`
    Recover,
    /// `/c/<account>`
    Talk(AccountId),
    /// `/p/<account>`
    Person(AccountId),
    /// `/settings`
    Settings,
    /// `/history`
    History,
    /// `/devices`
    Devices,
    /// `/admin`
    Admin,
    /// Anything else.
    Missing,
}

impl Place {
    /// Parses the path part of an address.
    pub(crate) fn parse(path: &str) -> Self {
        let path = path.strip_suffix('/').unwrap_or(path);
        match path {
            "" => Self::Chats,
            "/join" => Self::Join,
            "/recover" => Self::Recover,
            "/settings" => Self::Settings,
            "/history" => Self::History,
            "/devices" => Self::Devices,
            "/admin" => Self::Admin,
            _ => {
                let account = |prefix| path.strip_prefix(prefix).and_then(|hex: &str| hex.parse().ok());
                account("/c/")
                    .map(Self::Talk)
                    .or_else(|| account("/p/").map(Self::Person))
                    .unwrap_or(Self::Missing)
            }
        }
    }

    /// The path that leads here.
    pub(crate) fn path(self) -> String {
        match self {
            Self::Chats | Self::Missing => String::from("/"),
            Self::Join => String::from("/join"),
            Self::Recover => String::from("/recover"),
            Self::Talk(account) => ["/c/", &account.to_string()].concat(),
            Self::Person(account) => ["/p/", &account.to_string()].concat(),
            Self::Settings => String::from("/settings"),
            Self::History => String::from("/history"),
            Self::Devices => String::from("/devices"),
            Self::Admin => String::from("/admin"),
        }
    }

    /// One step out: what Back and Esc lead to where there is one pane.
    pub(crate) const fn out(self) -> Self {
        match self {
            Self::Person(account) => Self::Talk(account),
            Self::History => Self::Settings,
            _ => Self::Chats,
        }
    }

    /// Whose conversation is open.
    pub(crate) const fn peer(self) -> Option<AccountId> {
        match self {
            Self::Talk(account) | Self::Person(account) => Some(account),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_parses_back() {
        let account = AccountId::new([7; 32]);
        for place in [
            Place::Chats,
            Place::Join,
            Place::Recover,
            Place::Talk(account),
            Place::Person(account),
            Place::Settings,
            Place::History,
            Place::Devices,
            Place::Admin,
        ] {
            assert_eq!(Place::parse(&place.path()), place);
        }
    }

    #[test]
    fn nonsense_leads_nowhere() {
        for path in ["/c/", "/c/00", "/p/zz", "/settingss", "//", "/c/../admin"] {
            assert_eq!(Place::parse(path), Place::Missing, "{path}");
        }
        assert_eq!(Place::parse("/settings/"), Place::Settings);
    }

    #[test]
    fn the_way_out_ends_at_the_chats() {
        let account = AccountId::new([7; 32]);
        assert_eq!(Place::Person(account).out().out(), Place::Chats);
    }
}
