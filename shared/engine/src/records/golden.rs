//! Files of every kind of record as version 1 of the schema writes them. They stay: every later version reads them.
//!
//! A field that is added gets a file of its own, under another name; no file is ever written again. `CHOPAR_WRITE_GOLDEN`
//! writes those that are missing.

#![allow(
    clippy::field_reassign_with_default,
    reason = "fields that are added later stay at their defaults"
)]

use std::fs;
use std::path::PathBuf;

use chopar_wire::proto::identity::{Entry, Signed};

use super::account::AccountRecord;
use super::contact::{ContactRecord, DeviceFacts, LogRecord, MarkRecord, MarksRecord};
use super::line::{DeliveryRecord, DraftRecord, LineContent, LineRecord, NoticeRecord, TextRecord};
use super::outbox::{OutboxRecord, TargetRecord};
use super::prekey::{BundleRecord, OneTimeRecord};
use super::quarantine::QuarantineRecord;
use super::seen::SeenRecord;
use super::session::SessionRecord;
use super::{SCHEMA, Stored};
use crate::simulator::{Faults, Image, Lone, World};
use crate::{Answer, Intent};

fn path(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/records");
    folder.join(format!("{name}.bin"))
}

/// The file of this name; written first where it is missing and that is asked for.
fn golden(name: &str, today: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = path(name);
    if !path.exists() && std::env::var_os("CHOPAR_WRITE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, today()).unwrap();
    }
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads the file of a kind; it says what it said when it was written, and is written as it was.
fn stays<R: Stored + PartialEq>(name: &str, fill: impl FnOnce(&mut R)) {
    let mut expected = R::default();
    fill(&mut expected);
    let bytes = golden(name, || expected.encode_to_vec());
    let read = R::read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(read == expected, "{name} says something else");
    assert_eq!(read.encode_to_vec(), bytes, "{name} is written otherwise");
}

fn text() -> TextRecord {
    let mut text = TextRecord::default();
    text.id = vec![3; 16];
    text.text = "salom".to_owned();
    text
}

fn line(content: LineContent) -> LineRecord {
    let mut line = LineRecord::default();
    line.schema = SCHEMA;
    line.time = 7;
    line.content = Some(content);
    line
}

/// P-303.
#[test]
fn every_kind_of_version_1_stays_readable() {
    stays("account-1", |r: &mut AccountRecord| {
        r.schema = SCHEMA;
        r.account = vec![1; 32];
        r.handle = "bobur".to_owned();
        r.display_name = "Bobur".to_owned();
        r.role = 1;
        r.stage = 2;
        r.invite = "invite".to_owned();
        r.recovery = vec![2; 20];
        (r.confirm_first, r.confirm_second) = (3, 8);
        (r.receipts_off, r.typing_off) = (true, true);
        r.drained = 9;
        r.relay = "relay".to_owned();
        r.new_devices = vec![vec![4; 16]];
    });
    stays("contact-1", |r: &mut ContactRecord| {
        let mut device = DeviceFacts::default();
        device.device = vec![5; 16];
        (device.bundle, device.generation, device.repair) = (6, 7, true);
        (device.repairs, device.next_repair, device.heard) = (1, 2, 3);
        r.schema = SCHEMA;
        r.handle = "alice".to_owned();
        r.display_name = "Alice".to_owned();
        r.introduced = true;
        (r.trust, r.alarm, r.accepted) = (1, 6, true);
        (r.next_line, r.last_sequence, r.time) = (9, 8, 7);
        r.last = Some(line(LineContent::Theirs(text())));
        r.owed_acks = vec![vec![1; 16]];
        r.owed_delivered = vec![vec![2; 16]];
        r.owed_read = vec![vec![3; 16]];
        r.presented_as = "Bobur".to_owned();
        r.devices = vec![device];
        r.handle_moved = true;
        r.last_state = 2;
        r.claimed_length = 4;
        r.claimed_hash = vec![4; 32];
        r.claimed_by = vec![5; 32];
    });
    stays("log-1", |r: &mut LogRecord| {
        r.schema = SCHEMA;
        r.entries = vec![Entry {
            body: vec![1; 40].into(),
            ..Entry::default()
        }];
    });
    stays("marks-1", |r: &mut MarksRecord| {
        let mut mark = MarkRecord::default();
        (mark.sequence, mark.id, mark.state) = (1, vec![2; 16], 3);
        (mark.time, mark.held) = (4, 5);
        r.schema = SCHEMA;
        r.marks = vec![mark];
    });
    stays("session-1", |r: &mut SessionRecord| {
        r.schema = SCHEMA;
        r.account = vec![1; 32];
        (r.generation, r.created, r.superseded) = (2, 3, 4);
        r.header_hash = vec![5; 32];
        r.ratchet = vec![6; 100];
        r.header = vec![7; 1611];
        (r.sealing_id, r.sealing_key) = (8, vec![9; 32]);
    });
    stays("bundle-1", |r: &mut BundleRecord| {
        r.schema = SCHEMA;
        r.signed_prekey = vec![1; 77];
        r.sealing_key = vec![2; 77];
        r.last_resort = vec![3; 77];
        r.signed = Some(Signed {
            body: vec![4; 40].into(),
            signature: vec![5; 64].into(),
        });
        r.retired = 6;
        r.last_resort_uses = vec![7; 32];
        r.next_one_time = 8;
    });
    stays("one-time-1", |r: &mut OneTimeRecord| {
        r.schema = SCHEMA;
        r.pair = vec![1; 141];
    });
    stays("outbox-1", |r: &mut OutboxRecord| {
        let mut target = TargetRecord::default();
        target.device = vec![1; 16];
        target.envelope = vec![2; 16];
        target.body = vec![3; 300];
        target.acked = true;
        target.session = vec![4; 32];
        r.schema = SCHEMA;
        r.payload = vec![5; 20];
        (r.line, r.message) = (6, vec![7; 16]);
        (r.created, r.accepted, r.first_accepted) = (8, 9, 10);
        (r.expired, r.lasting) = (true, true);
        r.targets = vec![target];
    });
    stays("quarantine-1", |r: &mut QuarantineRecord| {
        r.schema = SCHEMA;
        r.envelope = vec![1; 16];
        r.body = vec![2; 300];
        r.came = 3;
    });
    stays("seen-1", |r: &mut SeenRecord| {
        r.schema = SCHEMA;
        r.ids = vec![1; 32];
    });
    stays("line-own-1", |r: &mut LineRecord| {
        *r = line(LineContent::Own(text()))
    });
    stays("line-theirs-1", |r: &mut LineRecord| {
        *r = line(LineContent::Theirs(text()));
    });
    stays("line-notice-1", |r: &mut LineRecord| {
        let mut notice = NoticeRecord::default();
        (notice.kind, notice.name, notice.alarm) = (8, "Laptop".to_owned(), 1);
        *r = line(LineContent::Notice(notice));
    });
    stays("delivery-1", |r: &mut DeliveryRecord| {
        r.schema = SCHEMA;
        (r.state, r.held) = (1, 2);
    });
    stays("draft-1", |r: &mut DraftRecord| {
        r.schema = SCHEMA;
        r.text = "unsent".to_owned();
    });
}

/// A browser after a conversation.
fn browser() -> Image {
    let mut world = World::new(17, 2, Faults::default());
    let accounts = [world.onboard(0), world.onboard(1)];
    for from in [0, 1] {
        let open = Intent::OpenConversation {
            peer: accounts[1 - from],
            handle: format!("person{}", 1 - from),
            display_name: String::new(),
        };
        world.ask(from, 0, open);
        world.ask(
            from,
            0,
            Intent::Send {
                conversation: accounts[1 - from],
                id: chopar_wire::MessageId::new([from as u8 + 1; 16]),
                text: format!("from {from}"),
            },
        );
        world.run_for(10_000);
    }
    Image::of(&world, 1)
}

/// P-303: the whole vault of a browser as version 1 wrote it opens without damage, shows its lines, and signs in.
#[test]
fn a_whole_vault_of_version_1_opens() {
    let image = Image::from_bytes(&golden("vault-1", || browser().to_bytes()));
    let mut bob = Lone::open(&image, image.records());
    assert!(bob.engine().damage().is_empty(), "{:?}", bob.engine().damage());
    let Some(Answer::Snapshot(snapshot)) = bob.ask(1, Intent::Snapshot).cloned() else {
        panic!("a snapshot")
    };
    let peer = snapshot.conversations[0].peer;
    assert_eq!(bob.vault.theirs(&peer).len(), 1);
    bob.sign_in();
    assert!(bob.engine().link.signed_in(), "signed in");
}
