//! Files in the model of the relay, and what a host does with them.

use chopar_e2ee::file::{FileDescriptor, FileName, FileSealer, Looks, MediaType};
use chopar_wire::prost::Message;
use chopar_wire::prost::bytes::Bytes;
use chopar_wire::proto::content::File;
use chopar_wire::proto::relay::relay_frame::Body as Say;
use chopar_wire::proto::relay::{BeginFile, DeleteFile, Done, FileGrant, OpenFile, Reason, Refused};
use chopar_wire::{AccountId, FileId, FileMark, limits};

use super::person::Person;
use super::relay::Relay;
use super::world::World;
use crate::effect::{FileHome, Kept};
use crate::input::Moved;
use crate::intent::{Intent, SealedFile};

/// A file at the relay, as far as it came.
#[derive(Clone)]
pub(super) struct RelayFile {
    account: AccountId,
    size: usize,
    bytes: Vec<u8>,
}

/// What a capability of this relay begins with.
const UPLOAD: u8 = 1;
const FETCH: u8 = 2;

fn capability(kind: u8, file: &FileId) -> Vec<u8> {
    [&[kind], &file.as_bytes()[..]].concat()
}

fn id(bytes: &Bytes) -> FileId {
    FileId::try_from(bytes.as_ref()).expect("16 bytes")
}

fn refused(reason: Reason) -> Say {
    Say::Refused(Refused {
        reason: reason.into(),
        detail: String::new(),
        retry_after_ms: 0,
    })
}

impl RelayFile {
    fn grant(&self, file: FileId, kind: u8, now: u64) -> Say {
        Say::FileGrant(FileGrant {
            id: file.into(),
            capability: capability(kind, &file).into(),
            expires: now + limits::FILE_GRANT_LIFETIME_MS,
            size: self.size as u64,
            received: self.bytes.len() as u64,
            kept_until: u64::MAX,
        })
    }
}

impl Relay {
    /// The bytes of a file that is whole, for a relay that alters them.
    pub fn file_mut(&mut self, file: &FileId) -> Option<&mut Vec<u8>> {
        self.files.get_mut(file).map(|file| &mut file.bytes)
    }

    /// Ids of files that are whole.
    pub fn whole_files(&self) -> Vec<FileId> {
        let whole = self
            .files
            .iter()
            .filter(|(_, file)| file.bytes.len() == file.size);
        whole.map(|(id, _)| *id).collect()
    }

    /// A file's days are over, or those of an upload that is not whole.
    pub fn expire_file(&mut self, file: &FileId) {
        self.files.remove(file);
    }

    /// Whether it has a file, or a part of one.
    pub fn knows_file(&self, file: &FileId) -> bool {
        self.files.contains_key(file)
    }

    pub(super) fn begin_file(&mut self, account: &AccountId, begin: &BeginFile, now: u64) -> Say {
        let file = id(&begin.id);
        if self.files_full && !self.files.contains_key(&file) {
            return refused(Reason::FilesFull);
        }
        let known = self.files.entry(file).or_insert_with(|| RelayFile {
            account: *account,
            size: begin.size as usize,
            bytes: Vec::new(),
        });
        if known.account != *account || known.size as u64 != begin.size {
            return refused(Reason::FileExists);
        }
        known.grant(file, UPLOAD, now)
    }

    pub(super) fn open_file(&self, open: &OpenFile, now: u64) -> Say {
        let file = id(&open.id);
        match self.files.get(&file) {
            // One that a hostile relay made shorter is shown as if it were whole.
            Some(known) => known.grant(file, FETCH, now),
            None => refused(Reason::NoSuchFile),
        }
    }

    pub(super) fn delete_file(&mut self, account: &AccountId, delete: &DeleteFile) -> Say {
        let file = id(&delete.id);
        if self
            .files
            .get(&file)
            .is_some_and(|known| known.account == *account)
        {
            self.files.remove(&file);
        }
        Say::Done(Done {})
    }
}

impl Person {
    /// A file that was fetched and is whole, wherever it is kept.
    pub fn fetched(&self, file: &FileMark) -> Option<&[u8]> {
        let whole = |(home, (_, last)): &(&FileHome, &(Vec<u8>, bool))| home.file == *file && *last;
        let found = self.fetched.iter().find(whole);
        found.map(|(_, (bytes, _))| bytes.as_slice())
    }

    /// `false`: there is no room.
    pub(super) fn keep(&mut self, home: FileHome, offset: u64, bytes: &[u8], last: bool) -> bool {
        if self.disk_full {
            return false;
        }
        let (kept, whole) = self.fetched.entry(home).or_default();
        kept.truncate(if offset == 0 { 0 } else { kept.len() });
        assert_eq!(
            kept.len() as u64,
            offset,
            "bytes of a file are kept in their order"
        );
        kept.extend(bytes);
        *whole = last;
        true
    }

    pub(super) fn discard(&mut self, kept: Kept) {
        match kept {
            Kept::Sealed(file) => drop(self.sealed.remove(&file)),
            Kept::Fetched(home) => drop(self.fetched.remove(&home)),
            Kept::OfLine { conversation, line } => self
                .fetched
                .retain(|home, _| home.conversation != conversation || home.line != line),
        }
    }

    pub(super) fn retain(&mut self, sealed: &[FileId], lines: &[(AccountId, u64)]) {
        // What a tab still asks for its host would seal once more; here it is the same again.
        let mut asked = Vec::new();
        for intent in self.unanswered.iter().map(|(_, intent)| intent) {
            if let Intent::SendFiles { files, .. } = intent {
                let said = files.iter().map(|file| File::decode(file.0.as_slice()));
                asked.extend(said.filter_map(|file| Some(id(&file.ok()?.id))));
            }
        }
        self.sealed
            .retain(|file, _| sealed.contains(file) || asked.contains(file));
        self.fetched
            .retain(|home, _| lines.contains(&(home.conversation, home.line)));
    }
}

/// A file as a host sealed it.
pub struct Sealed {
    /// Under which the relay will keep it.
    pub file: FileId,
    /// Under which it is shown and fetched.
    pub mark: FileMark,
    /// What its message says of it.
    pub said: SealedFile,
}

impl World {
    /// Has a person's host seal a file.
    pub fn seal(&mut self, person: usize, content: &[u8], name: &str, media_type: &str) -> Sealed {
        let one = &mut self.persons[person];
        let mut sealer = FileSealer::new(content.len() as u64, &mut one.rng).expect("not too large");
        let (mut rest, mut sealed) = (content, Vec::new());
        while let Some(wanted) = sealer.wants() {
            let (now, later) = rest.split_at(wanted);
            sealed.extend(sealer.seal(now).expect("as long as was said"));
            rest = later;
        }
        let descriptor = FileDescriptor {
            secret: sealer.finish().expect("all of it was sealed"),
            name: FileName::parse(name).expect("not too long"),
            media: MediaType::parse(media_type).expect("a media type"),
            looks: Looks::default(),
        };
        let file = *descriptor.secret.id();
        one.sealed.insert(file, sealed);
        Sealed {
            file,
            mark: descriptor.secret.mark(),
            said: SealedFile(descriptor.to_wire().encode_to_vec()),
        }
    }

    /// `None`: the host has no such file.
    pub(super) fn upload(
        &mut self,
        person: usize,
        file: &FileId,
        offset: u64,
        length: u64,
        shown: &[u8],
    ) -> Option<Moved> {
        let sealed = self.persons[person].sealed.get(file)?;
        let (from, length) = (offset as usize, length as usize);
        let bytes = sealed[from..(from + length).min(sealed.len())].to_vec();
        if !self.up {
            return Some(Moved::Unreachable);
        }
        // Where connections break, a part of it comes.
        let broken = self.breaks();
        let came = if broken {
            self.below(bytes.len() as u64 + 1) as usize
        } else {
            bytes.len()
        };
        let Some(known) = self.relay.files.get_mut(file) else {
            return Some(Moved::Refused(404));
        };
        if shown != capability(UPLOAD, file) {
            return Some(Moved::Refused(403));
        }
        if known.bytes.len() == from {
            known.bytes.extend_from_slice(&bytes[..came]);
        }
        Some(match broken {
            true => Moved::Unreachable,
            false => Moved::Stands(known.bytes.len() as u64),
        })
    }

    pub(super) fn fetch(&mut self, file: &FileId, offset: u64, length: u64, shown: &[u8]) -> Moved {
        if !self.up {
            return Moved::Unreachable;
        }
        let broken = self.breaks();
        let Some(known) = self.relay.files.get(file) else {
            return Moved::Refused(404);
        };
        if shown != capability(FETCH, file) {
            return Moved::Refused(403);
        }
        let from = (offset as usize).min(known.bytes.len());
        let to = (from + length as usize).min(known.bytes.len());
        let mut bytes = known.bytes[from..to].to_vec();
        if broken {
            let came = self.below(bytes.len() as u64 + 1) as usize;
            bytes.truncate(came);
        }
        Moved::Came(bytes.into())
    }

    /// Whether a transfer breaks off: now and then where connections are lost.
    fn breaks(&mut self) -> bool {
        self.faults.drop_ms > 0 && self.below(4) == 0
    }
}
