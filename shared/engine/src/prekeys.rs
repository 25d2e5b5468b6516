//! The own prekeys, private halves: made, signed by the device, found by what a handshake names, kept as long as somebody may
//! use them. What was used is remembered: a one-time pair by being gone, the last-resort key by the headers that used it.

use chopar_e2ee::handshake::{HandshakeHeader, KemPrekeyId};
use chopar_e2ee::prekeys::{EcPrekeySecret, OneTimeOrLastResort, OneTimeSecret, PqPrekeySecret};
use chopar_identity::{BundleBase, OneTimePair};
use chopar_wire::proto::identity::Signed;
use chopar_wire::{AccountId, DeviceId, Timestamp, limits};

use crate::context::Context;
use crate::map::Map;
use crate::records::prekey::{BUNDLES, BundleRecord, ONE_TIME, OneTimeRecord};
use crate::records::{RecordError, SCHEMA, Stored};
use crate::refusals::Refusal;

/// How long a bundle is in force, in milliseconds: a week.
pub(crate) const ROTATE_MS: u64 = 7 * 24 * 3600 * 1000;
/// How long its private halves are kept after that, in milliseconds: as long as an envelope can lie in a queue.
pub(crate) const KEEP_MS: u64 = limits::MAX_QUEUE_AGE_MS;
/// Private one-time pairs kept. Each is wanted until its envelope cannot come any more, so none may go that was handed out
/// lately: this is what five days of the most uploads make, 2 MB. The oldest go first.
const MAX_PAIRS: usize = 5 * UPLOADS_PER_DAY * limits::MAX_ONE_TIME_PER_FRAME;
/// Uploads of one-time pairs in a day: 2,000 people can begin a conversation, the rest uses the last-resort key. The relay
/// asks for them, and each costs fifty key generations.
const UPLOADS_PER_DAY: usize = 40;
/// A day, in milliseconds.
const DAY_MS: u64 = 24 * 3600 * 1000;
/// How far the relay's bundle may be ahead of the newest of this vault and be believed: three years of a new one each day. No
/// older copy of a vault is worth restoring, so a relay that names more lies.
const MAX_AHEAD: u32 = 1_024;
/// Uses of one last-resort key that are remembered, and with that allowed: 64 KiB of hashes. A pool of a hundred pairs lies
/// before it, so an organisation of thousands does not come near.
const MAX_USES: usize = 2048;
/// Uses after which the bundle is replaced early, though not within a day: bundles are kept for a month.
const MANY_USES: usize = MAX_USES / 2;
/// Youngest age of a bundle that is replaced early, in milliseconds.
const EARLY_MS: u64 = DAY_MS;
/// Uses of one last-resort key by one account: its devices, each with a few repairs.
const MAX_USES_OF_ONE: usize = 64;
/// Uses of one last-resort key by people one does not speak with, all together: whoever makes up accounts leaves as many to
/// the others.
const MAX_USES_OF_STRANGERS: usize = MAX_USES / 2;

/// The private halves of one bundle.
pub(crate) struct BundleSecrets {
    pub(crate) signed_prekey: EcPrekeySecret,
    pub(crate) sealing_key: EcPrekeySecret,
    pub(crate) last_resort: PqPrekeySecret,
    signed: Option<Signed>,
    retired: Option<Timestamp>,
    /// Uses of the last-resort key: a second use by the same header is refused.
    uses: Vec<Use>,
}

/// A use of a last-resort key.
struct Use {
    header: [u8; 32],
    by: UserId,
}

/// The first half of an account id: enough to count by.
pub(crate) type UserId = [u8; 16];

/// How an account is counted.
pub(crate) fn user_id(account: &AccountId) -> UserId {
    let mut id = [0; 16];
    id.copy_from_slice(&account.as_bytes()[..16]);
    id
}

/// A bundle that waits for its signature.
pub(crate) struct BundleDraft {
    sequence: u64,
    secrets: BundleSecrets,
    body: Vec<u8>,
}

/// One-time pairs that wait for their signatures.
pub(crate) struct OneTimeDraft {
    pairs: Vec<(OneTimeSecret, Vec<u8>)>,
}

impl OneTimeDraft {
    pub(crate) fn signing_inputs(&self) -> Vec<Vec<u8>> {
        let bodies = self.pairs.iter().map(|(_, body)| body);
        bodies.map(|body| OneTimePair::signing_input(body)).collect()
    }
}

/// All private halves.
#[derive(Default)]
pub(crate) struct Prekeys {
    bundles: Map<u64, BundleSecrets>,
    one_time: Map<u32, OneTimeSecret>,
    next_one_time: u32,
    /// From where on an id for the keys of the next bundle is sought. Not the sequence: that follows what the relay says.
    next_key: u32,
    /// When pairs were last uploaded, a day back. Not stored.
    uploads: Vec<Timestamp>,
    /// What the relay said how many pairs it has; `None` until it says so on this connection.
    left: Option<u32>,
    /// The bundle sequence the relay has, as it said on this connection.
    published: Option<u64>,
}

impl BundleDraft {
    /// The first bundle of a device.
    pub(crate) fn first(account: AccountId, device: DeviceId, cx: &mut Context<'_>) -> Self {
        Self::new(account, device, 1, 1, cx)
    }

    /// The bundle with this sequence; its three keys have the same id.
    fn new(account: AccountId, device: DeviceId, sequence: u64, id: u32, cx: &mut Context<'_>) -> Self {
        let secrets = BundleSecrets {
            signed_prekey: EcPrekeySecret::random(id, cx.now, cx.rng),
            sealing_key: EcPrekeySecret::random(id, cx.now, cx.rng),
            last_resort: PqPrekeySecret::random(id, cx.now, cx.rng),
            signed: None,
            retired: None,
            uses: Vec::new(),
        };
        let base = BundleBase {
            account,
            device,
            sequence,
            time: cx.now.0,
            signed_prekey: secrets.signed_prekey.public(),
            sealing_key: secrets.sealing_key.public(),
            last_resort: secrets.last_resort.public(),
        };
        Self {
            sequence,
            secrets,
            body: base.body(),
        }
    }

    pub(crate) fn signing_input(&self) -> Vec<u8> {
        BundleBase::signing_input(&self.body)
    }
}

impl Prekeys {
    pub(crate) fn load(&mut self, partition: &[u8], sequence: u64, value: &[u8]) -> Result<(), RecordError> {
        let bad = BundleRecord::bad("key");
        match partition {
            BUNDLES => {
                let mut record = BundleRecord::read(value)?;
                let secrets = BundleSecrets {
                    signed_prekey: EcPrekeySecret::decode(&record.signed_prekey).map_err(|_| bad)?,
                    sealing_key: EcPrekeySecret::decode(&record.sealing_key).map_err(|_| bad)?,
                    last_resort: PqPrekeySecret::decode(&record.last_resort).map_err(|_| bad)?,
                    signed: record.signed.take(),
                    retired: (record.retired != 0).then_some(Timestamp(record.retired)),
                    uses: uses(&record),
                };
                self.next_one_time = self.next_one_time.max(record.next_one_time);
                let after = secrets.signed_prekey.id.saturating_add(1);
                self.next_key = self.next_key.max(record.next_key).max(after);
                self.bundles.insert(sequence, secrets);
            }
            ONE_TIME => {
                let pair = OneTimeSecret::decode(&OneTimeRecord::read(value)?.pair).map_err(|_| bad)?;
                self.next_one_time = self.next_one_time.max(pair.id.saturating_add(1));
                self.one_time.insert(pair.id, pair);
            }
            _ => return Err(BundleRecord::bad("partition")),
        }
        Ok(())
    }

    /// The newest bundle, signed, for a registration.
    pub(crate) fn newest_signed(&self) -> Option<Signed> {
        self.bundles.last_key_value()?.1.signed.clone()
    }

    pub(crate) fn sealing_key(&self, id: u32) -> Option<&EcPrekeySecret> {
        self.bundles
            .values()
            .map(|b| &b.sealing_key)
            .find(|key| key.id == id)
    }

    /// The private halves a handshake names; `speaks` says with whom one speaks.
    ///
    /// # Errors
    /// [`Refusal::PrekeyGone`], [`Refusal::HandshakeReplayed`], [`Refusal::PrekeyExhausted`].
    pub(crate) fn named_by(
        &self,
        header: &HandshakeHeader,
        by: &AccountId,
        speaks: impl Fn(&UserId) -> bool,
    ) -> Result<chopar_e2ee::prekeys::Prekeys<'_>, Refusal> {
        let signed = self
            .bundles
            .values()
            .map(|b| &b.signed_prekey)
            .find(|key| key.id == header.signed_prekey())
            .ok_or(Refusal::PrekeyGone)?;
        let one_time = match header.kem_prekey() {
            KemPrekeyId::OneTime(id) => {
                OneTimeOrLastResort::OneTime(self.one_time.get(&id).ok_or(Refusal::PrekeyGone)?)
            }
            KemPrekeyId::LastResort(id) => {
                let mut all = self.bundles.values();
                let bundle = all.find(|b| b.last_resort.id == id).ok_or(Refusal::PrekeyGone)?;
                let (digest, by) = (header.digest(), user_id(by));
                if bundle.uses.iter().any(|used| used.header == digest) {
                    return Err(Refusal::HandshakeReplayed);
                }
                if bundle.is_exhausted(&by, speaks) {
                    return Err(Refusal::PrekeyExhausted);
                }
                OneTimeOrLastResort::LastResort(&bundle.last_resort)
            }
        };
        Ok(chopar_e2ee::prekeys::Prekeys { signed, one_time })
    }

    /// A message of the handshake authenticated: the pair is gone, the use of a last-resort key is remembered.
    pub(crate) fn used(&mut self, header: &HandshakeHeader, by: &AccountId, cx: &mut Context<'_>) {
        match header.kem_prekey() {
            KemPrekeyId::OneTime(id) => {
                self.one_time.remove(&id);
                cx.delete::<OneTimeRecord>(ONE_TIME, u64::from(id));
            }
            KemPrekeyId::LastResort(id) => {
                let named = self.bundles.iter_mut().find(|(_, b)| b.last_resort.id == id);
                if let Some((sequence, bundle)) = named {
                    bundle.uses.push(Use {
                        header: header.digest(),
                        by: user_id(by),
                    });
                    let sequence = *sequence;
                    self.save_bundle(sequence, cx);
                }
            }
        }
    }

    /// Takes a signed draft: from now on it is the bundle in force. Returns what is to be published.
    pub(crate) fn take_bundle(
        &mut self,
        draft: BundleDraft,
        signature: [u8; 64],
        cx: &mut Context<'_>,
    ) -> Signed {
        let BundleDraft {
            sequence,
            mut secrets,
            body,
        } = draft;
        let signed = Signed {
            body: body.into(),
            signature: signature.to_vec().into(),
        };
        secrets.signed = Some(signed.clone());
        let in_force: Vec<u64> = self
            .bundles
            .iter()
            .filter(|(_, b)| b.retired.is_none())
            .map(|(sequence, _)| *sequence)
            .collect();
        for old in in_force {
            if let Some(bundle) = self.bundles.get_mut(&old) {
                bundle.retired = Some(cx.now);
            }
            self.save_bundle(old, cx);
        }
        self.next_key = self.next_key.max(secrets.signed_prekey.id.saturating_add(1));
        self.bundles.insert(sequence, secrets);
        self.save_bundle(sequence, cx);
        signed
    }

    /// The successor of the newest bundle, and of what the relay has. `None`: sequences are used up.
    pub(crate) fn draft_bundle(
        &self,
        account: AccountId,
        device: DeviceId,
        cx: &mut Context<'_>,
    ) -> Option<BundleDraft> {
        let newest = self.newest().max(self.published.unwrap_or(0));
        let sequence = newest.checked_add(1)?;
        Some(BundleDraft::new(account, device, sequence, self.key_id(), cx))
    }

    /// An id that no kept key has. Ids rise and begin again after the last.
    fn key_id(&self) -> u32 {
        let mut id = self.next_key.max(1);
        while self.bundles.values().any(|b| b.signed_prekey.id == id) {
            id = id.checked_add(1).unwrap_or(1);
        }
        id
    }

    /// What the relay says it has. A bundle further ahead of the newest than any old copy of a vault is behind does not exist:
    /// the relay is taken to have the newest.
    pub(crate) fn relay_has(&mut self, left: Option<u32>, bundle: Option<u64>) {
        let newest = self.newest();
        let believed = |said: u64| {
            if said.saturating_sub(newest) > u64::from(MAX_AHEAD) {
                newest
            } else {
                said
            }
        };
        self.left = left.or(self.left);
        self.published = bundle.map(believed).or(self.published);
    }

    /// The connection is gone, and with it what the relay said.
    pub(crate) fn unknown(&mut self) {
        self.left = None;
        self.published = None;
    }

    /// Whether the relay has a later bundle than this vault: the vault is an old copy of itself.
    pub(crate) fn rolled_back(&self) -> bool {
        self.published.is_some_and(|published| published > self.newest())
    }

    /// The vault is an older copy of itself: ids it does not know of were given to pairs meanwhile. Leaves them out.
    pub(crate) fn leave_ids_out(&mut self, cx: &mut Context<'_>) {
        /// More than are uploaded between two backups worth restoring.
        const LEFT_OUT: u32 = 1 << 20;
        self.next_one_time = self.next_one_time.saturating_add(LEFT_OUT);
        self.next_key = self.next_key.saturating_add(2 * MAX_AHEAD);
        self.save_bundle(self.newest(), cx);
    }

    /// What the relay said how many pairs it has, on this connection.
    pub(crate) fn left(&self) -> Option<u32> {
        self.left
    }

    /// Which bundle the relay said it has, on this connection.
    pub(crate) fn published(&self) -> Option<u64> {
        self.published
    }

    /// Whether the newest bundle should get a successor.
    pub(crate) fn wants_successor(&self, now: Timestamp) -> bool {
        self.bundles.last_key_value().is_none_or(|(_, bundle)| {
            let age = now.ms_since(bundle.signed_prekey.made);
            age >= ROTATE_MS || (age >= EARLY_MS && bundle.uses.len() >= MANY_USES)
        })
    }

    /// The sequence of the newest bundle; 0: there is none.
    pub(crate) fn newest(&self) -> u64 {
        self.bundles.last_key_value().map_or(0, |(sequence, _)| *sequence)
    }

    fn save_bundle(&self, sequence: u64, cx: &mut Context<'_>) {
        let Some(bundle) = self.bundles.get(&sequence) else {
            return;
        };
        let record = BundleRecord {
            schema: SCHEMA,
            signed_prekey: bundle.signed_prekey.encode().to_vec(),
            sealing_key: bundle.sealing_key.encode().to_vec(),
            last_resort: bundle.last_resort.encode().to_vec(),
            signed: bundle.signed.clone(),
            retired: bundle.retired.map_or(0, |at| at.0),
            last_resort_uses: bundle.uses.iter().flat_map(|used| used.header).collect(),
            last_resort_users: bundle.uses.iter().flat_map(|used| used.by).collect(),
            next_one_time: self.next_one_time,
            next_key: self.next_key,
        };
        cx.put(BUNDLES, sequence, &record);
    }

    /// Pairs to upload next, if the relay has fewer than it should and has not asked too often.
    pub(crate) fn draft_pairs(&mut self, device: &DeviceId, cx: &mut Context<'_>) -> Option<OneTimeDraft> {
        let left = self.left? as usize;
        let wanted = limits::ONE_TIME_POOL
            .checked_sub(left)?
            .min(limits::MAX_ONE_TIME_PER_FRAME);
        let today = |at: &Timestamp| cx.now.ms_since(*at) < DAY_MS;
        self.uploads.retain(today);
        if wanted == 0 || self.uploads.len() >= UPLOADS_PER_DAY {
            return None;
        }
        self.uploads.push(cx.now);
        let mut pairs = Vec::with_capacity(wanted);
        for _ in 0..wanted {
            self.next_one_time = self.next_one_time.checked_add(1)?;
            let secret = OneTimeSecret::random(self.next_one_time, cx.now, cx.rng);
            let body = secret.public().body(device);
            pairs.push((secret, body));
        }
        Some(OneTimeDraft { pairs })
    }

    pub(crate) fn take_pairs(
        &mut self,
        draft: OneTimeDraft,
        signatures: &[[u8; 64]],
        cx: &mut Context<'_>,
    ) -> Vec<Signed> {
        let mut signed = Vec::with_capacity(draft.pairs.len());
        for ((secret, body), signature) in draft.pairs.into_iter().zip(signatures) {
            let record = OneTimeRecord {
                schema: SCHEMA,
                pair: secret.encode().to_vec(),
            };
            cx.put(ONE_TIME, u64::from(secret.id), &record);
            self.one_time.insert(secret.id, secret);
            signed.push(Signed {
                body: body.into(),
                signature: signature.to_vec().into(),
            });
        }
        while self.one_time.len() > MAX_PAIRS {
            if let Some((id, _)) = self.one_time.pop_first() {
                cx.delete::<OneTimeRecord>(ONE_TIME, u64::from(id));
            }
        }
        self.save_bundle(self.newest(), cx);
        signed
    }

    /// Drops bundles nobody can use any more: retired long ago, and the queue was drained since.
    pub(crate) fn expire(&mut self, drained: Timestamp, cx: &mut Context<'_>) {
        let gone = |b: &BundleSecrets| b.retired.is_some_and(|at| at.plus_ms(KEEP_MS) < drained);
        let old: Vec<u64> = self
            .bundles
            .iter()
            .filter(|(_, b)| gone(b))
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in old {
            self.bundles.remove(&sequence);
            cx.delete::<BundleRecord>(BUNDLES, sequence);
        }
    }
}

impl BundleSecrets {
    /// Whether the last-resort key has served this account, or strangers, or all, as often as it may.
    fn is_exhausted(&self, by: &UserId, speaks: impl Fn(&UserId) -> bool) -> bool {
        let of_one = self.uses.iter().filter(|used| used.by == *by).count();
        let of_strangers = || self.uses.iter().filter(|used| !speaks(&used.by)).count();
        self.uses.len() >= MAX_USES
            || of_one >= MAX_USES_OF_ONE
            || (!speaks(by) && of_strangers() >= MAX_USES_OF_STRANGERS)
    }
}

/// Uses as they are stored. Those of a build that did not note by whom count as a stranger's.
fn uses(record: &BundleRecord) -> Vec<Use> {
    let users = record.last_resort_users.as_chunks::<16>().0;
    let headers = record.last_resort_uses.as_chunks::<32>().0;
    headers
        .iter()
        .enumerate()
        .map(|(at, header)| Use {
            header: *header,
            by: users.get(at).copied().unwrap_or_default(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
