//! Names of files. A sender chooses one freely, so what is shown and saved is made harmless first.

use chopar_identity::name::disturbs;

use super::limits::MAX_NAME;

/// A file's name that can be shown in a line and saved on any system: no path, no control characters, nothing that turns the
/// direction of the text, no name that a system keeps for itself.
#[derive(Clone, PartialEq, Eq)]
pub struct FileName(String);

/// Longer than any file system takes: no client made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a file's name has at most {MAX_NAME} bytes")]
pub struct NameTooLong;

/// Of a file whose name leaves nothing.
const NAMELESS: &str = "file";
/// Stands for a character that cannot stay.
const STAND_IN: char = '_';

impl FileName {
    /// Takes a name as it came: what is dangerous in it is replaced.
    ///
    /// # Errors
    /// [`NameTooLong`].
    pub fn parse(text: &str) -> Result<Self, NameTooLong> {
        if text.len() > MAX_NAME {
            return Err(NameTooLong);
        }
        let safe: String = text
            .chars()
            .map(|c| if is_unsafe(c) { STAND_IN } else { c })
            .collect();
        // Hidden on one system, dropped by another.
        let safe = safe.trim_matches(|c: char| c == '.' || c.is_whitespace());
        let name = match safe {
            "" => NAMELESS.to_owned(),
            name if is_reserved(name) => {
                // One byte for one: a name at the bound stays within it.
                let rest: String = name.chars().skip(1).collect();
                format!("{STAND_IN}{rest}")
            }
            name => name.to_owned(),
        };
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the last dot, in lower case; `None` without one. What a system goes by when it opens a file.
    pub fn extension(&self) -> Option<String> {
        let (stem, extension) = self.0.rsplit_once('.')?;
        (!stem.is_empty()).then(|| extension.to_lowercase())
    }
}

// Names are the people's own: in no log.
impl core::fmt::Debug for FileName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FileName(…)")
    }
}

fn is_unsafe(c: char) -> bool {
    disturbs(c) || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
}

/// Names of devices on Windows, whatever extension follows.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let upper = stem.to_ascii_uppercase();
    let numbered = |device: &str| {
        let number = upper.strip_prefix(device).unwrap_or_default();
        matches!(
            number,
            "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
        )
    };
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&upper.as_str())
        || numbered("COM")
        || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made_of(text: &str) -> String {
        FileName::parse(text).unwrap().0
    }

    /// P-326.
    #[test]
    fn what_is_dangerous_is_replaced_and_the_rest_stays() {
        for kept in [
            "Ҳисобот 2026.pdf",
            "oʻzbekcha.tar.gz",
            "👩\u{200d}💻.png",
            "a_b-c (1).docx",
            "consent.txt",
            "com10",
        ] {
            assert_eq!(made_of(kept), kept);
        }
        for (hostile, made) in [
            ("../../etc/passwd", "_.._etc_passwd"),
            ("C:\\Windows\\system.ini", "C__Windows_system.ini"),
            ("photo\u{202e}gpj.exe", "photo_gpj.exe"),
            ("a\u{0}b\nc.txt", "a_b_c.txt"),
            (".bashrc", "bashrc"),
            ("report.pdf . . ", "report.pdf"),
            ("\u{a0}\u{3000}", "file"),
            ("", "file"),
            ("...", "file"),
            ("NUL", "_UL"),
            ("con.txt", "_on.txt"),
            ("Com1 .tar", "_om1 .tar"),
            ("LPT³", "_PT³"),
            ("a|b<c>d\"e*f?", "a_b_c_d_e_f_"),
            ("\u{200b}\u{feff}x", "__x"),
        ] {
            assert_eq!(made_of(hostile), made, "{hostile:?}");
        }
        assert_eq!(FileName::parse(&"ў".repeat(128)), Err(NameTooLong));
        assert_eq!(made_of(&"x".repeat(255)).len(), 255);
        assert_eq!(
            format!("{:?}", FileName::parse("secret plan").unwrap()),
            "FileName(…)"
        );
    }

    #[test]
    fn an_extension_is_what_a_system_goes_by() {
        let of = |text: &str| FileName::parse(text).unwrap().extension();
        assert_eq!(of("a.JPG").as_deref(), Some("jpg"));
        assert_eq!(of("photo.jpg.exe").as_deref(), Some("exe"));
        assert_eq!(of("photo.jpg.").as_deref(), Some("jpg"));
        assert_eq!(of(".jpg"), None);
        assert_eq!(of("jpg"), None);
    }

    proptest! {
        /// P-326.
        #[test]
        fn any_name_becomes_one_that_stays_as_it_is(text in "\\PC{0,60}|[\\x00-\\x7f]{0,60}|[./\\\\ a-zA-Z0-9]{0,20}") {
            if let Ok(name) = FileName::parse(&text) {
                prop_assert!(!name.0.is_empty() && name.0.len() <= MAX_NAME);
                prop_assert!(!name.0.chars().any(is_unsafe));
                prop_assert!(!name.0.starts_with('.') && !name.0.ends_with(['.', ' ']));
                prop_assert!(!is_reserved(&name.0));
                prop_assert_eq!(made_of(&name.0), name.0);
            }
        }
    }
}
