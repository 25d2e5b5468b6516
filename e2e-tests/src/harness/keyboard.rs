//! Keys that mean something to the page.

/// A key a person presses for what it does, not for the character it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Sends, activates.
    Enter,
    /// Cancels, goes back.
    Escape,
    /// Moves the focus.
    Tab,
    /// Up one line or item.
    Up,
    /// Down one line or item.
    Down,
    /// On by a step.
    Right,
    /// To the first item.
    Home,
    /// To the last item.
    End,
    /// Activates a button, ticks a box.
    Space,
}

impl Key {
    /// The DOM name, the code, the virtual key code and the text it makes.
    pub(crate) const fn facts(self) -> (&'static str, &'static str, u32, &'static str) {
        match self {
            Self::Enter => ("Enter", "Enter", 13, "\r"),
            Self::Escape => ("Escape", "Escape", 27, ""),
            Self::Tab => ("Tab", "Tab", 9, ""),
            Self::Up => ("ArrowUp", "ArrowUp", 38, ""),
            Self::Down => ("ArrowDown", "ArrowDown", 40, ""),
            Self::Right => ("ArrowRight", "ArrowRight", 39, ""),
            Self::Home => ("Home", "Home", 36, ""),
            Self::End => ("End", "End", 35, ""),
            Self::Space => (" ", "Space", 32, " "),
        }
    }
}
