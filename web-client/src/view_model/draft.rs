//! The draft as one open box knows it: it follows what another tab writes, and neither its own echo nor anything over what was
//! typed here.

/// What is known of the draft on the device.
#[derive(Default)]
pub(crate) struct Draft {
    /// As it was last written from here, or taken from elsewhere.
    known: String,
    /// Writings that have not been answered.
    writing: u32,
}

impl Draft {
    /// The draft a box opens with.
    pub(crate) fn opened(text: String) -> Self {
        Self {
            known: text,
            writing: 0,
        }
    }

    /// The box writes `text`.
    pub(crate) fn write(&mut self, text: String) {
        self.known = text;
        self.writing += 1;
    }

    /// A writing was answered.
    pub(crate) fn written(&mut self) {
        self.writing = self.writing.saturating_sub(1);
    }

    /// The draft on the device now is `told`, and `typed` stands in the box. Whether the box takes it: it is news, and nothing
    /// was typed here that is not written.
    pub(crate) fn follow(&mut self, told: &str, typed: &str) -> bool {
        // While something is being written from here, what is told may be older; and what is written will replace it.
        let takes = self.writing == 0 && told != self.known && (typed.is_empty() || typed == self.known);
        if takes {
            told.clone_into(&mut self.known);
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_box_takes_what_another_tab_writes_and_gives_it_back() {
        let mut draft = Draft::opened(String::new());
        assert!(draft.follow("sal", ""));
        assert!(draft.follow("salom", "sal"), "the other tab goes on");
        assert!(draft.follow("", "salom"), "the other tab has sent it");
        assert!(!draft.follow("", ""));
    }

    #[test]
    fn what_was_typed_here_stays() {
        let mut draft = Draft::opened(String::from("sal"));
        assert!(!draft.follow("xayr", "salom"));
        assert!(draft.follow("xayr", "sal"), "nothing was typed here since");
    }

    #[test]
    fn an_echo_is_no_news() {
        let mut draft = Draft::opened(String::new());
        draft.write(String::from("sa"));
        draft.write(String::from("salom"));
        draft.written();
        assert!(!draft.follow("sa", "salom"), "older than what stands here");
        draft.written();
        assert!(!draft.follow("salom", "salom"));
        // Sent from here: the box is empty before its draft is.
        assert!(!draft.follow("salom", ""));
        draft.write(String::new());
        draft.written();
        assert!(!draft.follow("", ""));
        assert!(draft.follow("yana", ""));
    }
}
