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

use chopar_wire::proto::content::File;
use chopar_wire::proto::identity::{Entry, Signed};

use super::account::AccountRecord;
use super::contact::{
    ContactRecord, DeviceFacts, LogRecord, MarkRecord, MarksRecord, SettingRecord, TimerRecord,
};
use super::ending_file::EndingFileRecord;
use super::expiry::ExpiryRecord;
use super::group::{
    EpochRecord, GroupRecord, GroupRowRecord, KeyRecord, PendingEntryRecord, RecipientRecord,
    RecipientsRecord, RosterRecord,
};
use super::line::{
    DeliveryRecord, DraftRecord, LineContent, LineRecord, NoticeRecord, ReactionRecord, TextRecord,
};
use super::opened_file::OpenedFileRecord;
use super::outbox::{OutboxRecord, TargetRecord};
use super::pending::PendingRecord;
use super::place::PlaceRecord;
use super::prekey::{BundleRecord, OneTimeRecord};
use super::quarantine::QuarantineRecord;
use super::seen::SeenRecord;
use super::session::SessionRecord;
use super::upload::UploadRecord;
use super::{SCHEMA, Stored};
use crate::effect::Kind;

/// The messages that lie under a kind: each has a file of this name and the schema's number, and may have more that begin alike.
const fn messages(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Account => &["account"],
        Kind::Contact => &["contact", "log", "marks"],
        Kind::Session => &["session"],
        Kind::Prekey => &["bundle", "one-time"],
        Kind::Outbox => &["outbox"],
        Kind::Quarantine => &["quarantine"],
        Kind::Seen => &["seen"],
        Kind::Line => &[
            "line-own",
            "line-theirs",
            "line-notice",
            "line-changed",
            "line-deleted",
            "line-timer",
            "line-files",
        ],
        Kind::Delivery => &["delivery"],
        Kind::Draft => &["draft"],
        Kind::Place => &["place"],
        Kind::Pending => &["pending"],
        Kind::Expiry => &["expiry"],
        Kind::Upload => &["upload"],
        Kind::OpenedFile => &["opened-file"],
        Kind::EndingFile => &["ending-file"],
        Kind::Group => &["group", "roster"],
        Kind::GroupEpoch => &["epoch"],
        Kind::GroupRow => &["group-row", "recipients"],
        // Not the engine's to read.
        Kind::Index => &[],
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/records")
}

fn path(name: &str) -> PathBuf {
    folder().join(format!("{name}.bin"))
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
    assert!(
        messages(R::KIND).iter().any(|message| name.starts_with(message)),
        "{name} is no message of {:?}",
        R::KIND
    );
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

fn file() -> File {
    let mut file = File::default();
    file.id = vec![6; 16].into();
    file.key = vec![7; 32].into();
    file.size = 300;
    file.digest = vec![8; 32].into();
    file.name = "surat.jpg".to_owned();
    file.media_type = "image/jpeg".to_owned();
    (file.width, file.height) = (640, 480);
    file
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

/// P-303: what was added for what is done with messages.
#[test]
fn what_is_done_with_messages_stays_readable() {
    stays("contact-kept-1", |r: &mut ContactRecord| {
        let mut timer = TimerRecord::default();
        (timer.seconds, timer.number) = (3_600, 2);
        let mut setting = SettingRecord::default();
        (setting.kind, setting.on, setting.number) = (4, true, 3);
        r.schema = SCHEMA;
        r.timer = Some(timer);
        r.settings = vec![setting];
    });
    stays("contact-imported-1", |r: &mut ContactRecord| {
        r.schema = SCHEMA;
        (r.next_line, r.oldest_line) = (4_294_967_300, 4_294_967_200);
    });
    stays("line-changed-1", |r: &mut LineRecord| {
        let mut reaction = ReactionRecord::default();
        reaction.by = vec![1; 32];
        reaction.emoji = "👍".to_owned();
        reaction.number = 2;
        let mut text = text();
        text.sent = 6;
        text.reply_author = vec![4; 32];
        text.reply_id = vec![5; 16];
        text.forwarded = true;
        text.edit = 7;
        text.reactions = vec![reaction];
        text.lifetime = 30;
        *r = line(LineContent::Own(text));
    });
    stays("line-deleted-1", |r: &mut LineRecord| {
        let mut text = TextRecord::default();
        text.id = vec![3; 16];
        text.deleted = true;
        *r = line(LineContent::Theirs(text));
    });
    stays("line-timer-1", |r: &mut LineRecord| {
        let mut notice = NoticeRecord::default();
        (notice.kind, notice.by, notice.value) = (10, vec![1; 32], 30);
        *r = line(LineContent::Notice(notice));
    });
    stays("place-1", |r: &mut PlaceRecord| {
        r.schema = SCHEMA;
        (r.line, r.gone) = (9, true);
    });
    stays("pending-1", |r: &mut PendingRecord| {
        r.schema = SCHEMA;
        r.author = vec![1; 32];
        r.id = vec![2; 16];
        r.by = vec![3; 32];
        (r.time, r.kind, r.number) = (4, 1, 5);
        r.text = "instead".to_owned();
        r.envelope = vec![6; 16];
        r.came = 7;
    });
    stays("expiry-1", |r: &mut ExpiryRecord| {
        r.schema = SCHEMA;
        r.author = vec![1; 32];
        r.id = vec![2; 16];
        (r.seconds, r.deadline) = (30, 31);
    });
    stays("outbox-referring-1", |r: &mut OutboxRecord| {
        r.schema = SCHEMA;
        r.payload = vec![5; 20];
        (r.lasting, r.referring) = (true, true);
    });
    stays("line-files-1", |r: &mut LineRecord| {
        let mut text = text();
        text.files = vec![file()];
        *r = line(LineContent::Own(text));
    });
    stays("upload-1", |r: &mut UploadRecord| {
        r.schema = SCHEMA;
        r.payload = vec![5; 20];
        r.message = vec![3; 16];
        r.unnamed = true;
    });
    stays("opened-file-1", |r: &mut OpenedFileRecord| r.schema = SCHEMA);
    stays("ending-file-1", |r: &mut EndingFileRecord| r.schema = SCHEMA);
}

fn entry() -> Signed {
    Signed {
        body: vec![4; 40].into(),
        signature: vec![5; 64].into(),
    }
}

fn key(version: u32) -> KeyRecord {
    let mut key = KeyRecord::default();
    (key.version, key.key) = (version, vec![version as u8; 32]);
    key
}

/// P-303: groups.
#[test]
fn groups_stay_readable() {
    stays("group-1", |r: &mut GroupRecord| {
        r.schema = SCHEMA;
        r.log = vec![1; 16];
        r.keys = vec![key(1), key(2)];
        r.told = vec![key(3)];
        (r.opaque_length, r.opaque_hash) = (6, vec![7; 32]);
        r.opaque_write_key = vec![8; 32];
        (r.claimed_length, r.claimed_hash) = (9, vec![10; 32]);
        r.claimed_by = vec![11; 32];
        (r.alarm, r.signers) = (2, vec![vec![12; 32], vec![13; 32]]);
        (r.accepted, r.over) = (true, true);
        (r.sending, r.handed_to) = (vec![14; 300], vec![15; 32]);
        r.generation = 16;
        let mut pending = PendingEntryRecord::default();
        (pending.entry, pending.sealed) = (Some(entry()), vec![17; 100]);
        pending.key = Some(key(4));
        r.pending = Some(pending);
    });
    stays("roster-1", |r: &mut RosterRecord| {
        r.schema = SCHEMA;
        r.entry = Some(entry());
    });
    stays("epoch-1", |r: &mut EpochRecord| {
        r.schema = SCHEMA;
        r.epoch = vec![1; 300];
    });
    stays("group-row-1", |r: &mut GroupRowRecord| {
        r.schema = SCHEMA;
        r.payload = vec![1; 20];
        (r.line, r.message) = (2, vec![3; 16]);
        (r.created, r.accepted) = (4, 5);
        (r.submission, r.body) = (vec![6; 16], vec![7; 300]);
        r.generation = 8;
    });
    stays("recipients-1", |r: &mut RecipientsRecord| {
        let mut recipient = RecipientRecord::default();
        (recipient.account, recipient.devices) = (vec![1; 32], vec![2; 32]);
        (recipient.acked, recipient.state, recipient.again) = (3, 4, true);
        r.schema = SCHEMA;
        r.recipients = vec![recipient];
    });
}

/// P-303: no kind is without a file, and no file without a kind.
#[test]
fn every_kind_has_a_file_for_each_of_its_messages() {
    let kinds: Vec<Kind> = (0..=u8::MAX).filter_map(Kind::from_number).collect();
    assert_eq!(kinds.len(), 20, "a kind that is added is counted here");
    let all: Vec<&str> = kinds.iter().flat_map(|kind| messages(*kind)).copied().collect();
    for message in &all {
        let path = path(&format!("{message}-{SCHEMA}"));
        assert!(path.exists(), "{} is missing", path.display());
    }
    for file in fs::read_dir(folder()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(all.iter().any(|message| name.starts_with(message)), "{name}");
    }
}
