//! Lines as they are stored and as they are shown.

use chopar_wire::proto::content::{File, Text};
use chopar_wire::{AccountId, MessageId, Timestamp};

use crate::change::{is_text, reference};
use crate::files::{in_order, shown};
use crate::records::SCHEMA;
use crate::records::line::{DeliveryRecord, LineContent, LineRecord, NoticeRecord, TextRecord};
use crate::timer::Timer;
use crate::trust::{alarm_from, alarm_number};
use crate::view::{Extra, GroupDeed, Held, Line, LineBody, Notice, Reactions, Reference, SentState};

/// Characters of the last line that the list of conversations keeps: more than a row shows.
const PREVIEW_CHARS: usize = 200;

/// How far an own line has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) state: SentState,
    pub(crate) held: Option<Held>,
}

impl Progress {
    pub(crate) const WAITING: Self = Self {
        state: SentState::Waiting,
        held: None,
    };

    pub(crate) fn record(self) -> DeliveryRecord {
        DeliveryRecord {
            schema: SCHEMA,
            state: state_number(self.state),
            held: held_number(self.held),
        }
    }

    pub(crate) fn from_record(record: &DeliveryRecord) -> Self {
        Self {
            state: state_from(record.state),
            held: held_from(record.held),
        }
    }
}

/// A text as it was said: what a line is made of.
pub(crate) struct Said {
    pub(crate) id: MessageId,
    pub(crate) text: String,
    /// By the sender's clock.
    pub(crate) sent: Timestamp,
    pub(crate) reply_to: Option<Reference>,
    pub(crate) forwarded: bool,
    /// In seconds; 0: for ever.
    pub(crate) lifetime: u32,
    /// Held to their bounds.
    pub(crate) files: Vec<File>,
}

impl Said {
    /// What somebody said; `None` where it is no message. An answer to what cannot be is no answer, and stays a message. With
    /// files there may be no text.
    pub(crate) fn parse(text: &Text, sent: Timestamp) -> Option<Self> {
        let wordless = text.text.is_empty() && !text.files.is_empty();
        ((wordless || is_text(&text.text)) && in_order(&text.files)).then_some(())?;
        Some(Self {
            files: text.files.clone(),
            id: MessageId::try_from(text.id.as_ref()).ok()?,
            text: text.text.clone(),
            sent,
            reply_to: reference(text.reply_to.as_ref()),
            forwarded: text.forwarded,
            lifetime: text
                .timer
                .as_ref()
                .and_then(Timer::parse)
                .map_or(0, |t| t.seconds),
        })
    }

    fn record(&self) -> TextRecord {
        let reply = self.reply_to;
        TextRecord {
            id: self.id.as_bytes().to_vec(),
            text: self.text.clone(),
            sent: self.sent.0,
            reply_author: reply.map(|r| r.author.as_bytes().to_vec()).unwrap_or_default(),
            reply_id: reply.map(|r| r.id.as_bytes().to_vec()).unwrap_or_default(),
            forwarded: self.forwarded,
            lifetime: self.lifetime,
            files: self.files.clone(),
            ..TextRecord::default()
        }
    }
}

pub(crate) fn own(said: &Said) -> LineRecord {
    line(said.sent, LineContent::Own(said.record()))
}

/// `time` is the moment that is shown.
pub(crate) fn theirs(said: &Said, author: AccountId, time: Timestamp) -> LineRecord {
    let message = TextRecord {
        author: author.as_bytes().to_vec(),
        ..said.record()
    };
    line(time, LineContent::Theirs(message))
}

pub(crate) fn notice(notice: &Notice, time: Timestamp) -> LineRecord {
    let mut record = NoticeRecord::default();
    record.kind = match notice {
        Notice::Began => 1,
        Notice::DeviceAdded { name } => {
            record.name.clone_from(name);
            2
        }
        Notice::DeviceRevoked { name } => {
            record.name.clone_from(name);
            3
        }
        Notice::SafetyNumberChanged => 4,
        Notice::Verified => 5,
        Notice::Unverified => 6,
        Notice::HandleMoved { handle } => {
            record.name.clone_from(handle);
            7
        }
        Notice::AlarmRaised(alarm) => {
            record.alarm = alarm_number(Some(*alarm));
            8
        }
        Notice::Repaired => 9,
        Notice::TimerChanged { by, seconds } => {
            record.by = by.as_bytes().to_vec();
            record.value = *seconds;
            10
        }
        Notice::Group { by, deed } => {
            record.by = by.as_bytes().to_vec();
            deed_record(deed, &mut record)
        }
        Notice::GroupWithheld => 60,
        Notice::GroupForked { signers } => {
            record.accounts = signers.iter().map(|id| id.as_bytes().to_vec()).collect();
            61
        }
    };
    line(time, LineContent::Notice(record))
}

fn line(time: Timestamp, content: LineContent) -> LineRecord {
    LineRecord {
        schema: SCHEMA,
        time: time.0,
        content: Some(content),
    }
}

/// The line as it is shown; `None` for one this build cannot show (written by a newer one).
pub(crate) fn view(sequence: u64, record: &LineRecord, progress: Progress) -> Option<Line> {
    let mut author = None;
    let body = match record.content.as_ref()? {
        LineContent::Own(text) => LineBody::Own {
            id: MessageId::try_from(text.id.as_slice()).ok()?,
            text: text.text.clone(),
            state: progress.state,
            held: progress.held,
            extra: extra(text),
        },
        LineContent::Theirs(text) => {
            author = AccountId::try_from(text.author.as_slice()).ok();
            LineBody::Theirs {
                id: MessageId::try_from(text.id.as_slice()).ok()?,
                text: text.text.clone(),
                extra: extra(text),
            }
        }
        LineContent::Notice(notice) => LineBody::Notice(notice_from(notice)?),
    };
    Some(Line {
        sequence,
        time: Timestamp(record.time),
        author,
        body,
    })
}

fn extra(message: &TextRecord) -> Extra {
    let reply = || {
        Some(Reference {
            author: message.reply_author.as_slice().try_into().ok()?,
            id: message.reply_id.as_slice().try_into().ok()?,
        })
    };
    let mut reactions: Vec<Reactions> = Vec::new();
    for reaction in message.reactions.iter().filter(|r| !r.emoji.is_empty()) {
        let Ok(by) = reaction.by.as_slice().try_into() else {
            continue;
        };
        match reactions.iter_mut().find(|r| r.emoji == reaction.emoji) {
            Some(known) => known.by.push(by),
            None => reactions.push(Reactions {
                emoji: reaction.emoji.clone(),
                by: vec![by],
            }),
        }
    }
    reactions.sort_by(|a, b| b.by.len().cmp(&a.by.len()).then(a.emoji.cmp(&b.emoji)));
    Extra {
        reply_to: reply(),
        forwarded: message.forwarded,
        edited: message.edit > 0,
        deleted: message.deleted,
        reactions,
        lifetime: message.lifetime,
        files: message.files.iter().filter_map(shown).collect(),
    }
}

fn notice_from(record: &NoticeRecord) -> Option<Notice> {
    let name = || record.name.clone();
    Some(match record.kind {
        1 => Notice::Began,
        2 => Notice::DeviceAdded { name: name() },
        3 => Notice::DeviceRevoked { name: name() },
        4 => Notice::SafetyNumberChanged,
        5 => Notice::Verified,
        6 => Notice::Unverified,
        7 => Notice::HandleMoved { handle: name() },
        8 => Notice::AlarmRaised(alarm_from(record.alarm)?),
        9 => Notice::Repaired,
        10 => Notice::TimerChanged {
            by: record.by.as_slice().try_into().ok()?,
            seconds: record.value,
        },
        50..=57 => Notice::Group {
            by: AccountId::try_from(record.by.as_slice()).ok()?,
            deed: deed_from(record)?,
        },
        60 => Notice::GroupWithheld,
        61 => Notice::GroupForked {
            signers: accounts(record)?,
        },
        _ => return None,
    })
}

/// Fills in what was done in a group; the number of the notice.
fn deed_record(deed: &GroupDeed, record: &mut NoticeRecord) -> u32 {
    let ids = |accounts: &[AccountId]| accounts.iter().map(|id| id.as_bytes().to_vec()).collect();
    match deed {
        GroupDeed::Added(who) => {
            record.accounts = ids(who);
            50
        }
        GroupDeed::Removed(who) => {
            record.accounts = ids(who);
            51
        }
        GroupDeed::Left => 52,
        GroupDeed::Role { account, admin } => {
            record.accounts = ids(&[*account]);
            record.value = u32::from(*admin);
            53
        }
        GroupDeed::Named(name) => {
            record.name.clone_from(name);
            54
        }
        GroupDeed::Picture => 55,
        GroupDeed::AdminsOnly(on) => {
            record.value = u32::from(*on);
            56
        }
        GroupDeed::Timer(seconds) => {
            record.value = *seconds;
            57
        }
    }
}

fn deed_from(record: &NoticeRecord) -> Option<GroupDeed> {
    Some(match record.kind {
        50 => GroupDeed::Added(accounts(record)?),
        51 => GroupDeed::Removed(accounts(record)?),
        52 => GroupDeed::Left,
        53 => GroupDeed::Role {
            account: *accounts(record)?.first()?,
            admin: record.value != 0,
        },
        54 => GroupDeed::Named(record.name.clone()),
        55 => GroupDeed::Picture,
        56 => GroupDeed::AdminsOnly(record.value != 0),
        57 => GroupDeed::Timer(record.value),
        _ => return None,
    })
}

fn accounts(record: &NoticeRecord) -> Option<Vec<AccountId>> {
    let ids = record.accounts.iter();
    ids.map(|id| AccountId::try_from(id.as_slice()).ok()).collect()
}

/// The line cut to what a list shows.
pub(crate) fn preview(record: &LineRecord) -> LineRecord {
    let mut preview = record.clone();
    if let Some(LineContent::Own(text) | LineContent::Theirs(text)) = &mut preview.content {
        if let Some((end, _)) = text.text.char_indices().nth(PREVIEW_CHARS) {
            text.text.truncate(end);
        }
        for file in &mut text.files {
            file.thumbnail.clear();
            // One bar still says that it is a voice note, in the list as in its line.
            file.waveform.truncate(1);
        }
    }
    preview
}

pub(crate) const fn state_number(state: SentState) -> u32 {
    match state {
        SentState::Waiting => 0,
        SentState::Sent => 1,
        SentState::Delivered => 2,
        SentState::Read => 3,
    }
}

pub(crate) const fn state_from(number: u32) -> SentState {
    match number {
        0 => SentState::Waiting,
        1 => SentState::Sent,
        2 => SentState::Delivered,
        _ => SentState::Read,
    }
}

pub(crate) const fn held_number(held: Option<Held>) -> u32 {
    match held {
        None => 0,
        Some(Held::SafetyNumberChanged) => 1,
        Some(Held::Alarm) => 2,
        Some(Held::QueueFull) => 3,
        Some(Held::Expired) => 4,
        Some(Held::NoDevice) => 5,
        Some(Held::NoSuchAccount) => 6,
        Some(Held::RelayStorage) => 7,
        Some(Held::Refused) => 8,
        Some(Held::FilesFull) => 9,
        Some(Held::FileTooLarge) => 10,
        Some(Held::FileLost) => 11,
    }
}

pub(crate) const fn held_from(number: u32) -> Option<Held> {
    match number {
        1 => Some(Held::SafetyNumberChanged),
        2 => Some(Held::Alarm),
        3 => Some(Held::QueueFull),
        4 => Some(Held::Expired),
        5 => Some(Held::NoDevice),
        6 => Some(Held::NoSuchAccount),
        7 => Some(Held::RelayStorage),
        8 => Some(Held::Refused),
        9 => Some(Held::FilesFull),
        10 => Some(Held::FileTooLarge),
        11 => Some(Held::FileLost),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chopar_wire::AccountId;

    use super::*;
    use crate::view::Alarm;

    #[test]
    fn every_notice_comes_back() {
        let name = "Oyna".to_owned();
        let group = |deed| Notice::Group {
            by: AccountId::new([1; 32]),
            deed,
        };
        for original in [
            Notice::Began,
            Notice::DeviceAdded { name: name.clone() },
            Notice::DeviceRevoked { name: name.clone() },
            Notice::SafetyNumberChanged,
            Notice::Verified,
            Notice::Unverified,
            Notice::HandleMoved { handle: name },
            Notice::AlarmRaised(Alarm::BundleForged),
            Notice::Repaired,
            Notice::TimerChanged {
                by: AccountId::new([3; 32]),
                seconds: 60,
            },
            group(GroupDeed::Added(vec![AccountId::new([2; 32])])),
            group(GroupDeed::Removed(vec![AccountId::new([3; 32])])),
            group(GroupDeed::Left),
            group(GroupDeed::Role {
                account: AccountId::new([4; 32]),
                admin: true,
            }),
            group(GroupDeed::Named("Hisob".to_owned())),
            group(GroupDeed::Picture),
            group(GroupDeed::AdminsOnly(true)),
            group(GroupDeed::Timer(60)),
            Notice::GroupWithheld,
            Notice::GroupForked {
                signers: vec![AccountId::new([5; 32])],
            },
        ] {
            let line = view(7, &notice(&original, Timestamp(5)), Progress::WAITING).unwrap();
            assert_eq!((line.sequence, line.time), (7, Timestamp(5)));
            assert!(line.body == LineBody::Notice(original));
        }
    }

    #[test]
    fn numbers_come_back_and_the_future_is_not_shown() {
        for number in 0..=8 {
            assert_eq!(held_number(held_from(number)), number);
        }
        for number in 0..=3 {
            assert_eq!(state_number(state_from(number)), number);
        }
        let mut unknown = notice(&Notice::Began, Timestamp(0));
        unknown.content = Some(LineContent::Notice(NoticeRecord {
            kind: 99,
            ..Default::default()
        }));
        assert!(view(1, &unknown, Progress::WAITING).is_none());
    }

    #[test]
    fn a_preview_is_cut_between_characters() {
        let long = own(&Said {
            id: MessageId::new([1; 16]),
            text: "щ".repeat(500),
            sent: Timestamp(0),
            reply_to: None,
            forwarded: false,
            lifetime: 0,
            files: Vec::new(),
        });
        let Some(LineContent::Own(text)) = preview(&long).content else {
            panic!("an own line")
        };
        assert_eq!(text.text.chars().count(), PREVIEW_CHARS);
    }

    /// P-382.
    #[test]
    fn a_preview_of_a_voice_note_is_still_one() {
        let note = File {
            id: vec![1; 16].into(),
            key: vec![2; 32].into(),
            size: 9_000,
            digest: vec![3; 32].into(),
            name: "voice-message.webm".to_owned(),
            media_type: "audio/webm".to_owned(),
            duration_ms: 12_000,
            waveform: vec![4; 64].into(),
            ..File::default()
        };
        let line = own(&Said {
            id: MessageId::new([1; 16]),
            text: String::new(),
            sent: Timestamp(0),
            reply_to: None,
            forwarded: false,
            lifetime: 0,
            files: vec![note],
        });
        let listed = view(1, &preview(&line), Progress::WAITING).unwrap();
        let LineBody::Own { extra, .. } = listed.body else {
            panic!("an own line")
        };
        let file = &extra.files[0];
        assert_eq!(file.shown_as, crate::view::ShownAs::VoiceNote);
        assert_eq!((file.duration_ms, file.waveform.len()), (12_000, 1));
    }
}
