//! What can be done with a message after it was said, and what comes of it: rules that know no transport, no clock and no store.
//!
//! Whatever the order in which changes arrive, and however often, the message comes out the same: of two edits, and of two
//! reactions of one person, one is the greater; a deletion is greater than all edits and reactions.

use chopar_wire::proto::content::{Deletion, Edit, Hidden, Reaction};
use chopar_wire::{AccountId, MessageId, Timestamp, proto::content};

use crate::emoji::is_emoji;
use crate::records::line::{ReactionRecord, TextRecord};
use crate::refusals::Refusal;
use crate::sending::MAX_TEXT;
use crate::view::Reference;

/// How long after it was sent a message may be edited, in milliseconds, both moments by its author's clock: a slip is mended
/// within two days; later, others have acted on what they read.
pub const EDIT_MS: u64 = 48 * 3_600_000;
/// Edits of one message: more than anybody needs, and what a flood of them comes to.
pub(crate) const MAX_EDITS: u32 = 100;

/// One thing done with one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// By whom: the account whose session said so.
    pub(crate) by: AccountId,
    /// When, by the clock of who did it.
    pub(crate) time: Timestamp,
    pub(crate) deed: Deed,
}

/// What.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Its author gave it another text.
    Edit { number: u32, text: String },
    /// Its author took it back.
    Delete,
    /// Somebody reacted; without an emoji they took it back.
    React { number: u32, emoji: String },
    /// This account deleted it for itself.
    Hide,
    /// This account read it.
    Read,
}

/// An own message is edited by its author alone, so whose it is follows from who says so.
pub(crate) fn edit(author: AccountId, edit: Edit) -> Result<(Reference, Deed), Refusal> {
    let about = named(author, &edit.id)?;
    if !is_text(&edit.text) {
        return Err(Refusal::ChangeMalformed);
    }
    if !(1..=MAX_EDITS).contains(&edit.number) {
        return Err(Refusal::EditRefused);
    }
    let deed = Deed::Edit {
        number: edit.number,
        text: edit.text,
    };
    Ok((about, deed))
}

/// As [`edit`].
pub(crate) fn deletion(author: AccountId, deletion: &Deletion) -> Result<(Reference, Deed), Refusal> {
    Ok((named(author, &deletion.id)?, Deed::Delete))
}

/// A reaction to anybody's message.
pub(crate) fn reaction(reaction: Reaction) -> Result<(Reference, Deed), Refusal> {
    let about = reference(reaction.to.as_ref()).ok_or(Refusal::ChangeMalformed)?;
    if !reaction.emoji.is_empty() && !is_emoji(&reaction.emoji) {
        return Err(Refusal::NotAnEmoji);
    }
    let deed = Deed::React {
        number: reaction.number,
        emoji: reaction.emoji,
    };
    Ok((about, deed))
}

/// A message that another own device deleted for this account.
pub(crate) fn hidden(hidden: &Hidden) -> Result<(Reference, Deed), Refusal> {
    let about = reference(hidden.message.as_ref()).ok_or(Refusal::ChangeMalformed)?;
    Ok((about, Deed::Hide))
}

/// A message that is named.
pub(crate) fn reference(reference: Option<&content::Reference>) -> Option<Reference> {
    let reference = reference?;
    Some(Reference {
        author: AccountId::try_from(reference.author.as_ref()).ok()?,
        id: MessageId::try_from(reference.id.as_ref()).ok()?,
    })
}

/// Whether it may be the text of a message.
pub(crate) const fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT
}

/// Whether a message sent then may be edited now.
pub(crate) const fn may_edit(sent: Timestamp, now: Timestamp) -> bool {
    now.ms_since(sent) <= EDIT_MS
}

/// Makes a change to what is kept of a message; whether it made a difference. What is done with the line itself (hiding,
/// reading) changes nothing here.
pub(crate) fn apply(message: &mut TextRecord, sent: Timestamp, change: &Change) -> Result<bool, Refusal> {
    match &change.deed {
        Deed::Edit { number, text } => {
            if !may_edit(sent, change.time) {
                return Err(Refusal::EditRefused);
            }
            // An original has number 0, which no edit has.
            let greater = (*number, text.as_str()) > (message.edit, message.text.as_str());
            if message.deleted || !greater {
                return Ok(false);
            }
            message.edit = *number;
            message.text.clone_from(text);
            Ok(true)
        }
        Deed::Delete => {
            if message.deleted {
                return Ok(false);
            }
            *message = TextRecord {
                id: core::mem::take(&mut message.id),
                sent: message.sent,
                lifetime: message.lifetime,
                author: core::mem::take(&mut message.author),
                deleted: true,
                ..TextRecord::default()
            };
            Ok(true)
        }
        Deed::React { number, emoji } => Ok(!message.deleted && react(message, &change.by, *number, emoji)),
        Deed::Hide | Deed::Read => Ok(false),
    }
}

/// The number of a person's reaction to a message, and the emoji; without one 0 and none.
pub(crate) fn reaction_of<'a>(message: &'a TextRecord, person: &AccountId) -> (u32, &'a str) {
    let of = |reaction: &&ReactionRecord| reaction.by == person.as_bytes();
    let reaction = message.reactions.iter().find(of);
    reaction.map_or((0, ""), |r| (r.number, r.emoji.as_str()))
}

fn react(message: &mut TextRecord, by: &AccountId, number: u32, emoji: &str) -> bool {
    if (number, emoji) <= reaction_of(message, by) {
        return false;
    }
    message.reactions.retain(|r| r.by != by.as_bytes());
    message.reactions.push(ReactionRecord {
        by: by.as_bytes().to_vec(),
        emoji: emoji.to_owned(),
        number,
    });
    // In one order on every device.
    message.reactions.sort_by(|a, b| a.by.cmp(&b.by));
    true
}

fn named(author: AccountId, id: &[u8]) -> Result<Reference, Refusal> {
    let id = MessageId::try_from(id).map_err(|_| Refusal::ChangeMalformed)?;
    Ok(Reference { author, id })
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    const SENT: Timestamp = Timestamp(1_000);

    fn message() -> TextRecord {
        TextRecord {
            id: vec![1; 16],
            text: "as it was said".into(),
            sent: SENT.0,
            ..TextRecord::default()
        }
    }

    fn some(rng: &mut ChaCha8Rng) -> Change {
        let number = 1 + rng.next_u32() % 3;
        let deed = match rng.next_u32() % 8 {
            0 => Deed::Delete,
            1..=3 => Deed::Edit {
                number,
                text: ["a", "b", "c"][rng.next_u32() as usize % 3].into(),
            },
            _ => Deed::React {
                number,
                emoji: ["", "👍", "🎉"][rng.next_u32() as usize % 3].into(),
            },
        };
        Change {
            by: AccountId::new([(rng.next_u32() % 3) as u8; 32]),
            time: Timestamp(2_000 + u64::from(rng.next_u32() % 1_000)),
            deed,
        }
    }

    /// P-166.
    #[test]
    fn whatever_the_order_and_however_often_it_comes_out_the_same() {
        let mut rng = ChaCha8Rng::seed_from_u64(166);
        for _ in 0..2_000 {
            let mut changes: Vec<Change> = (0..6).map(|_| some(&mut rng)).collect();
            let mut first = None;
            for _ in 0..6 {
                for at in (1..changes.len()).rev() {
                    changes.swap(at, rng.next_u32() as usize % (at + 1));
                }
                let mut message = message();
                for change in changes.iter().chain(changes.iter().take(3)) {
                    apply(&mut message, SENT, change).unwrap();
                }
                assert!(*first.get_or_insert_with(|| message.clone()) == message);
            }
        }
    }

    /// P-161, P-162.
    #[test]
    fn an_edit_has_its_time_and_its_number_and_a_deletion_leaves_no_text() {
        let author = AccountId::new([1; 32]);
        let mut message = message();
        let edit_at = |message: &mut TextRecord, number, time| {
            let text = format!("edit {number}");
            let deed = Deed::Edit { number, text };
            let time = SENT.plus_ms(time);
            let change = Change {
                by: author,
                time,
                deed,
            };
            apply(message, SENT, &change)
        };
        assert_eq!(edit_at(&mut message, 1, EDIT_MS), Ok(true));
        assert_eq!(edit_at(&mut message, 2, EDIT_MS + 1), Err(Refusal::EditRefused));
        assert_eq!(message.text, "edit 1");
        for number in 0..=1_000 {
            let wire = Edit {
                id: vec![1; 16].into(),
                text: "again".into(),
                number,
            };
            let refused = edit(author, wire) == Err(Refusal::EditRefused);
            assert_eq!(refused, number == 0 || number > MAX_EDITS, "a thousand edits");
        }
        let long = Edit {
            id: vec![1; 16].into(),
            text: "x".repeat(MAX_TEXT + 1),
            number: 1,
        };
        assert_eq!(edit(author, long), Err(Refusal::ChangeMalformed));
        let change = Change {
            by: author,
            time: SENT,
            deed: Deed::Delete,
        };
        assert_eq!(apply(&mut message, SENT, &change), Ok(true));
        let kept = format!("{:?}", prost::Message::encode_to_vec(&message));
        assert!(message.deleted && message.text.is_empty() && !kept.contains("edit"));
        assert_eq!(edit_at(&mut message, 3, 5), Ok(false), "nothing brings it back");
    }

    /// P-163.
    #[test]
    fn a_person_has_one_reaction_and_may_take_it_back() {
        let (one, other) = (AccountId::new([1; 32]), AccountId::new([2; 32]));
        let mut message = message();
        let mut react = |by, number, emoji: &str| {
            let emoji = emoji.to_owned();
            let deed = Deed::React { number, emoji };
            let change = Change { by, time: SENT, deed };
            apply(&mut message, SENT, &change).unwrap()
        };
        assert!(react(one, 1, "👍") && react(other, 1, "👍") && react(one, 2, "🎉") && react(other, 2, ""));
        assert!(!react(other, 1, "👍"), "an older one that comes late");
        assert_eq!(reaction_of(&message, &one), (2, "🎉"));
        assert_eq!(reaction_of(&message, &other), (2, ""));
        assert_eq!(message.reactions.len(), 2);
        let wire = Reaction {
            to: Some(content::Reference {
                author: vec![1; 32].into(),
                id: vec![1; 16].into(),
            }),
            emoji: "ha".into(),
            number: 1,
        };
        assert_eq!(reaction(wire), Err(Refusal::NotAnEmoji));
        assert_eq!(reaction(Reaction::default()), Err(Refusal::ChangeMalformed));
    }
}
