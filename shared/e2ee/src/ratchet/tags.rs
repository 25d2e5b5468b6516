//! The tags a session expects, and how they change: what the engine's map of tags is made from.

use std::collections::VecDeque;

use super::header_key::Tag;

/// What an expected tag announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagKind {
    /// A message: give it to [`Session::open`](super::Session::open).
    Message,
    /// A signal: give it to [`Session::open_signal`](super::Session::open_signal).
    Signal,
}

/// What a commit changed in the tags a session expects. Apply `removed` first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChanges {
    /// No longer expected. The tag of the message just opened is among them: worth remembering for a while, as whatever
    /// comes with it again is a duplicate.
    pub removed: Vec<Tag>,
    /// Newly expected.
    pub added: Vec<(Tag, TagKind)>,
}

/// The tags of consecutive numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TagWindow {
    first: u32,
    tags: VecDeque<Tag>,
}

impl TagWindow {
    pub(crate) fn new(first: u32, len: usize, tag: impl FnMut(u32) -> Tag) -> Self {
        Self {
            first,
            tags: (first..).take(len).map(tag).collect(),
        }
    }

    /// Takes the bytes of a record; `None` where they are no whole tags or more than `max`.
    pub(crate) fn from_record(first: u32, bytes: &[u8], max: usize) -> Option<Self> {
        let (tags, rest) = bytes.as_chunks::<16>();
        let fits = rest.is_empty() && tags.len() <= max;
        fits.then(|| Self {
            first,
            tags: tags.iter().copied().map(Tag::new).collect(),
        })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.tags.iter().flat_map(Tag::as_bytes).copied().collect()
    }

    pub(crate) const fn first(&self) -> u32 {
        self.first
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Tag> {
        self.tags.iter().copied()
    }

    /// The number `tag` stands for.
    pub(crate) fn number(&self, tag: Tag) -> Option<u32> {
        // At most 16 entries; the position is zero nearly always.
        let at = self.tags.iter().position(|t| *t == tag)?;
        u32::try_from(at).ok().map(|at| self.first + at)
    }

    /// Moves the window up to `first` and fills it to `len` tags. Never moves down.
    pub(crate) fn advance(&mut self, first: u32, len: usize, mut tag: impl FnMut(u32) -> Tag) -> Moved {
        let mut moved = Moved::default();
        while self.first < first {
            match self.tags.pop_front() {
                Some(gone) => moved.gone.push(gone),
                None => {
                    self.first = first;
                    break;
                }
            }
            self.first += 1;
        }
        let held = self.tags.len();
        for number in (self.first..).skip(held).take(len.saturating_sub(held)) {
            let fresh = tag(number);
            self.tags.push_back(fresh);
            moved.fresh.push(fresh);
        }
        moved
    }
}

/// What left and what entered a window.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) gone: Vec<Tag>,
    pub(crate) fresh: Vec<Tag>,
}

impl TagChanges {
    /// Notes the movement of a window. A tag that `kept` (as the tag of a skipped key) is not gone.
    pub(crate) fn moved(&mut self, kind: TagKind, moved: Moved, kept: &[Tag]) {
        self.removed
            .extend(moved.gone.into_iter().filter(|tag| !kept.contains(tag)));
        self.added.extend(moved.fresh.into_iter().map(|tag| (tag, kind)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(number: u32) -> Tag {
        Tag::new([number as u8; 16])
    }

    #[test]
    fn a_window_moves_up_and_stays_full() {
        let mut window = TagWindow::new(0, 4, tag);
        assert_eq!(window.number(tag(3)), Some(3));
        assert_eq!(window.number(tag(4)), None);
        let moved = window.advance(1, 4, tag);
        assert_eq!(
            moved,
            Moved {
                gone: vec![tag(0)],
                fresh: vec![tag(4)]
            }
        );
        let moved = window.advance(1, 6, tag);
        assert_eq!(
            moved,
            Moved {
                gone: vec![],
                fresh: vec![tag(5), tag(6)]
            }
        );
        let moved = window.advance(100, 2, tag);
        assert_eq!(moved.gone.len(), 6);
        assert_eq!(moved.fresh, [tag(100), tag(101)]);
        assert_eq!(window.first(), 100);
        assert_eq!(window.advance(3, 2, tag), Moved::default());
        assert_eq!(
            TagWindow::from_record(100, &window.to_bytes(), 2),
            Some(window.clone())
        );
        assert_eq!(TagWindow::from_record(100, &window.to_bytes(), 1), None);
    }
}
