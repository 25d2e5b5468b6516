//! The parsers of groups: entries of a roster, sealed and open, messages, distributions, records.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chopar_e2ee::fixture::{Person, rng};
use chopar_e2ee::group::roster::{Act, EntryDraft, Roster, SettingsChange, Signer, entry_hash};
use chopar_e2ee::group::{Distribution, EpochId, LogKey, ReceivingEpoch, SendingEpoch};
use chopar_identity::{AccountLog, DisplayName, OpaqueAppend, OpaqueHead};
use chopar_wire::GroupRecipient;
use chopar_wire::ids::{AccountId, GroupId, OpaqueLogId};
use chopar_wire::limits::{MAX_GROUP_RECIPIENTS, MAX_OPAQUE_ENTRY};
use chopar_wire::prost::Message;
use chopar_wire::proto::group as proto;
use chopar_wire::proto::identity::Signed;

use crate::{NOW, SCENE};

/// A group of the scene's two people, in the middle of its life.
pub struct GroupScene {
    /// The logs of its members.
    logs: BTreeMap<AccountId, AccountLog>,
    /// Alice's and Bob's group, one entry behind.
    pub roster: Roster,
    /// The entry that comes next.
    pub next: Signed,
    /// The key of its log.
    key: LogKey,
    /// The entry, sealed.
    pub sealed: Vec<u8>,
    /// How far the opaque log reaches without it.
    log_head: OpaqueHead,
    /// The entry on its way into the log.
    pub append: Signed,
    /// Alice's epoch, one message ahead of Bob's.
    pub ours: SendingEpoch,
    /// The same, as Bob reads it: one of three messages is missing.
    pub theirs: ReceivingEpoch,
    /// The message that Bob has not opened.
    pub waiting: Vec<u8>,
    /// The epoch on its way to a member.
    pub distribution: Vec<u8>,
}

/// Always the same.
pub static GROUP: LazyLock<GroupScene> = LazyLock::new(GroupScene::new);

impl GroupScene {
    #[allow(
        clippy::unwrap_used,
        reason = "made of its own valid parts; a failure is a mistake in the target"
    )]
    fn new() -> Self {
        let (alice, bob, mut rng) = (&SCENE.alice, &SCENE.bob, rng(77));
        let logs: BTreeMap<AccountId, AccountLog> = [alice, bob]
            .map(|person| (*person.log.account(), person.log.clone()))
            .into();
        let signer = Signer {
            account: *alice.log.account(),
            device: *alice.local.device(),
            log: alice.log.head(),
        };
        let member = chopar_e2ee::group::roster::NewMember {
            account: *bob.log.account(),
            role: chopar_e2ee::group::roster::Role::Admin,
            handle: "bob".to_owned(),
            display_name: "Bob".to_owned(),
        };
        let named = |name: &str| SettingsChange {
            name: Some(DisplayName::parse(name).unwrap()),
            ..SettingsChange::default()
        };
        let create = Act::Create {
            nonce: [7; 32],
            settings: named("Fuzz"),
            members: vec![member],
        };
        let first = sign(alice, EntryDraft::create(&create, &signer, NOW.0).unwrap());
        let group = GroupId::new(entry_hash(&first.body));
        let (roster, _) = Roster::begin(&group, &first, &logs).unwrap();
        let settings = SettingsChange {
            picture: Some(vec![1; 40]),
            admins_only: Some(true),
            timer_seconds: Some(60),
            ..named("Fuzz again")
        };
        let draft = EntryDraft::next(&roster, &Act::Settings(settings), &signer, NOW.0).unwrap();
        let next = sign(alice, draft);
        let key = LogKey::first(&mut rng);
        let sealed = key.seal(&group, &next, None, &mut rng).unwrap();
        let log = OpaqueLogId::new([3; 16]);
        let begun = append(log, None, key.seal(&group, &first, None, &mut rng).unwrap(), &key);
        let log_head = OpaqueAppend::parse(&begun).unwrap().follow(&begun, None).unwrap();
        let append = append(log, Some(log_head.hash), sealed.clone(), &key);
        let id = EpochId {
            group,
            account: signer.account,
            device: signer.device,
            head: roster.head(),
            generation: 1,
        };
        let mut ours = SendingEpoch::begin(id, NOW, &mut rng);
        let access = proto::Access {
            group: group.into(),
            log: log.into(),
            key_version: 1,
            key: key.as_bytes().to_vec().into(),
            head: Some((&roster.head()).into()),
        };
        let distribution = ours.distribution(Some(ours.closed()));
        let mut theirs = ReceivingEpoch::begin(id, &distribution);
        let distribution = distribution.to_proto(access).encode_to_vec();
        // One of three is lost, so that a key is kept.
        let messages = [0; 3].map(|_| ours.encrypt(b"there", &mut rng).unwrap());
        for message in &messages[1..] {
            let opened = theirs.open(message, NOW).unwrap();
            theirs.commit(opened.draft).unwrap();
        }
        let waiting = ours.encrypt(b"waiting", &mut rng).unwrap();
        Self {
            logs,
            roster,
            next,
            key,
            sealed,
            log_head,
            append,
            ours,
            theirs,
            waiting,
            distribution,
        }
    }

    /// The log key as it is read: version, then the key.
    pub fn log_key(&self) -> Vec<u8> {
        spelled(&self.key)
    }
}

fn spelled(key: &LogKey) -> Vec<u8> {
    [&key.version().to_be_bytes()[..], key.as_bytes()].concat()
}

/// An append by whoever has the log key.
fn append(log: OpaqueLogId, parent: Option<[u8; 32]>, entry: Vec<u8>, key: &LogKey) -> Signed {
    let append = OpaqueAppend {
        log,
        parent,
        entry: entry.into(),
        next_write_key: key.write_key(),
    };
    let body = append.body();
    let signature = key.sign_append(&OpaqueAppend::signing_input(&body));
    Signed {
        body: body.into(),
        signature: signature.to_vec().into(),
    }
}

fn sign(person: &Person, draft: EntryDraft) -> Signed {
    let signature = person.sign(&draft.signing_input());
    draft.finish(signature)
}

/// An entry of a roster: only the one that was signed extends it.
pub fn roster_entry(bytes: &[u8]) -> bool {
    let Ok(entry) = Signed::decode(bytes) else {
        return false;
    };
    let mut roster = GROUP.roster.clone();
    let extended = matches!(roster.extend(&entry, &GROUP.logs), Ok(Some(_)));
    if extended {
        assert!(entry.body == GROUP.next.body, "a forged entry");
        assert_eq!(roster.length(), GROUP.roster.length() + 1);
    } else {
        assert_eq!(roster, GROUP.roster);
    }
    extended
}

/// An entry of the opaque log: only what was sealed opens.
pub fn roster_sealed(bytes: &[u8]) -> bool {
    let Ok(opened) = GROUP.key.open(GROUP.roster.group(), bytes) else {
        return false;
    };
    assert!(
        opened.entry == GROUP.next && bytes == GROUP.sealed,
        "a forged entry"
    );
    true
}

/// An append to the group's log, as the relay and the members read it: only the one that the write key signed goes on.
pub fn opaque_append(bytes: &[u8]) -> bool {
    let Ok(signed) = Signed::decode(bytes) else {
        return false;
    };
    let Ok(append) = OpaqueAppend::parse(&signed) else {
        return false;
    };
    assert!(!append.entry.is_empty() && append.entry.len() <= MAX_OPAQUE_ENTRY);
    // Anybody can begin a log.
    if let Ok(head) = append.follow(&signed, None) {
        assert_eq!((append.parent, head.length), (None, 1));
    }
    let Ok(head) = append.follow(&signed, Some(&GROUP.log_head)) else {
        return false;
    };
    assert!(
        signed.body == GROUP.append.body && head.length == 2,
        "a forged append"
    );
    true
}

/// A log key as it travels: it has one spelling, and no other opens the log.
pub fn log_key(bytes: &[u8]) -> bool {
    let Some((version, key)) = bytes.split_first_chunk() else {
        return false;
    };
    let Some(key) = LogKey::parse(u32::from_be_bytes(*version), key) else {
        return false;
    };
    assert_eq!(spelled(&key), bytes);
    let opens = key.open(GROUP.roster.group(), &GROUP.sealed).is_ok();
    assert!(!opens || bytes == GROUP.log_key(), "another key opens the log");
    opens
}

/// Whom a group's message goes to, as the relay reads it: nobody twice, in order, and written so that it is read again.
pub fn group_recipients(bytes: &[u8]) -> bool {
    let Ok(recipients) = GroupRecipient::parse(bytes) else {
        return false;
    };
    assert_eq!(recipients.len() * GroupRecipient::LEN, bytes.len());
    assert!(recipients.len() <= MAX_GROUP_RECIPIENTS);
    assert!(recipients.is_sorted_by(|one, next| one.account < next.account));
    assert_eq!(
        GroupRecipient::parse(&GroupRecipient::encode(&recipients)),
        Ok(recipients)
    );
    true
}

/// A message of a group: only the one that was sent opens.
pub fn group_message(bytes: &[u8]) -> bool {
    let opens = GROUP.theirs.open(bytes, NOW).is_ok();
    assert!(!opens || bytes == GROUP.waiting, "a forged message");
    opens
}

/// A distribution: what is taken is written so that it is taken again.
pub fn group_distribution(bytes: &[u8]) -> bool {
    let Ok(from) = proto::Distribution::decode(bytes) else {
        return false;
    };
    let Ok(distribution) = Distribution::try_from(&from) else {
        return false;
    };
    let again = distribution.to_proto(from.access.unwrap_or_default());
    assert!(Distribution::try_from(&again).is_ok());
    let epoch = ReceivingEpoch::begin(*GROUP.theirs.id(), &distribution);
    drop(epoch.open(&GROUP.waiting, NOW));
    true
}

/// A record of either end: what is read is written so that it is read again, and the epoch it makes can be used.
pub fn group_record(bytes: &[u8]) -> bool {
    let receiving = ReceivingEpoch::from_record(bytes);
    if let Ok(epoch) = &receiving {
        assert!(ReceivingEpoch::from_record(&epoch.to_record()).is_ok());
        drop(epoch.open(&GROUP.waiting, NOW));
        assert!(epoch.expected_tags().count() <= 4096);
    }
    let sending = SendingEpoch::from_record(bytes);
    let either = receiving.is_ok() || sending.is_ok();
    if let Ok(mut epoch) = sending {
        assert!(SendingEpoch::from_record(&epoch.to_record()).is_ok());
        drop(epoch.encrypt(b"x", &mut rng(1)));
    }
    either
}
