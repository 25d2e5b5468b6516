//! The four languages, and which one a person gets.

/// A language of the interface. The order is that of the generated catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    En = 0,
    /// Uzbek in Latin script.
    Uz = 1,
    /// Uzbek in Cyrillic script.
    UzCyrl = 2,
    /// Russian.
    Ru = 3,
}

impl Language {
    /// All of them, in the order in which Settings offers them.
    pub(crate) const ALL: [Self; 4] = [Self::Uz, Self::UzCyrl, Self::Ru, Self::En];

    /// The tag for `lang`, `Intl` and storage.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Uz => "uz",
            Self::UzCyrl => "uz-Cyrl",
            Self::Ru => "ru",
        }
    }

    /// Its name in itself.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Uz => "Oʻzbekcha",
            Self::UzCyrl => "Ўзбекча",
            Self::Ru => "Русский",
        }
    }

    /// The one with this tag; `static/boot.js` has chosen it from what was remembered and what the browser asks for.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_is_that_of_its_language_alone() {
        for language in Language::ALL {
            assert_eq!(Language::of_tag(language.tag()), Some(language));
        }
        assert_eq!(Language::of_tag("uz-cyrl-UZ"), None);
    }
}
