//! Sessions of all devices: which one sends, which one a message belongs to.
//!
//! Of several sessions with a device the one of the highest generation sends; on a tie the one whose handshake header has the
//! smaller hash: both sides come to the same answer. The others are the archive: they stay readable for a while, because what
//! was encrypted in them may still lie in a queue.

use std::cmp::Reverse;
use std::collections::HashMap;

use chopar_e2ee::ratchet::{Session, Tag, TagChanges, TagKind};
use chopar_identity::{EcPrekey, X25519Public};
use chopar_wire::{AccountId, DeviceId, Timestamp};

use crate::context::Context;
use crate::map::Map;
use crate::records::session::SessionRecord;
use crate::records::{RecordError, SCHEMA, Stored};
use crate::set::Set;

/// Sessions with one device that stay readable besides the sending one.
const MAX_OLDER: usize = 40;
/// How long they do, in milliseconds: as long as an envelope can lie in a queue.
const OLDER_LIFETIME_MS: u64 = chopar_wire::limits::MAX_QUEUE_AGE_MS;
/// Skipped message keys of all sessions with one account together, as many as one session keeps: an account has up to eight
/// devices with forty-one sessions each, and may begin them as it likes.
const MAX_SKIPPED_OF_ACCOUNT: usize = 2_000;

/// Names a session within this vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SessionKey {
    pub(crate) device: DeviceId,
    pub(crate) number: u64,
}

/// A session and what is known around it.
pub(crate) struct Live {
    pub(crate) account: AccountId,
    pub(crate) generation: u32,
    pub(crate) header_hash: [u8; 32],
    pub(crate) created: Timestamp,
    pub(crate) session: Session,
    /// Set on the initiator's side until the first answer is opened.
    pub(crate) unanswered: Option<Unanswered>,
    /// When it was first seen that another one sends.
    pub(crate) superseded: Option<Timestamp>,
}

/// What puts messages into handshake form.
pub(crate) struct Unanswered {
    pub(crate) header: Vec<u8>,
    pub(crate) sealing_key: EcPrekey,
}

/// All sessions, and the ways to find one.
#[derive(Default)]
pub(crate) struct Sessions {
    live: Map<SessionKey, Live>,
    tags: HashMap<Tag, (SessionKey, TagKind)>,
    headers: HashMap<[u8; 32], SessionKey>,
    /// The highest number of a record that a younger build wrote: it stays for that build, and its number is taken.
    foreign: Map<DeviceId, u64>,
}

impl Sessions {
    pub(crate) fn load(&mut self, partition: &[u8], number: u64, value: &[u8]) -> Result<(), RecordError> {
        let mut record = SessionRecord::read(value)?;
        let device = DeviceId::try_from(partition).map_err(|_| SessionRecord::bad("device"))?;
        let session = Session::from_record(&record.ratchet).map_err(|error| match error {
            chopar_e2ee::ratchet::RecordError::Version(found) => SessionRecord::of_version(found),
            _ => SessionRecord::bad("ratchet"),
        })?;
        let unanswered = match std::mem::take(&mut record.header) {
            header if header.is_empty() => None,
            header => Some(Unanswered {
                header,
                sealing_key: EcPrekey {
                    id: record.sealing_id,
                    public: X25519Public::parse(&record.sealing_key)
                        .map_err(|_| SessionRecord::bad("sealing key"))?,
                },
            }),
        };
        let header_hash = record.header_hash.as_slice().try_into();
        let live = Live {
            account: AccountId::try_from(record.account.as_slice())
                .map_err(|_| SessionRecord::bad("account"))?,
            generation: record.generation,
            header_hash: header_hash.map_err(|_| SessionRecord::bad("header hash"))?,
            created: Timestamp(record.created),
            session,
            unanswered,
            superseded: (record.superseded != 0).then_some(Timestamp(record.superseded)),
        };
        self.index(SessionKey { device, number }, live);
        Ok(())
    }

    /// Adds a session; the oldest beyond the bound go, never the one that sends.
    pub(crate) fn add(&mut self, device: DeviceId, live: Live, cx: &mut Context<'_>) -> SessionKey {
        let last = self.of(&device).last().map(|key| key.number);
        let number = last
            .max(self.foreign.get(&device).copied())
            .map_or(0, |number| number + 1);
        let key = SessionKey { device, number };
        self.index(key, live);
        self.save(key, cx);
        self.keep_newest(&device, MAX_OLDER, cx);
        for changed in self.bound_skipped(key) {
            self.save(changed, cx);
        }
        key
    }

    /// Drops skipped keys beyond the bound of the account whose session this is, oldest first. The sessions that changed.
    pub(crate) fn bound_skipped(&mut self, key: SessionKey) -> Set<SessionKey> {
        let mut changed = Set::new();
        let Some(account) = self.live.get(&key).map(|live| live.account) else {
            return changed;
        };
        let of = self.of_account(&account, |_| true);
        let skipped = |key: &SessionKey| self.live.get(key).map_or(0, |live| live.session.skipped_keys());
        let kept: usize = of.iter().map(skipped).sum();
        let mut surplus = kept.saturating_sub(MAX_SKIPPED_OF_ACCOUNT);
        while surplus > 0 {
            let oldest = |key: &SessionKey| Some((self.live.get(key)?.session.oldest_skipped()?, *key));
            let Some((_, key)) = of.iter().filter_map(oldest).min() else {
                break;
            };
            let Some(live) = self.live.get_mut(&key) else {
                break;
            };
            let changes = live.session.drop_oldest_skipped(surplus);
            surplus -= changes.removed.len().clamp(1, surplus);
            self.follow(key, changes);
            changed.insert(key);
        }
        changed
    }

    /// Keeps so many sessions with a device besides the one that sends; the oldest go.
    pub(crate) fn keep_newest(&mut self, device: &DeviceId, count: usize, cx: &mut Context<'_>) {
        let sending = self.sending(device);
        let mut older = self.of(device);
        older.retain(|key| Some(*key) != sending);
        let surplus = older.len().saturating_sub(count);
        for old in older.into_iter().take(surplus) {
            self.remove(old, cx);
        }
    }

    /// A record that this build cannot read and a younger one can is left where it is.
    pub(crate) fn leave(&mut self, partition: &[u8], number: u64) {
        if let Ok(device) = DeviceId::try_from(partition) {
            let highest = self.foreign.entry(device).or_default();
            *highest = number.max(*highest);
        }
    }

    pub(crate) fn get(&self, key: &SessionKey) -> Option<&Live> {
        self.live.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &SessionKey) -> Option<&mut Live> {
        self.live.get_mut(key)
    }

    /// The session that sends to a device.
    pub(crate) fn sending(&self, device: &DeviceId) -> Option<SessionKey> {
        let rank = |key: &SessionKey| self.live.get(key).map(|l| (l.generation, Reverse(l.header_hash)));
        self.of(device).into_iter().max_by_key(rank)
    }

    /// All sessions with a device, oldest first.
    pub(crate) fn of(&self, device: &DeviceId) -> Vec<SessionKey> {
        let first = SessionKey {
            device: *device,
            number: 0,
        };
        let last = SessionKey {
            device: *device,
            number: u64::MAX,
        };
        self.live.range(first..=last).map(|(key, _)| *key).collect()
    }

    pub(crate) fn by_tag(&self, tag: &Tag) -> Option<(SessionKey, TagKind)> {
        self.tags.get(tag).copied()
    }

    pub(crate) fn by_header(&self, hash: &[u8; 32]) -> Option<SessionKey> {
        self.headers.get(hash).copied()
    }

    /// All sessions, newest first: the order in which an unknown tag is tried.
    pub(crate) fn newest_first(&self) -> Vec<SessionKey> {
        let mut keys: Vec<(Timestamp, SessionKey)> =
            self.live.iter().map(|(key, live)| (live.created, *key)).collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        keys.into_iter().map(|(_, key)| key).collect()
    }

    /// Follows a commit: the map of expected tags.
    pub(crate) fn follow(&mut self, key: SessionKey, changes: TagChanges) {
        for tag in changes.removed {
            self.tags.remove(&tag);
        }
        for (tag, kind) in changes.added {
            self.tags.insert(tag, (key, kind));
        }
    }

    pub(crate) fn save(&self, key: SessionKey, cx: &mut Context<'_>) {
        if let Some(live) = self.live.get(&key) {
            cx.put(key.device.as_bytes(), key.number, &record(live));
        }
    }

    pub(crate) fn remove(&mut self, key: SessionKey, cx: &mut Context<'_>) {
        let Some(live) = self.live.remove(&key) else {
            return;
        };
        for (tag, _) in live.session.expected_tags() {
            self.tags.remove(&tag);
        }
        self.headers.remove(&live.header_hash);
        cx.delete::<SessionRecord>(key.device.as_bytes(), key.number);
    }

    /// Drops sessions that were superseded long ago, and keys within sessions that are old. How old a session is does not
    /// count: one of many months may have been superseded a moment ago, with its last messages still on their way.
    pub(crate) fn expire(&mut self, cx: &mut Context<'_>) {
        for key in self.live.keys().copied().collect::<Vec<_>>() {
            let sends = self.sending(&key.device) == Some(key);
            let Some(live) = self.live.get_mut(&key) else {
                continue;
            };
            let changes = live.session.expire(cx.now);
            let superseded = if sends {
                None
            } else {
                live.superseded.or(Some(cx.now))
            };
            let noticed = std::mem::replace(&mut live.superseded, superseded) != superseded;
            if superseded.is_some_and(|at| cx.now.ms_since(at) > OLDER_LIFETIME_MS) {
                self.remove(key, cx);
            } else if noticed || !changes.removed.is_empty() {
                self.follow(key, changes);
                self.save(key, cx);
            }
        }
    }

    /// The sessions with one account's devices for which `gone` holds.
    pub(crate) fn of_account(
        &self,
        account: &AccountId,
        gone: impl Fn(&DeviceId) -> bool,
    ) -> Vec<SessionKey> {
        let of = self.live.iter().filter(|(_, live)| live.account == *account);
        of.map(|(key, _)| *key).filter(|key| gone(&key.device)).collect()
    }

    fn index(&mut self, key: SessionKey, live: Live) {
        self.tags
            .extend(live.session.expected_tags().map(|(tag, kind)| (tag, (key, kind))));
        self.headers.insert(live.header_hash, key);
        self.live.insert(key, live);
    }
}

fn record(live: &Live) -> SessionRecord {
    let unanswered = live.unanswered.as_ref();
    SessionRecord {
        schema: SCHEMA,
        account: live.account.as_bytes().to_vec(),
        generation: live.generation,
        header_hash: live.header_hash.to_vec(),
        created: live.created.0,
        ratchet: live.session.to_record().to_vec(),
        header: unanswered.map(|u| u.header.clone()).unwrap_or_default(),
        sealing_id: unanswered.map_or(0, |u| u.sealing_key.id),
        sealing_key: unanswered
            .map(|u| u.sealing_key.public.as_bytes().to_vec())
            .unwrap_or_default(),
        superseded: live.superseded.map_or(0, |at| at.0),
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::fixture::{NOW, device, live, pair};

    /// A session of which so many messages are missing since a moment.
    fn with_gap(seed: u8, missing: u32, since: Timestamp) -> Session {
        let (mut ours, mut theirs) = pair(seed);
        let mut rng = ChaCha8Rng::seed_from_u64(u64::from(seed));
        let messages: Vec<_> = (0..=missing)
            .map(|_| ours.encrypt(b"x", NOW, &mut rng).unwrap())
            .collect();
        let opened = theirs.open(&messages[missing as usize], since).unwrap();
        theirs.commit(opened.draft).unwrap();
        assert_eq!(theirs.skipped_keys(), missing as usize);
        theirs
    }

    /// P-067: of one account 2,000 skipped keys are kept, in whatever sessions with whatever devices; those that are missing
    /// longest go first, with their tags, and those of others stay.
    #[test]
    fn skipped_keys_of_one_account_are_bounded() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut cx = Context::new(NOW, &mut rng);
        let mut sessions = Sessions::default();
        let (account, other) = (AccountId::new([1; 32]), AccountId::new([2; 32]));
        let add = |sessions: &mut Sessions, number: u16, whose, since: u64, cx: &mut Context<'_>| {
            let session = with_gap(number as u8, 900, Timestamp(since));
            sessions.add(device(number), live(whose, session, NOW), cx)
        };
        let aside = add(&mut sessions, 9, other, 1, &mut cx);
        let second = add(&mut sessions, 1, account, 20, &mut cx);
        let first = add(&mut sessions, 2, account, 10, &mut cx);
        let skipped = |sessions: &Sessions, key| sessions.get(&key).unwrap().session.skipped_keys();
        assert_eq!([second, first].map(|key| skipped(&sessions, key)), [900, 900]);
        let third = add(&mut sessions, 3, account, 30, &mut cx);
        let fourth = add(&mut sessions, 4, account, 40, &mut cx);
        let kept = [first, second, third, fourth].map(|key| skipped(&sessions, key));
        assert_eq!(kept, [0, 200, 900, 900]);
        assert_eq!(kept.iter().sum::<usize>(), MAX_SKIPPED_OF_ACCOUNT);
        assert_eq!(skipped(&sessions, aside), 900);
        let expected: usize = sessions
            .live
            .values()
            .map(|l| l.session.expected_tags().count())
            .sum();
        assert_eq!(sessions.tags.len(), expected, "no tag of a key that is gone");
    }
}
