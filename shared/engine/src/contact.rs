//! A person: names, log, trust, what is owed to them, the watermarks of the conversation.
//!
//! A contact is pinned by account id. It is *accepted* once the own person has opened the conversation or written into it;
//! nothing is ever sent to an account that is not (no acknowledgement, no receipt), so a stranger learns nothing.
//! The own account is among the contacts too, without a conversation: its log and devices are treated alike.

use chopar_identity::{AccountLog, LogHead};
use chopar_wire::{AccountId, DeviceId, EnvelopeId, MessageId, Timestamp};

use crate::context::Context;
use crate::line::{Progress, preview, state_from, state_number, view};
use crate::map::Map;
use crate::marks::Marks;
use crate::records::contact::{ContactRecord, DeviceFacts, LOG, LogRecord, MARKS, STATE, TimerRecord};
use crate::records::line::{DraftRecord, LineRecord};
use crate::records::{RecordError, SCHEMA, Stored};
use crate::repair::Pace;
use crate::settings::Settings;
use crate::timer::Timer;
use crate::trust::{alarm_from, alarm_number, trust_from, trust_number};
use crate::view::{Alarm, Conversation, Held, Setting, Trust};

/// Acknowledgements and receipts kept for somebody who is not accepted yet; the oldest go first.
const MAX_OWED: usize = 2000;

/// A person.
pub(crate) struct Contact {
    pub(crate) account: AccountId,
    /// As the directory has it; empty while it was not asked or does not bear out what they say.
    pub(crate) handle: String,
    /// As they present themselves, where the directory is still to be asked.
    pub(crate) presented_handle: String,
    pub(crate) display_name: String,
    pub(crate) introduced: bool,
    pub(crate) trust: Trust,
    pub(crate) alarm: Option<Alarm>,
    /// A head of their log that was claimed inside the encryption and is not known here yet.
    pub(crate) claim: Option<Claim>,
    pub(crate) accepted: bool,
    pub(crate) handle_moved: bool,
    /// The sequence the next line gets; 0: there is no conversation.
    pub(crate) next_line: u64,
    /// The lowest sequence that an imported line has; 0: none was imported.
    pub(crate) oldest_line: u64,
    pub(crate) last: Option<Last>,
    pub(crate) time: Timestamp,
    pub(crate) owed: Owed,
    /// The own names as this person was last told them.
    pub(crate) presented_as: String,
    pub(crate) devices: Map<DeviceId, Facts>,
    pub(crate) log: Option<AccountLog>,
    pub(crate) marks: Marks,
    pub(crate) draft: String,
    /// It is a group's conversation, not a person's. Not stored: the group says so.
    pub(crate) group: bool,
    pub(crate) settings: Settings,
    pub(crate) timer: Timer,
    /// When a typing notice was last sent to them.
    pub(crate) typing_told: Option<Timestamp>,
    /// Why nothing can be sent to them now that only the relay can mend. Not stored: it is found out again.
    pub(crate) unreachable: Option<Held>,
}

/// A head of a log that somebody says they know.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Claim {
    pub(crate) head: LogHead,
    pub(crate) by: AccountId,
    /// Since when it is not shown. Not stored: after a restart it counts as long ago.
    pub(crate) since: Timestamp,
    /// Whether the log was asked for at once because something waited to be sent. Not stored.
    pub(crate) hurried: bool,
}

/// The newest line, cut to what a list shows.
pub(crate) struct Last {
    pub(crate) sequence: u64,
    pub(crate) line: LineRecord,
    pub(crate) progress: Progress,
}

/// What is owed to a person.
#[derive(Default)]
pub(crate) struct Owed {
    pub(crate) acks: Vec<EnvelopeId>,
    pub(crate) delivered: Vec<MessageId>,
    pub(crate) read: Vec<MessageId>,
}

/// What must not be forgotten about one device.
#[derive(Clone, Copy, Default)]
pub(crate) struct Facts {
    pub(crate) bundle: u64,
    pub(crate) generation: u32,
    /// A fresh session is wanted before anything more is encrypted for it.
    pub(crate) repair: bool,
    pub(crate) pace: Pace,
    /// When something of it was last opened. Written with what else changes.
    pub(crate) heard: Timestamp,
}

impl Owed {
    pub(crate) fn is_empty(&self) -> bool {
        self.acks.is_empty() && self.delivered.is_empty() && self.read.is_empty()
    }

    /// Drops the oldest beyond the bound.
    pub(crate) fn bound(&mut self) {
        cut(&mut self.acks);
        cut(&mut self.delivered);
        cut(&mut self.read);
    }
}

fn cut<T>(list: &mut Vec<T>) {
    let over = list.len().saturating_sub(MAX_OWED);
    list.drain(..over);
}

impl Contact {
    pub(crate) fn new(account: AccountId, now: Timestamp) -> Self {
        Self {
            account,
            handle: String::new(),
            presented_handle: String::new(),
            display_name: String::new(),
            introduced: false,
            trust: Trust::Unverified,
            alarm: None,
            claim: None,
            accepted: false,
            handle_moved: false,
            next_line: 0,
            oldest_line: 0,
            last: None,
            time: now,
            owed: Owed::default(),
            presented_as: String::new(),
            devices: Map::new(),
            log: None,
            marks: Marks::default(),
            draft: String::new(),
            group: false,
            settings: Settings::default(),
            timer: Timer::default(),
            typing_told: None,
            unreachable: None,
        }
    }

    /// Takes one record of this contact's partition.
    pub(crate) fn load(&mut self, sequence: u64, value: &[u8]) -> Result<(), RecordError> {
        match sequence {
            STATE => self.load_state(ContactRecord::read(value)?),
            LOG => {
                let record = LogRecord::read(value)?;
                let log = AccountLog::verify(&self.account, &record.entries);
                self.log = Some(log.map_err(|_| LogRecord::bad("entries"))?);
                Ok(())
            }
            MARKS.. => self.marks.load(value),
            _ => Err(ContactRecord::bad("sequence")),
        }
    }

    pub(crate) fn load_draft(&mut self, value: &[u8]) -> Result<(), RecordError> {
        self.draft = DraftRecord::read(value)?.text;
        Ok(())
    }

    /// Keeps what is typed and not sent; empty: nothing.
    pub(crate) fn keep_draft(&mut self, text: String, cx: &mut Context<'_>) {
        if self.draft == text {
            return;
        }
        if text.is_empty() {
            cx.delete::<DraftRecord>(self.account.as_bytes(), 0);
        } else {
            let record = DraftRecord {
                schema: SCHEMA,
                text: text.clone(),
            };
            cx.put(self.account.as_bytes(), 0, &record);
        }
        self.draft = text;
        cx.rows.insert(self.account);
    }

    pub(crate) fn save(&mut self, cx: &mut Context<'_>) {
        let last = self.last.as_ref();
        let record = ContactRecord {
            schema: SCHEMA,
            handle: self.handle.clone(),
            presented_handle: self.presented_handle.clone(),
            display_name: self.display_name.clone(),
            introduced: self.introduced,
            trust: trust_number(self.trust),
            alarm: alarm_number(self.alarm),
            accepted: self.accepted,
            next_line: self.next_line,
            oldest_line: self.oldest_line,
            last: last.map(|l| l.line.clone()),
            last_sequence: last.map_or(0, |l| l.sequence),
            last_state: last.map_or(0, |l| state_number(l.progress.state)),
            time: self.time.0,
            owed_acks: self.owed.acks.iter().map(|id| id.as_bytes().to_vec()).collect(),
            owed_delivered: self
                .owed
                .delivered
                .iter()
                .map(|id| id.as_bytes().to_vec())
                .collect(),
            owed_read: self.owed.read.iter().map(|id| id.as_bytes().to_vec()).collect(),
            presented_as: self.presented_as.clone(),
            devices: self
                .devices
                .iter()
                .map(|(id, facts)| facts_record(id, facts))
                .collect(),
            handle_moved: self.handle_moved,
            claimed_length: self.claim.map_or(0, |claim| claim.head.length),
            claimed_hash: self
                .claim
                .map(|claim| claim.head.hash.to_vec())
                .unwrap_or_default(),
            claimed_by: self
                .claim
                .map(|claim| claim.by.as_bytes().to_vec())
                .unwrap_or_default(),
            settings: self.settings.records(),
            timer: (self.timer.number > 0).then_some(TimerRecord {
                seconds: self.timer.seconds,
                number: self.timer.number,
            }),
        };
        cx.put(self.account.as_bytes(), STATE, &record);
        self.marks.save(&self.account, cx);
    }

    pub(crate) fn save_log(&self, cx: &mut Context<'_>) {
        if let Some(log) = &self.log {
            let record = LogRecord {
                schema: SCHEMA,
                entries: log.entries(0).to_vec(),
            };
            cx.put(self.account.as_bytes(), LOG, &record);
        }
    }

    /// The row of the list; `None` where there is no conversation.
    pub(crate) fn row(&self) -> Option<Conversation> {
        (self.next_line > 0).then(|| Conversation {
            peer: self.account,
            name: self.display_name.clone(),
            handle: self.handle.clone(),
            last: self
                .last
                .as_ref()
                .and_then(|l| view(l.sequence, &l.line, l.progress)),
            time: self.time,
            unread: u32::try_from(self.marks.unread()).unwrap_or(u32::MAX),
            first_unread: self.marks.first_unread(),
            draft: self.draft.clone(),
            trust: self.trust,
            alarm: self.alarm,
            group: self.group,
            muted: self.settings.is(Setting::Muted),
            pinned: self.settings.is(Setting::Pinned),
            archived: self.settings.is(Setting::Archived),
            blocked: self.settings.is(Setting::Blocked),
            timer: self.timer.seconds,
        })
    }

    pub(crate) fn set_last(&mut self, sequence: u64, line: &LineRecord, progress: Progress) {
        self.last = Some(Last {
            sequence,
            line: preview(line),
            progress,
        });
    }

    /// Whether something was decided about this person here: to speak with them, or to hear nothing of them. Nobody else's
    /// doing makes them go.
    pub(crate) fn is_decided(&self) -> bool {
        self.accepted || self.settings != Settings::default()
    }

    /// Why own messages to this person wait for a decision or for the relay, if they do.
    pub(crate) fn held(&self) -> Option<Held> {
        match (self.alarm, self.trust) {
            (Some(_), _) => Some(Held::Alarm),
            (None, Trust::Changed) => Some(Held::SafetyNumberChanged),
            (None, _) => self.unreachable,
        }
    }

    fn load_state(&mut self, record: ContactRecord) -> Result<(), RecordError> {
        self.handle = record.handle;
        self.presented_handle = record.presented_handle;
        self.display_name = record.display_name;
        self.introduced = record.introduced;
        self.trust = trust_from(record.trust).ok_or(ContactRecord::bad("trust"))?;
        self.alarm = alarm_from(record.alarm);
        if self.alarm.is_none() && record.alarm != 0 {
            return Err(ContactRecord::bad("alarm"));
        }
        if record.claimed_length != 0 {
            let hash = record.claimed_hash.as_slice().try_into();
            let by = AccountId::try_from(record.claimed_by.as_slice());
            self.claim = Some(Claim {
                head: LogHead {
                    length: record.claimed_length,
                    hash: hash.map_err(|_| ContactRecord::bad("claim"))?,
                },
                by: by.map_err(|_| ContactRecord::bad("claim"))?,
                since: Timestamp(0),
                hurried: false,
            });
        }
        self.accepted = record.accepted;
        self.handle_moved = record.handle_moved;
        self.next_line = record.next_line;
        self.oldest_line = record.oldest_line;
        let progress = Progress {
            state: state_from(record.last_state),
            held: None,
        };
        self.last = record.last.map(|line| Last {
            sequence: record.last_sequence,
            line,
            progress,
        });
        self.time = Timestamp(record.time);
        self.owed.acks = ids(&record.owed_acks, |b| EnvelopeId::try_from(b).ok())?;
        self.owed.delivered = ids(&record.owed_delivered, |b| MessageId::try_from(b).ok())?;
        self.owed.read = ids(&record.owed_read, |b| MessageId::try_from(b).ok())?;
        self.presented_as = record.presented_as;
        self.settings = Settings::from_records(&record.settings);
        self.timer = record.timer.map_or_else(Timer::default, |timer| Timer {
            seconds: timer.seconds,
            number: timer.number,
        });
        for facts in record.devices {
            let device =
                DeviceId::try_from(facts.device.as_slice()).map_err(|_| ContactRecord::bad("device"))?;
            let DeviceFacts {
                bundle,
                generation,
                repair,
                repairs,
                next_repair,
                heard,
                ..
            } = facts;
            self.devices.insert(
                device,
                Facts {
                    bundle,
                    generation,
                    repair,
                    pace: Pace {
                        attempts: repairs,
                        next: Timestamp(next_repair),
                    },
                    heard: Timestamp(heard),
                },
            );
        }
        Ok(())
    }
}

fn ids<T>(from: &[Vec<u8>], parse: impl Fn(&[u8]) -> Option<T>) -> Result<Vec<T>, RecordError> {
    from.iter()
        .map(|bytes| parse(bytes).ok_or(ContactRecord::bad("id")))
        .collect()
}

fn facts_record(device: &DeviceId, facts: &Facts) -> DeviceFacts {
    DeviceFacts {
        device: device.as_bytes().to_vec(),
        bundle: facts.bundle,
        generation: facts.generation,
        repair: facts.repair,
        repairs: facts.pace.attempts,
        next_repair: facts.pace.next.0,
        heard: facts.heard.0,
    }
}
