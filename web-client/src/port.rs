//! What crosses the line between a tab and its engine worker: postcard bytes in a `Uint8Array`, one message each. Where files go with
//! it, an array of those bytes and a blob for each file.
//!
//! Both modules come from one build, so the encoding carries no version. A message that does not decode is a fault of
//! that build, and the tab says so ([`FatalKind::Crashed`]).

use chopar_e2ee::file::FileName;
use chopar_e2ee::file::limits::MAX_NAME;
use chopar_engine::view::Reference;
use chopar_engine::{Asked, Event, FileHome};
use chopar_wire::{AccountId, FileMark, MessageId};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// From a tab to its worker.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// The first message, once: `localStorage["chopar.canary"]`, which a worker cannot read. A canary without a vault means
    /// that the browser threw half of the storage away ([`FatalKind::HalfEvicted`]), not that the person is new.
    Start {
        /// As the worker gave it in [`FromWorker::Canary`], if there is one.
        canary: Option<String>,
    },
    /// Something a person wants; answered exactly once by [`Event::Answered`] with the same id.
    Asked(Asked),
    /// Whether this tab is being looked at; the first one comes right after the worker was started.
    Visible(bool),
    /// Erase this browser's vault: a person has confirmed it. [`FromWorker::Erased`] follows, in every tab.
    StartOver,
    /// Somebody uses this tab: the time after which it locks itself begins anew.
    Active,
    /// Lock, in every tab. [`FromWorker::LockedNow`] follows.
    LockNow,
    /// Open the lock. [`FromWorker::LockAnswered`] follows with the same id.
    Unlock {
        /// Chosen by the tab: random.
        id: u64,
        /// What may open it.
        secret: Secret,
    },
    /// Set, change or remove the lock. [`FromWorker::LockAnswered`] follows with the same id.
    ChangeLock {
        /// Chosen by the tab: random.
        id: u64,
        /// What.
        change: Box<LockChange>,
    },
    /// Send files. They come beside this message as blobs, one for each that it describes. Answered as an intent with this id.
    SendFiles {
        /// Chosen by the tab: random.
        id: u64,
        /// What is said, and of which files.
        sending: Box<Sending>,
    },
    /// Give out a file of a message, if all of it is kept here. [`FromWorker::FileTaken`] follows with the same id.
    TakeFile {
        /// Chosen by the tab: random.
        id: u64,
        /// Which.
        file: FileHome,
    },
}

impl ToWorker {
    /// The id under which it waits for an answer of an owner.
    pub(crate) const fn waits(&self) -> Option<u64> {
        match self {
            Self::Asked(Asked { id, .. }) | Self::SendFiles { id, .. } | Self::TakeFile { id, .. } => {
                Some(*id)
            }
            _ => None,
        }
    }
}

/// A message with files that are not sealed yet.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// To whom.
    pub conversation: AccountId,
    /// Chosen by the tab; sending the same id twice sends once.
    pub message: MessageId,
    /// May be empty.
    pub text: String,
    /// What it answers.
    pub reply_to: Option<Reference>,
    /// Of each file, in the order of the blobs.
    pub files: Vec<Described>,
}

/// What the page knows of a file before it is sealed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// As it is called on this device.
    pub name: String,
    /// As the browser guesses it; may be empty.
    pub media_type: String,
    /// A small picture of it; empty: none.
    pub thumbnail: Vec<u8>,
    /// Width and height of a picture, in pixels.
    pub sides: Option<(u32, u32)>,
    /// How long a recording lasts, in milliseconds; 0: it is none.
    pub duration_ms: u32,
    /// Loudness over its time, one byte a bar.
    pub waveform: Vec<u8>,
}

impl Described {
    /// A file of this device. Its name is made harmless, and as long as a name may be, with its end, by which systems go.
    pub(crate) fn of(name: &str, media_type: &str) -> Self {
        Self {
            name: harmless(name).as_str().to_owned(),
            media_type: media_type.to_owned(),
            ..Self::default()
        }
    }
}

/// A name that may be shown, sent and saved.
pub(crate) fn harmless(text: &str) -> FileName {
    let cut = |text: &str, most: usize| -> String {
        let mut end = text.len().min(most);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text[..end].to_owned()
    };
    let shorter = match text.rsplit_once('.') {
        _ if text.len() <= MAX_NAME => text.to_owned(),
        Some((stem, end)) if end.len() < MAX_NAME / 2 => {
            [&cut(stem, MAX_NAME - 1 - end.len()), ".", end].concat()
        }
        _ => cut(text, MAX_NAME),
    };
    match FileName::parse(&shorter) {
        Ok(name) => name,
        Err(_) => unreachable!("it was cut to its bound"),
    }
}

/// What opens a lock.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub enum Secret {
    /// A passphrase as every keyboard types it: one sign for every apostrophe, and Unicode's normal form KC.
    Passphrase(String),
    /// What the passkey answers to the slot's salt.
    Passkey([u8; 32]),
    /// The recovery key as typed.
    RecoveryKey(String),
}

/// How the lock is to be from now on, whole: what is not named is gone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockChange {
    /// What opens the lock that is there now; `None` where there is none.
    pub proof: Option<Secret>,
    /// The passphrase; `None` for a lock without one.
    pub passphrase: Option<Secret>,
    /// The passkey and what it answers to its salt.
    pub passkey: Option<(Passkey, Secret)>,
    /// Minutes without anybody after which it locks itself, 0 for never.
    pub idle_minutes: u16,
}

/// A passkey as the browser is asked for it. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// WebAuthn's credential id.
    pub credential: Vec<u8>,
    /// The salt its answer is asked for.
    pub salt: [u8; 32],
}

/// What opens the vault at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// A passphrase.
    pub passphrase: bool,
    /// A passkey.
    pub passkey: Option<Passkey>,
    /// The recovery key.
    pub recovery: bool,
    /// Minutes without anybody after which it locks itself, 0 for never. Not known while it is locked.
    pub idle_minutes: u16,
}

impl Lock {
    /// Minutes without anybody that a new lock begins with: long enough to read, short enough for a shared room.
    pub const USUAL_IDLE: u16 = 15;

    /// Whether there is a lock at all.
    pub const fn is_set(&self) -> bool {
        // Every lock has a slot for the recovery key: alone, it is what is left where the others are damaged.
        self.passphrase || self.passkey.is_some() || self.recovery
    }
}

/// What came of opening or changing a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockAnswer {
    /// It is done.
    Done,
    /// The secret does not open the lock. The next is tried in so many milliseconds at the earliest.
    Wrong(u64),
    /// It was not tried, because too many were wrong before: not before so many milliseconds have passed.
    Wait(u64),
    /// It is not possible now: there is no account yet.
    NotNow,
    /// The browser could not do it; nothing has changed.
    Failed,
    /// The worker that was to do it is gone, and did not say whether it had. Said by the tab itself.
    Interrupted,
}

/// From the worker to its tab.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromWorker {
    /// Something to show.
    Event(Box<Event>),
    /// Facts about this browser, once after the start and whenever they change.
    About(AboutDevice),
    /// The engine began anew from the vault (another tab took over): what the tab shows is asked for again. Intents that
    /// were under way are still answered.
    Restarted,
    /// To be kept as `localStorage["chopar.canary"]`, replacing what is there. Holds nothing secret.
    Canary(String),
    /// The vault is locked.
    Locked {
        /// What opens it.
        lock: Lock,
        /// Tells apart who asks for a secret: with another one, what the one before was told has come to nothing.
        door: u64,
    },
    /// The lock was locked: the tab forgets everything it shows and is loaded anew.
    LockedNow,
    /// What came of [`ToWorker::Unlock`] or [`ToWorker::ChangeLock`]; heard in every tab, and meant for the one that knows the id.
    LockAnswered {
        /// As it was asked.
        id: u64,
        /// What came of it.
        answer: LockAnswer,
    },
    /// The file that [`ToWorker::TakeFile`] asked for comes beside this message as a blob; without one it is not kept here.
    FileTaken {
        /// As it was asked.
        id: u64,
    },
    /// Bytes of a file have moved.
    FileMoved {
        /// Which.
        file: FileMark,
        /// How many so far.
        done: u64,
        /// Of how many.
        of: u64,
    },
    /// Nothing more will come from this worker, but for [`FromWorker::Erased`] where a person starts over.
    Fatal(FatalKind),
    /// The vault was erased, as a person wished: the canary goes too, and the tab begins as on a first visit.
    Erased,
}

/// What "about this device" says of the ground it stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutDevice {
    /// Where the device's identity keys live.
    pub keys: KeyHome,
    /// Whether the browser promised to keep the storage.
    pub persisted: bool,
    /// Records of the vault that do not open. They are kept, and not used.
    pub damaged_records: u32,
    /// What opens the vault.
    pub lock: Lock,
}

/// Where private identity keys live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyHome {
    /// In WebCrypto, not extractable.
    WebCrypto,
    /// In the worker's memory and sealed in the vault, because the browser's WebCrypto lacks the curves.
    Wasm,
}

/// Why the client cannot go on. Each has a text in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FatalKind {
    /// The browser refuses storage (a private window, storage switched off, a policy).
    StorageRefused,
    /// The disk is full, or the browser's share of it.
    StorageFull,
    /// The vault was written by a newer build: reload, or ask the administrator.
    VaultNewer,
    /// The vault cannot be opened: its key is gone, or records do not open under it.
    VaultDamaged,
    /// The browser threw part of this site's storage away, and with it the keys.
    HalfEvicted,
    /// The browser lacks what the engine needs.
    BrowserTooOld,
    /// The worker's files could not be loaded.
    Unreachable,
    /// The worker stopped by a fault of its own.
    Crashed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use chopar_engine::{Answer, Intent};

    fn lock() -> Lock {
        Lock {
            passphrase: true,
            passkey: Some(passkey()),
            recovery: true,
            idle_minutes: 15,
        }
    }

    fn passkey() -> Passkey {
        Passkey {
            credential: vec![5; 64],
            salt: [6; 32],
        }
    }

    fn change() -> LockChange {
        LockChange {
            proof: Some(Secret::RecoveryKey("abcd".to_owned())),
            passphrase: Some(Secret::Passphrase("quyosh daraxt".to_owned())),
            passkey: Some((passkey(), Secret::Passkey([7; 32]))),
            idle_minutes: 5,
        }
    }

    fn sending() -> Sending {
        Sending {
            conversation: AccountId::new([1; 32]),
            message: MessageId::new([2; 16]),
            text: String::new(),
            reply_to: None,
            files: vec![Described {
                name: "surat.jpg".to_owned(),
                media_type: "image/jpeg".to_owned(),
                thumbnail: vec![1; 3],
                sides: Some((640, 480)),
                duration_ms: 0,
                waveform: Vec::new(),
            }],
        }
    }

    /// A variant that is added is missed here by the compiler.
    fn next_to_worker(before: Option<&ToWorker>) -> Option<ToWorker> {
        Some(match before {
            None => ToWorker::Start {
                canary: Some("canary".to_owned()),
            },
            Some(ToWorker::Start { .. }) => ToWorker::Asked(Asked {
                id: u64::MAX,
                intent: Intent::Snapshot,
            }),
            Some(ToWorker::Asked(_)) => ToWorker::Visible(true),
            Some(ToWorker::Visible(_)) => ToWorker::StartOver,
            Some(ToWorker::StartOver) => ToWorker::Active,
            Some(ToWorker::Active) => ToWorker::LockNow,
            Some(ToWorker::LockNow) => ToWorker::Unlock {
                id: 3,
                secret: Secret::Passkey([9; 32]),
            },
            Some(ToWorker::Unlock { .. }) => ToWorker::ChangeLock {
                id: 4,
                change: Box::new(change()),
            },
            Some(ToWorker::ChangeLock { .. }) => ToWorker::SendFiles {
                id: 5,
                sending: Box::new(sending()),
            },
            Some(ToWorker::SendFiles { .. }) => ToWorker::TakeFile {
                id: 6,
                file: FileHome {
                    conversation: AccountId::new([1; 32]),
                    line: 7,
                    file: FileMark::new([2; 32]),
                },
            },
            Some(ToWorker::TakeFile { .. }) => return None,
        })
    }

    fn next_from_worker(before: Option<&FromWorker>) -> Option<FromWorker> {
        Some(match before {
            None => FromWorker::Event(Box::new(Event::Answered {
                id: 1,
                answer: Answer::Done,
            })),
            Some(FromWorker::Event(_)) => FromWorker::About(AboutDevice {
                keys: KeyHome::Wasm,
                persisted: true,
                damaged_records: 2,
                lock: lock(),
            }),
            Some(FromWorker::About(_)) => FromWorker::Restarted,
            Some(FromWorker::Restarted) => FromWorker::Canary("canary".to_owned()),
            Some(FromWorker::Canary(_)) => FromWorker::Locked {
                lock: lock(),
                door: u64::MAX,
            },
            Some(FromWorker::Locked { .. }) => FromWorker::LockedNow,
            Some(FromWorker::LockedNow) => FromWorker::LockAnswered {
                id: 5,
                answer: LockAnswer::Wrong(5_000),
            },
            Some(FromWorker::LockAnswered { .. }) => FromWorker::FileTaken { id: 6 },
            Some(FromWorker::FileTaken { .. }) => FromWorker::FileMoved {
                file: FileMark::new([2; 32]),
                done: 1,
                of: u64::MAX,
            },
            Some(FromWorker::FileMoved { .. }) => FromWorker::Fatal(FatalKind::StorageRefused),
            Some(FromWorker::Fatal(_)) => FromWorker::Erased,
            Some(FromWorker::Erased) => return None,
        })
    }

    #[test]
    fn messages_survive_the_way() {
        let mut said = 0;
        let mut message = next_to_worker(None);
        while let Some(one) = message {
            let bytes = postcard::to_allocvec(&one).unwrap();
            assert!(postcard::from_bytes::<ToWorker>(&bytes).unwrap() == one);
            message = next_to_worker(Some(&one));
            said += 1;
        }
        let mut heard = 0;
        let mut message = next_from_worker(None);
        while let Some(one) = message {
            let bytes = postcard::to_allocvec(&one).unwrap();
            assert!(postcard::from_bytes::<FromWorker>(&bytes).unwrap() == one);
            message = next_from_worker(Some(&one));
            heard += 1;
        }
        assert_eq!((said, heard), (10, 11));
    }

    /// P-326.
    #[test]
    fn long_names_are_cut_and_keep_their_end() {
        assert_eq!(harmless("hisobot.pdf").as_str(), "hisobot.pdf");
        let cut = harmless(&format!("{}.pdf", "ҳ".repeat(200)));
        assert!(cut.as_str().len() <= MAX_NAME && cut.as_str().ends_with("ҳ.pdf"));
        assert_eq!(harmless(&"x".repeat(300)).as_str().len(), MAX_NAME);
        assert!(
            harmless(&format!("a.{}", "y".repeat(300)))
                .as_str()
                .starts_with("a.y")
        );
        assert_eq!(harmless("../..").as_str(), "_");
        assert_eq!(Described::of("rasm\u{202e}gpj.exe", "").name, "rasm_gpj.exe");
    }

    #[test]
    fn a_lock_of_which_only_the_recovery_key_is_left_is_a_lock() {
        let none = Lock::default();
        assert!(!none.is_set());
        assert!(
            Lock {
                recovery: true,
                ..none
            }
            .is_set()
        );
    }
}
