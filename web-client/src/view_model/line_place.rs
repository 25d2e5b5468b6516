//! How a line stands among its neighbours: groups of bubbles, day separators, the unread line.

use chopar_engine::view::{Line, LineBody};
use chopar_wire::{AccountId, Timestamp};

use super::Day;

/// Bubbles of one sender further apart than this do not touch: five minutes, as the look page says.
const GROUP_MS: u64 = 5 * 60 * 1000;

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinePlace {
    /// The day that begins with this line.
    pub(crate) day: Option<Day>,
    /// Whether the unread line stands above it.
    pub(crate) unread_above: bool,
    /// First bubble of a group.
    pub(crate) first: bool,
    /// Last bubble of a group: it has the tail.
    pub(crate) last: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Own,
    /// In a group, of whom.
    Theirs(Option<AccountId>),
    Middle,
}

/// The places of consecutive lines. `first_unread` is the sequence above which the unread line stands; `day_of` knows the
/// local calendar.
pub(crate) fn places<'a>(
    lines: impl Iterator<Item = &'a Line>,
    first_unread: Option<u64>,
    day_of: impl Fn(Timestamp) -> Day,
) -> Vec<LinePlace> {
    let mut all: Vec<LinePlace> = Vec::new();
    let mut before: Option<(Side, Timestamp, Day)> = None;
    let mut line_drawn = false;
    for line in lines {
        let side = match line.body {
            LineBody::Own { .. } => Side::Own,
            LineBody::Theirs { .. } => Side::Theirs(line.author),
            LineBody::Notice(_) => Side::Middle,
        };
        let day = day_of(line.time);
        let new_day = before.is_none_or(|(_, _, known)| known != day);
        // Where what was not read begins before them all, its beginning is not among them.
        line_drawn |= before.is_none() && first_unread.is_some_and(|unread| line.sequence > unread);
        // Lines have gaps: the unread line stands above the first line that is not older than the one named.
        let unread_above = !line_drawn && first_unread.is_some_and(|unread| line.sequence >= unread);
        line_drawn |= unread_above;
        let joined = !new_day
            && !unread_above
            && side != Side::Middle
            && before.is_some_and(|(known, time, _)| known == side && apart(time, line.time) <= GROUP_MS);
        if joined && let Some(above) = all.last_mut() {
            above.last = false;
        }
        all.push(LinePlace {
            day: new_day.then_some(day),
            unread_above,
            first: !joined,
            last: true,
        });
        before = Some((side, line.time, day));
    }
    all
}

/// Clocks differ, so the later line may carry the earlier time.
fn apart(one: Timestamp, other: Timestamp) -> u64 {
    one.0.abs_diff(other.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chopar_engine::view::Notice;
    use chopar_wire::MessageId;

    const MINUTE: u64 = 60_000;

    fn theirs(sequence: u64, minutes: u64) -> Line {
        let body = LineBody::Theirs {
            id: MessageId::new([0; 16]),
            text: String::from("x"),
            extra: chopar_engine::view::Extra::default(),
        };
        Line {
            sequence,
            time: Timestamp(minutes * MINUTE),
            author: None,
            body,
        }
    }

    fn shown(lines: &[Line], unread: Option<u64>) -> Vec<(bool, bool, bool, bool)> {
        places(lines.iter(), unread, |time| Day::of(time, 0))
            .into_iter()
            .map(|place| (place.day.is_some(), place.unread_above, place.first, place.last))
            .collect()
    }

    #[test]
    fn lines_within_five_minutes_form_a_group() {
        let lines = [theirs(1, 0), theirs(2, 5), theirs(3, 11)];
        assert_eq!(
            shown(&lines, None),
            [
                (true, false, true, false),
                (false, false, false, true),
                (false, false, true, true)
            ]
        );
    }

    #[test]
    fn a_new_day_and_the_unread_line_break_a_group() {
        let before_midnight = 24 * 60 - 1;
        let lines = [
            theirs(1, before_midnight),
            theirs(2, before_midnight + 2),
            theirs(7, before_midnight + 3),
        ];
        let got = shown(&lines, Some(5));
        assert_eq!(got[1], (true, false, true, true));
        assert_eq!(got[2], (false, true, true, true));
    }

    #[test]
    fn everybody_in_a_group_has_bubbles_of_their_own() {
        let by = |sequence, author| Line {
            author: Some(AccountId::new([author; 32])),
            ..theirs(sequence, 0)
        };
        let lines = [by(1, 1), by(2, 1), by(3, 2)];
        let got = shown(&lines, None);
        assert!(!got[1].2, "the same person goes on");
        assert!(got[2].2, "somebody else begins");
    }

    #[test]
    fn the_unread_line_is_drawn_once() {
        let lines = [theirs(1, 0), theirs(2, 0), theirs(3, 0)];
        assert_eq!(shown(&lines, Some(2)).iter().filter(|place| place.1).count(), 1);
        assert_eq!(shown(&lines, Some(9)).iter().filter(|place| place.1).count(), 0);
        assert_eq!(
            shown(&lines[1..], Some(1)).iter().filter(|place| place.1).count(),
            0,
            "it is further up"
        );
        assert_eq!(shown(&lines, Some(1)).iter().filter(|place| place.1).count(), 1);
    }

    #[test]
    fn notices_stand_alone() {
        let notice = Line {
            sequence: 2,
            time: Timestamp(0),
            author: None,
            body: LineBody::Notice(Notice::Verified),
        };
        let lines = [theirs(1, 0), notice, theirs(3, 0)];
        assert!(shown(&lines, None).iter().all(|place| place.2 && place.3));
    }
}
