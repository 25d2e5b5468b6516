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

    /// The first of the wanted tags that is spoken here. The same rule stands in static/boot.js, which speaks earlier.
    pub(crate) fn choose<'a>(wanted: impl IntoIterator<Item = &'a str>) -> Self {
        wanted.into_iter().find_map(Self::speaks).unwrap_or(Self::En)
    }

    fn speaks(tag: &str) -> Option<Self> {
        let tag = tag.to_ascii_lowercase();
        match tag.split('-').next() {
            Some("en") => Some(Self::En),
            Some("ru") => Some(Self::Ru),
            Some("uz") if tag.starts_with("uz-cyrl") => Some(Self::UzCyrl),
            Some("uz") => Some(Self::Uz),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_spoken_language_wins() {
        assert_eq!(Language::choose(["de-DE", "ru-RU", "en"]), Language::Ru);
        assert_eq!(Language::choose(["uz-Cyrl-UZ"]), Language::UzCyrl);
        assert_eq!(Language::choose(["uz-UZ", "uz-Cyrl"]), Language::Uz);
        assert_eq!(Language::choose(["EN-us"]), Language::En);
        assert_eq!(Language::choose(["fr", "english"]), Language::En);
    }

    #[test]
    fn every_tag_chooses_its_language() {
        for language in Language::ALL {
            assert_eq!(Language::choose([language.tag()]), language);
        }
    }
}
