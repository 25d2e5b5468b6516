//! From sealed files to the message that speaks of them. It is said once the relay has all of them: nobody is told of a file
//! that is not there.
//!
//! ```text
//!   idle ── BeginFile ──> asked ── FileGrant ──> moving ── Moved ──> moving … ──> the next file … ──> said, the record is gone
//!     ^                     │                      │
//!     └──── later, longer each time: refused, broken off, the connection lost ────┘
//! ```
//! Only the record is durable. How far a file came is the relay's knowledge, so a restart needs no path of its own.

use chopar_e2ee::file::FileDescriptor;
use chopar_wire::ids::FileId;
use chopar_wire::proto::content::{Payload, Text, payload};
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{BeginFile, FileGrant, Reason, Refused};
use chopar_wire::{AccountId, MessageId, Timestamp};
use prost::Message;

use crate::context::Context;
use crate::effect::{Effect, Kept};
use crate::engine::Engine;
use crate::event::Answer;
use crate::input::Moved;
use crate::map::Map;
use crate::places::Spot;
use crate::records::upload::UploadRecord;
use crate::records::{RecordError, SCHEMA, Stored};
use crate::requests::What;
use crate::submitted::{REFUSED_CAP_MS, REFUSED_MS};
use crate::tokens::Waiting;
use crate::view::Held;

/// Bytes of one request: a break costs no more, and a line on which this takes minutes still moves.
const PART: u64 = 1024 * 1024;
/// Messages whose files are uploaded at one time.
const AT_ONCE: usize = 2;

/// Names an upload: the conversation, and the line of the message.
pub(crate) type UploadKey = (AccountId, u64);

/// All of them.
pub(crate) type Uploads = Map<UploadKey, Upload>;

/// A message whose files are on their way.
pub(crate) struct Upload {
    message: MessageId,
    /// Its line is gone: deleted here, and still to be said.
    unnamed: bool,
    /// An encoded `Payload` with its content only.
    payload: Vec<u8>,
    files: Vec<Outgoing>,
    way: Way,
    /// In a row, for the wait.
    failures: u32,
    not_before: Timestamp,
}

struct Outgoing {
    file: FileId,
    /// As it lies at the relay.
    size: u64,
    /// Since this start. Before it is asked again: the relay may have kept it no longer.
    done: bool,
}

enum Way {
    Idle,
    Asked,
    Moving { capability: Vec<u8>, from: u64 },
}

impl Upload {
    /// `None`: the payload is no message with files.
    fn read(message: MessageId, unnamed: bool, payload: Vec<u8>) -> Option<Self> {
        let content = Payload::decode(payload.as_slice()).ok()?.content;
        let Some(payload::Content::Text(text)) = content else {
            return None;
        };
        let outgoing = |file| {
            let secret = FileDescriptor::parse(file).ok()?.secret;
            Some(Outgoing {
                file: *secret.id(),
                size: secret.layout().stored(),
                done: false,
            })
        };
        Some(Self {
            message,
            unnamed,
            payload,
            files: text.files.iter().map(outgoing).collect::<Option<_>>()?,
            way: Way::Idle,
            failures: 0,
            not_before: Timestamp(0),
        })
    }

    /// The file that is to be uploaded next; `None`: all are there.
    fn next(&self) -> Option<&Outgoing> {
        self.files.iter().find(|outgoing| !outgoing.done)
    }

    fn save(&self, (conversation, line): UploadKey, cx: &mut Context<'_>) {
        let record = UploadRecord {
            schema: SCHEMA,
            payload: self.payload.clone(),
            message: self.message.as_bytes().to_vec(),
            unnamed: self.unnamed,
        };
        cx.put(conversation.as_bytes(), line, &record);
    }

    /// It waits, longer each time, and at least so long.
    fn put_off(&mut self, at_least_ms: u64, now: Timestamp) {
        let wait = REFUSED_MS.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.way = Way::Idle;
        self.not_before = now.plus_ms(wait.max(at_least_ms).min(REFUSED_CAP_MS));
    }
}

impl Engine {
    pub(crate) fn load_upload(
        &mut self,
        partition: &[u8],
        line: u64,
        value: &[u8],
    ) -> Result<(), RecordError> {
        let record = UploadRecord::read(value)?;
        let bad = UploadRecord::bad;
        let conversation = AccountId::try_from(partition).map_err(|_| bad("conversation"))?;
        let message = MessageId::try_from(record.message.as_slice()).map_err(|_| bad("message"))?;
        let upload = Upload::read(message, record.unnamed, record.payload).ok_or(bad("payload"))?;
        self.uploads.insert((conversation, line), upload);
        Ok(())
    }

    /// A message with files has its line: it is said when the relay has them.
    pub(crate) fn upload_first(
        &mut self,
        key: UploadKey,
        message: MessageId,
        text: Text,
        cx: &mut Context<'_>,
    ) {
        let payload = Payload {
            content: Some(payload::Content::Text(text)),
            ..Payload::default()
        };
        if let Some(upload) = Upload::read(message, false, payload.encode_to_vec()) {
            upload.save(key, cx);
            self.uploads.insert(key, upload);
        }
    }

    /// Of files that were to be sent: those that no message speaks of are not kept.
    pub(crate) fn discard_unsent(&self, sealed: &[FileId], cx: &mut Context<'_>) {
        let sent = self.uploading_files();
        for file in sealed.iter().filter(|file| !sent.contains(file)) {
            cx.effect(Effect::Discard(Kept::Sealed(*file)));
        }
    }

    /// Says what is all there, and begins what can be begun.
    pub(crate) fn pump_uploads(&mut self, cx: &mut Context<'_>) {
        if !self.link.signed_in() {
            return;
        }
        let waiting: Vec<UploadKey> = self.uploads.keys().copied().collect();
        for key in waiting {
            // What is said to somebody who is blocked waits, files or not.
            if !self.is_blocked(&key.0) {
                self.try_upload(key, cx);
            }
        }
    }

    fn try_upload(&mut self, key: UploadKey, cx: &mut Context<'_>) {
        let busy = |upload: &&Upload| !matches!(upload.way, Way::Idle);
        let room = self.uploads.values().filter(busy).count() < AT_ONCE;
        let Some(upload) = self.uploads.get_mut(&key) else {
            return;
        };
        if busy(&&*upload) || upload.not_before > cx.now {
            return;
        }
        let Some((file, size)) = upload.next().map(|next| (next.file, next.size)) else {
            return self.say_uploaded(key, cx);
        };
        if room {
            upload.way = Way::Asked;
            let id = file.into();
            let what = What::BeginFile { upload: key, file };
            self.requests
                .send(cx, what, Body::BeginFile(BeginFile { id, size }));
        }
    }

    /// In one batch: the record goes, and the message takes its place in the outbox.
    fn say_uploaded(&mut self, key: UploadKey, cx: &mut Context<'_>) {
        let Some(upload) = self.uploads.remove(&key) else {
            return;
        };
        let (conversation, line) = key;
        cx.delete::<UploadRecord>(conversation.as_bytes(), line);
        let payload = Payload::decode(upload.payload.as_slice());
        if let Some(content) = payload.ok().and_then(|payload| payload.content) {
            let named = (!upload.unnamed).then_some((line, upload.message));
            self.say(conversation, content, named, cx);
        }
        for Outgoing { file, .. } in upload.files {
            cx.effect(Effect::Discard(Kept::Sealed(file)));
        }
    }

    pub(crate) fn on_upload_granted(
        &mut self,
        key: UploadKey,
        file: FileId,
        grant: &FileGrant,
        cx: &mut Context<'_>,
    ) {
        let Some(upload) = self.uploads.get_mut(&key) else {
            return;
        };
        let right = upload
            .next()
            .is_some_and(|next| next.file == file && next.size == grant.size)
            && grant.id.as_ref() == file.as_bytes();
        if !right || !matches!(upload.way, Way::Asked) {
            return upload.put_off(0, cx.now);
        }
        self.stands(key, file, grant.received, grant.capability.to_vec(), cx);
    }

    /// An upload stands at a place: on from there, or the file is done.
    fn stands(&mut self, key: UploadKey, file: FileId, at: u64, capability: Vec<u8>, cx: &mut Context<'_>) {
        let Some(upload) = self.uploads.get_mut(&key) else {
            return;
        };
        let Some(next) = upload.files.iter_mut().find(|next| next.file == file) else {
            return;
        };
        if at >= next.size {
            next.done = true;
            upload.way = Way::Idle;
            upload.failures = 0;
            return self.hold_upload(key, None, cx);
        }
        let length = PART.min(next.size - at);
        upload.way = Way::Moving {
            capability: capability.clone(),
            from: at,
        };
        let token = self.tokens.wait(Waiting::Upload { upload: key, file });
        cx.effect(Effect::Upload {
            token,
            file,
            offset: at,
            length,
            capability,
        });
    }

    pub(crate) fn on_upload_moved(
        &mut self,
        key: UploadKey,
        file: FileId,
        outcome: &Moved,
        cx: &mut Context<'_>,
    ) {
        // Taken back meanwhile.
        let Some(upload) = self.uploads.get_mut(&key) else {
            return;
        };
        match (core::mem::replace(&mut upload.way, Way::Idle), outcome) {
            (Way::Moving { capability, from }, Moved::Stands(at)) if *at > from => {
                upload.failures = 0;
                self.stands(key, file, *at, capability, cx);
            }
            // A capability that is not good any more, too; the next one says where the upload stands.
            _ => upload.put_off(0, cx.now),
        }
    }

    /// The host has nothing that could be uploaded. A person may take the message back, or try again.
    pub(crate) fn upload_lost(&mut self, key: UploadKey, cx: &mut Context<'_>) {
        if let Some(upload) = self.uploads.get_mut(&key) {
            upload.put_off(REFUSED_CAP_MS, cx.now);
            self.hold_upload(key, Some(Held::FileLost), cx);
        }
    }

    pub(crate) fn on_upload_refused(&mut self, key: UploadKey, refused: &Refused, cx: &mut Context<'_>) {
        let Some(upload) = self.uploads.get_mut(&key) else {
            return;
        };
        upload.put_off(refused.retry_after_ms, cx.now);
        match refused.reason() {
            // It goes out by itself when there is room.
            Reason::FilesFull => self.hold_upload(key, Some(Held::FilesFull), cx),
            Reason::Storage => self.hold_upload(key, Some(Held::RelayStorage), cx),
            Reason::TooLarge => self.hold_upload(key, Some(Held::FileTooLarge), cx),
            Reason::RateLimited | Reason::ShuttingDown | Reason::SignInFirst => {}
            _ => self.hold_upload(key, Some(Held::Refused), cx),
        }
    }

    /// The relay did not answer, or made no sense.
    pub(crate) fn upload_put_off(&mut self, key: UploadKey, cx: &Context<'_>) {
        if let Some(upload) = self.uploads.get_mut(&key) {
            upload.put_off(0, cx.now);
        }
    }

    /// The connection on which it was asked is gone: it is asked again on the next.
    pub(crate) fn upload_grounded(&mut self, key: UploadKey) {
        if let Some(upload) = self.uploads.get_mut(&key)
            && matches!(upload.way, Way::Asked)
        {
            upload.way = Way::Idle;
        }
    }

    /// Says on the line why it waits, or that it does no more, where it has a line.
    fn hold_upload(&mut self, key: UploadKey, held: Option<Held>, cx: &mut Context<'_>) {
        if self.uploads.get(&key).is_some_and(|upload| !upload.unnamed) {
            self.set_held(key.0, key.1, held, cx);
        }
    }

    /// Tries again at once, where the message is one whose files wait; whether it is.
    pub(crate) fn retry_upload(
        &mut self,
        asked: u64,
        conversation: AccountId,
        message: &MessageId,
        cx: &mut Context<'_>,
    ) -> bool {
        let Some(key) = self.upload_of(&conversation, message) else {
            return false;
        };
        if let Some(upload) = self.uploads.get_mut(&key) {
            upload.failures = 0;
            upload.not_before = cx.now;
            self.set_held(key.0, key.1, None, cx);
        }
        cx.answer(asked, Answer::Done);
        true
    }

    /// The message was taken back before it was said: its files go, here and at the relay.
    pub(crate) fn take_upload_back(&mut self, spot: &Spot, cx: &mut Context<'_>) {
        let Some(key) = self.upload_of(&spot.conversation, &spot.about.id) else {
            return;
        };
        let upload = self.uploads.remove(&key);
        cx.delete::<UploadRecord>(key.0.as_bytes(), key.1);
        for Outgoing { file, .. } in upload.into_iter().flat_map(|upload| upload.files) {
            cx.effect(Effect::Discard(Kept::Sealed(file)));
            self.end_file(file, cx);
        }
    }

    /// Its line is gone; the message goes its way.
    pub(crate) fn unname_upload(&mut self, spot: &Spot, cx: &mut Context<'_>) {
        if let Some(key) = self.upload_of(&spot.conversation, &spot.about.id)
            && let Some(upload) = self.uploads.get_mut(&key)
        {
            upload.unnamed = true;
            upload.save(key, cx);
        }
    }

    /// Files that the host is to keep sealed.
    pub(super) fn uploading_files(&self) -> Vec<FileId> {
        let files = self.uploads.values().flat_map(|upload| &upload.files);
        files.map(|outgoing| outgoing.file).collect()
    }

    /// When an upload is tried next.
    pub(crate) fn uploads_due(&self, now: Timestamp) -> Option<Timestamp> {
        let idle = |upload: &&Upload| matches!(upload.way, Way::Idle) && upload.not_before > now;
        self.uploads
            .values()
            .filter(idle)
            .map(|upload| upload.not_before)
            .min()
    }

    pub(crate) fn upload_of(&self, conversation: &AccountId, message: &MessageId) -> Option<UploadKey> {
        let is = |(key, upload): &(&UploadKey, &Upload)| key.0 == *conversation && upload.message == *message;
        self.uploads.iter().find(is).map(|(key, _)| *key)
    }
}
