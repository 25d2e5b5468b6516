//! The accessible name of a message: "sender, text, time, state". Its English form is a contract for tests.

use chopar_engine::view::SentState;

use crate::i18n::Texts;

/// The parts of the name.
pub(crate) struct LineName<'a> {
    /// Who wrote it: their name, or "You".
    pub(crate) sender: &'a str,
    /// The text.
    pub(crate) text: &'a str,
    /// What else there is about it: that it was edited, reactions.
    pub(crate) more: &'a [String],
    /// The time of day as shown.
    pub(crate) time: &'a str,
    /// How far an own message has come.
    pub(crate) state: Option<&'a str>,
}

impl LineName<'_> {
    /// The parts, joined by commas.
    pub(crate) fn join(&self) -> String {
        let mut parts = vec![self.sender, self.text];
        parts.extend(self.more.iter().map(String::as_str));
        parts.push(self.time);
        parts.extend(self.state);
        parts.join(", ")
    }
}

/// The word of a sent state.
pub(crate) fn state_word(texts: Texts, state: SentState) -> &'static str {
    match state {
        SentState::Waiting => texts.talk_waiting(),
        SentState::Sent => texts.talk_sent(),
        SentState::Delivered => texts.talk_delivered(),
        SentState::Read => texts.talk_read(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    #[test]
    fn names_are_as_the_contract_says() {
        let state = state_word(Texts(Language::En), SentState::Delivered);
        let own = LineName {
            sender: "You",
            text: "salom",
            more: &[],
            time: "14:05",
            state: Some(state),
        };
        assert_eq!(own.join(), "You, salom, 14:05, Delivered");
        let theirs = LineName {
            sender: "Bek",
            text: "va alaykum",
            more: &["edited".to_owned(), "👍".to_owned()],
            time: "14:06",
            state: None,
        };
        assert_eq!(theirs.join(), "Bek, va alaykum, edited, 👍, 14:06");
    }
}
