//! A group of people with devices, logs and everything private at hand.

mod epochs;
mod forgery;
mod log_key;
mod records;
mod roster;
mod vectors;

use std::collections::BTreeMap;

use chopar_identity::{AccountLog, DisplayName};
use chopar_wire::Timestamp;
use chopar_wire::ids::{AccountId, DeviceId, GroupId};
use chopar_wire::proto::identity::Signed;
use ed25519_dalek::Signer as _;

use super::roster::{
    Act, EntryDraft, NewMember, Role, Roster, RosterChange, RosterError, SettingsChange, Signer, entry_hash,
};
use super::{EpochId, ReceivingEpoch, SendingEpoch};
use crate::fixture::{Person, rng};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// People by number, and their logs.
struct People {
    all: Vec<Person>,
    logs: BTreeMap<AccountId, AccountLog>,
}

impl People {
    fn new(count: u8) -> Self {
        let all: Vec<Person> = (0..count).map(|number| Person::new(40 + number)).collect();
        let logs = all
            .iter()
            .map(|person| (*person.log.account(), person.log.clone()))
            .collect();
        Self { all, logs }
    }

    fn id(&self, number: usize) -> AccountId {
        *self.all[number].log.account()
    }

    fn device(&self, number: usize) -> DeviceId {
        *self.all[number].local.device()
    }

    fn signer(&self, number: usize) -> Signer {
        Signer {
            account: self.id(number),
            device: self.device(number),
            log: self.all[number].log.head(),
        }
    }

    fn sign(&self, number: usize, draft: EntryDraft) -> Signed {
        let signature = self.all[number].signing.sign(&draft.signing_input());
        draft.finish(signature.to_bytes())
    }

    fn member(&self, number: usize, role: Role) -> NewMember {
        NewMember {
            account: self.id(number),
            role,
            handle: format!("person{number}"),
            display_name: format!("Person {number}"),
        }
    }

    fn create(&self, by: usize, others: &[usize]) -> (GroupId, Signed) {
        let members = others.iter().map(|n| self.member(*n, Role::Member)).collect();
        let act = Act::Create {
            nonce: [7; 32],
            settings: named("Hisob-kitob"),
            members,
        };
        let draft = EntryDraft::create(&act, &self.signer(by), NOW.0).unwrap();
        let entry = self.sign(by, draft);
        (GroupId::new(entry_hash(&entry.body)), entry)
    }

    /// Person 0 and these others.
    fn group(&self, others: &[usize]) -> Roster {
        let (group, first) = self.create(0, others);
        Roster::begin(&group, &first, &self.logs).unwrap().0
    }

    fn does(
        &self,
        number: usize,
        act: &Act,
        roster: &mut Roster,
    ) -> Result<Option<RosterChange>, RosterError> {
        let draft = EntryDraft::next(roster, act, &self.signer(number), NOW.0)?;
        roster.extend(&self.sign(number, draft), &self.logs)
    }
}

fn named(name: &str) -> SettingsChange {
    SettingsChange {
        name: Some(DisplayName::parse(name).unwrap()),
        ..SettingsChange::default()
    }
}

/// An epoch of person 0, and as somebody else reads it.
fn pair(seed: u8) -> (SendingEpoch, ReceivingEpoch) {
    let people = People::new(2);
    let roster = people.group(&[1]);
    let id = EpochId {
        group: *roster.group(),
        account: people.id(0),
        device: people.device(0),
        head: roster.head(),
        generation: 0,
    };
    let ours = SendingEpoch::begin(id, NOW, &mut rng(seed));
    let theirs = ReceivingEpoch::begin(id, &ours.distribution(None));
    (ours, theirs)
}

/// Opens and commits.
fn receive(epoch: &mut ReceivingEpoch, message: &[u8]) -> Result<Vec<u8>, crate::ratchet::OpenError> {
    let opened = epoch.open(message, NOW)?;
    epoch.commit(opened.draft).unwrap();
    Ok(opened.plaintext.to_vec())
}
