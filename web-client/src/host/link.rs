//! What the workers of different tabs say to each other, over a BroadcastChannel of the same origin.
//!
//! Tabs may be of different builds: one was opened before the relay was updated. Their messages are not each other's to
//! read, so each begins with a tag of the build, and only two first bytes mean the same for ever: somebody started, and
//! somebody owns. Whoever hears that a tab of another build has started is the older one, and steps aside.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::port::{FromWorker, ToWorker};
use crate::vault::SharedKey;

/// Bytes that are set aside for a message before it is encoded: those with a secret are shorter, and so leave no copy behind where
/// the room grew.
const ROOM: usize = 8 * 1024;

/// One message between workers. The first two variants keep their places for ever.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Link {
    /// A follower has started, and asks whether there is an owner.
    Started,
    /// The owner with this epoch takes intents.
    Owner {
        /// The vault's epoch.
        epoch: u64,
    },
    /// A follower's tab says something that only the owner can carry out.
    Passed(ToWorker),
    /// The owner tells every tab something.
    Told {
        /// The owner's epoch; before it has opened the vault the one that it stands before, 0 where it has seen none. What an owner
        /// says that was replaced is not heard.
        epoch: u64,
        /// What.
        message: FromWorker,
    },
    /// A follower asks whether the owner still runs.
    Knock,
    /// It does. Said from the event loop itself, whatever the owner is waiting for.
    Alive {
        /// Its epoch, 0 before it has opened the vault.
        epoch: u64,
        /// For how many milliseconds it will not answer, because it has something to compute.
        busy_ms: u32,
    },
    /// A lock was opened, or changed: with this key the next owner goes on without asking.
    Key {
        /// The owner's epoch. What an owner says that was replaced is not heard: it may have the key of an earlier lock.
        epoch: u64,
        /// `None` where there is no lock.
        key: Option<SharedKey>,
    },
    /// Lock: every worker ends.
    LockNow,
}

/// What came over the channel.
pub(super) enum Heard {
    /// Of the same build.
    Ours(Link),
    /// A tab of another build has started after this one.
    OtherStarted,
    /// The owner is of another build.
    OtherOwner,
}

/// Tells builds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Build([u8; 8]);

impl Build {
    /// From the path of the worker's script, which the build names after its content and everything it loads.
    pub(super) fn of(path: &str) -> Self {
        let mut tag = [0; 8];
        tag.copy_from_slice(&Sha256::digest(path.as_bytes())[..8]);
        Self(tag)
    }

    /// `None` where it would not encode, which no message of this type does. Erased once it was said: it may hold a key.
    pub(super) fn encode(self, link: &Link) -> Option<Zeroizing<Vec<u8>>> {
        let mut room = Vec::with_capacity(ROOM);
        room.extend_from_slice(&self.0);
        postcard::to_extend(link, room).ok().map(Zeroizing::new)
    }

    /// `None` for what there is nothing to do about.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<Heard> {
        let (tag, rest) = bytes.split_first_chunk::<8>()?;
        if *tag == self.0 {
            return postcard::from_bytes(rest).ok().map(Heard::Ours);
        }
        match rest.first() {
            Some(0) => Some(Heard::OtherStarted),
            Some(1) => Some(Heard::OtherOwner),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chopar_engine::{Asked, Intent};

    fn asked() -> Link {
        Link::Passed(ToWorker::Asked(Asked {
            id: 3,
            intent: Intent::Devices,
        }))
    }

    /// A variant that is added is missed here by the compiler.
    fn next(before: Option<&Link>) -> Option<Link> {
        Some(match before {
            None => Link::Started,
            Some(Link::Started) => Link::Owner { epoch: u64::MAX },
            Some(Link::Owner { .. }) => asked(),
            Some(Link::Passed(_)) => Link::Told {
                epoch: 7,
                message: FromWorker::Restarted,
            },
            Some(Link::Told { .. }) => Link::Knock,
            Some(Link::Knock) => Link::Alive {
                epoch: 7,
                busy_ms: 15_000,
            },
            Some(Link::Alive { .. }) => Link::Key {
                epoch: 7,
                key: Some(postcard::from_bytes(&[9; 32]).unwrap()),
            },
            Some(Link::Key { .. }) => Link::LockNow,
            Some(Link::LockNow) => return None,
        })
    }

    fn all() -> Vec<Link> {
        std::iter::successors(next(None), |link| next(Some(link))).collect()
    }

    #[test]
    fn messages_of_one_build_survive_the_way() {
        let build = Build::of("/worker-1.js");
        assert_eq!(all().len(), 8);
        for link in all() {
            let Some(Heard::Ours(back)) = build.decode(&build.encode(&link).unwrap()) else {
                panic!("lost")
            };
            assert!(back == link);
        }
    }

    #[test]
    fn of_another_build_only_its_start_and_its_ownership_are_understood() {
        let (one, other) = (Build::of("/worker-1.js"), Build::of("/worker-2.js"));
        let heard: Vec<_> = all()
            .iter()
            .map(|link| one.decode(&other.encode(link).unwrap()))
            .collect();
        assert!(matches!(heard[0], Some(Heard::OtherStarted)));
        assert!(matches!(heard[1], Some(Heard::OtherOwner)));
        assert!(heard[2..].iter().all(Option::is_none));
    }

    #[test]
    fn noise_is_not_heard() {
        let build = Build::of("/worker-1.js");
        for bytes in [&[][..], &[1; 7], &[0xff; 9]] {
            assert!(build.decode(bytes).is_none());
        }
        let mut cut = build.encode(&asked()).unwrap();
        cut.truncate(9);
        assert!(build.decode(&cut).is_none());
    }
}
