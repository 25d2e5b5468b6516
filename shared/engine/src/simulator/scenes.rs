//! What tests let happen in a world: accounts made, browsers closed, devices linked, histories forked.

use chopar_e2ee::group::roster::Act;
use chopar_identity::{AccountLog, DeviceName, EntryDraft, OpaqueAppend, Signer};
use chopar_wire::proto::content::{Payload, payload};
use chopar_wire::proto::group::Update;
use chopar_wire::proto::identity::{Entry, Signed};
use chopar_wire::proto::relay::OpaqueLog;
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::{AccountId, GroupId};
use prost::Message;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use zeroize::Zeroizing;

use super::keys::SoftwareKeys;
use super::person::Person;
use super::relay::INVITE;
use super::vault::Vault;
use super::world::{Happening, World};
use crate::effect::{Batch, Kind, RecordKey, Write};
use crate::event::Answer;
use crate::group::Group;
use crate::intent::Intent;
use crate::records::contact::LOG;
use crate::records::outbox::OutboxRecord;
use crate::records::{SCHEMA, Stored};
use crate::view::Phase;

impl World {
    /// Makes an account for a person, recovery key confirmed.
    pub fn onboard(&mut self, person: usize) -> AccountId {
        let handle = format!("person{person}");
        let intent = Intent::CreateAccount {
            invite: INVITE.to_owned(),
            handle,
            display_name: format!("Person {person}"),
            device_name: "Browser".to_owned(),
        };
        assert!(
            self.ask_now(person, intent) == Answer::Done,
            "an account was not made"
        );
        self.confirm(person);
        self.persons[person].account().expect("an account")
    }

    /// Confirms the recovery key of a person who is shown it.
    pub fn confirm(&mut self, person: usize) {
        let Answer::Snapshot(snapshot) = self.ask_now(person, Intent::Snapshot) else {
            panic!("a snapshot")
        };
        let Phase::RecoveryKey { groups, confirm } = snapshot.phase else {
            panic!("the recovery key is shown")
        };
        let groups = confirm
            .iter()
            .map(|n| (*n, groups[usize::from(*n) - 1].clone()))
            .collect();
        assert!(self.ask_now(person, Intent::ConfirmRecoveryKey { groups }) == Answer::Done);
    }

    /// Whether a person's recovery key is shown, which follows the registration.
    pub fn onboarded(&mut self, person: usize) -> bool {
        let answer = self.ask_now(person, Intent::Snapshot);
        matches!(answer, Answer::Snapshot(snapshot) if matches!(snapshot.phase, Phase::RecoveryKey { .. }))
    }

    /// The tab that asked is gone: nothing is asked again after a restart.
    pub fn forget_asked(&mut self, person: usize) {
        self.persons[person].unanswered.clear();
    }

    /// Clears a person's browser.
    pub fn reset(&mut self, person: usize) {
        self.switch_off(person);
        let rng = ChaCha8Rng::seed_from_u64(self.rng.next_u64());
        let epoch = self.persons[person].epoch;
        self.persons[person] = Person::new(rng);
        self.persons[person].epoch = epoch;
    }

    /// Stops or starts the relay.
    pub fn set_up(&mut self, up: bool) {
        self.up = up;
        if !up {
            for person in 0..self.persons.len() {
                self.drop_connection(person);
            }
        }
    }

    /// The number of a person's connection.
    pub fn connection(&self, person: usize) -> Option<u64> {
        self.persons[person].connection
    }

    /// Which session a person sends in to another's first device: the hash of its handshake header.
    pub fn sending_session(&self, from: usize, to: usize) -> Option<[u8; 32]> {
        let account = self.persons[to].account()?;
        let device = self.relay.log(&account).active_devices().first()?.id;
        let engine = self.persons[from].engine.as_ref()?;
        Some(
            engine
                .sessions
                .get(&engine.sessions.sending(&device)?)?
                .header_hash,
        )
    }

    /// The record of the session a person sends in to another's first device.
    pub fn sending_record(&self, from: usize, to: usize) -> Option<Zeroizing<Vec<u8>>> {
        let account = self.persons[to].account()?;
        let device = self.relay.log(&account).active_devices().first()?.id;
        let sessions = &self.persons[from].engine.as_ref()?.sessions;
        Some(sessions.get(&sessions.sending(&device)?)?.session.to_record())
    }

    /// Closes a person's browser until [`Self::switch_on`].
    pub fn switch_off(&mut self, person: usize) {
        self.stop(person);
        self.queue
            .retain(|_, h| !matches!(h, Happening::Start { person: p } if *p == person));
    }

    /// Opens it again.
    pub fn switch_on(&mut self, person: usize) {
        self.plan(0, Happening::Start { person });
    }

    /// Makes a fresh person the second device of another: the old device lets it in, as linking will.
    pub fn link(&mut self, fresh: usize, old: usize) {
        self.switch_off(fresh);
        let account = self.persons[old].account().expect("an account");
        let keys = SoftwareKeys::random(&mut self.persons[fresh].rng);
        let log = self.relay.log(&account).clone();
        let by = log.active_devices()[0].id;
        let name = DeviceName::parse("Second").expect("a name");
        let draft = EntryDraft::add_device(&log, &keys.identity(), &name, Signer::Device(by), self.now);
        let input = [draft.signing_input()];
        let signatures = [self.keys(old).sign(&input)[0], keys.sign(&input)[0]];
        let entry = draft.finish(&signatures).expect("two signatures");
        self.relay.append(&account, &entry);
        let mut vault = self.persons[old].vault.select(|key| key.kind == Kind::Account);
        let partition = account.as_bytes().to_vec();
        let of_log =
            |key: &RecordKey| key.kind == Kind::Contact && key.partition == partition && key.sequence == LOG;
        vault.extend(self.persons[old].vault.select(of_log));
        let writes = vault.into_iter().map(Write::Put).collect();
        self.persons[fresh].vault.commit(&Batch { writes });
        self.persons[fresh].keys = Some(keys);
        self.switch_on(fresh);
    }

    /// The entry by which a person's first device calls itself otherwise: the shortest way to a longer log. Their browser may be
    /// stopped just now.
    pub fn draft_rename(&self, person: usize, account: &AccountId, name: &str) -> Entry {
        let log = self.relay.log(account);
        let device = log.active_devices()[0].id;
        let name = DeviceName::parse(name).expect("a name");
        let draft = EntryDraft::rename_device(log, &device, &name, Signer::Device(device), self.now);
        let signature = self.keys(person).sign(&[draft.signing_input()])[0];
        draft.finish(&[signature]).expect("one signature")
    }

    /// Has a person's device say something of the test's making, as an altered client could. Its browser restarts for it.
    pub fn has_say(&mut self, person: usize, peer: AccountId, content: payload::Content) {
        self.switch_off(person);
        let payload = Payload {
            content: Some(content),
            ..Payload::default()
        };
        let row = OutboxRecord {
            schema: SCHEMA,
            payload: payload.encode_to_vec(),
            created: self.now,
            lasting: true,
            ..OutboxRecord::default()
        };
        self.said += 1;
        let writes = vec![Write::Put(row.record(peer.as_bytes(), u64::MAX / 2 + self.said))];
        self.persons[person].vault.commit(&Batch { writes });
        self.switch_on(person);
    }

    /// Hands a frame to a connected person as if the relay had sent it.
    pub fn inject_to(&mut self, person: usize, body: Body) {
        let connection = self.persons[person].connection.expect("a connected person");
        self.send(connection, 0, body);
    }

    /// A device of an admin is in other hands: it signs an entry of the roster that nobody else may see, on top of what it knows,
    /// and the relay shows somebody a log with it. Any act, permitted or not.
    pub fn sign_second_roster(&mut self, admin: usize, conversation: AccountId, act: &Act, shown_to: usize) {
        let viewer = self.persons[shown_to].account().expect("an account");
        let account = self.persons[admin].account().expect("an account");
        let log_head = self.relay.log(&account).head();
        let engine = self.persons[admin].engine.as_ref().expect("started");
        let device = engine.own.as_ref().expect("an account").device;
        let id = GroupId::new(*conversation.as_bytes());
        let group = engine.groups.get(&id).expect("in it");
        let roster = group.roster.as_ref().expect("followed");
        let signer = chopar_e2ee::group::roster::Signer {
            account,
            device,
            log: log_head,
        };
        let draft =
            chopar_e2ee::group::roster::EntryDraft::next(roster, act, &signer, self.now).expect("permitted");
        let signature = self.keys(admin).sign(&[draft.signing_input()])[0];
        let entry = draft.finish(signature);
        let key = group.key().expect("a key");
        let sealed = key.seal(&group.id, &entry, None, &mut self.rng).expect("small");
        let append = OpaqueAppend {
            log: group.log,
            parent: group.opaque.map(|head| head.hash),
            entry: sealed.into(),
            next_write_key: key.write_key(),
        };
        let body = append.body();
        let signature = key.sign_append(&OpaqueAppend::signing_input(&body));
        let (log, at) = (group.log, group.opaque.map_or(0, |head| head.length) as usize);
        let mut shown = self.relay.opaque[&log][..at].to_vec();
        shown.push(Signed {
            body: body.into(),
            signature: signature.to_vec().into(),
        });
        self.relay.opaque_views.insert((viewer, log), shown);
    }

    /// What somebody would tell of a group: how its log is read, and its newest entry.
    pub fn group_update(&self, person: usize, conversation: AccountId) -> Update {
        let group = self.group(person, conversation);
        let roster = group.roster.as_ref().expect("followed");
        let from = roster.length() - 1;
        Update {
            access: Some(group.access()),
            from,
            entries: roster.entries(from).to_vec(),
        }
    }

    /// What the relay has of a group's log, from an append on.
    pub fn group_log(&self, person: usize, conversation: AccountId, from: u32) -> OpaqueLog {
        let log = self.group(person, conversation).log;
        let appends = &self.relay.opaque[&log];
        OpaqueLog {
            log: log.into(),
            from,
            appends: appends[from as usize..]
                .iter()
                .map(|signed| signed.encode_to_vec().into())
                .collect(),
            length: appends.len() as u32,
            appended: false,
        }
    }

    fn group(&self, person: usize, conversation: AccountId) -> &Group {
        let engine = self.persons[person].engine.as_ref().expect("started");
        let id = GroupId::new(*conversation.as_bytes());
        engine.groups.get(&id).expect("in it")
    }

    /// The keys of a group's log and of every epoch that somebody holds, and everything else: a copy of their browser.
    pub fn copy_browser(&self, person: usize) -> Vault {
        self.persons[person].vault.clone()
    }

    /// A second history of an account's log that the account's own device signed: its first two entries, and a third that
    /// stands beside the second of the first history.
    pub fn fork(&mut self, person: usize) -> Vec<Entry> {
        let account = self.persons[person].account().expect("an account");
        let entries = self.relay.log(&account).entries(0).to_vec();
        let log = AccountLog::verify(&account, &entries).expect("the relay's log");
        let device = log.active_devices()[0].id;
        let rename = |name: &str, time: u64| {
            let name = DeviceName::parse(name).expect("a name");
            EntryDraft::rename_device(&log, &device, &name, Signer::Device(device), time)
        };
        let [one, other] = [rename("One", self.now), rename("Other", self.now)].map(|draft| {
            let signature = self.keys(person).sign(&[draft.signing_input()])[0];
            draft.finish(&[signature]).expect("one signature")
        });
        self.relay.append(&account, &one);
        let mut fork = entries;
        fork.push(other);
        fork
    }
}
