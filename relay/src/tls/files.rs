//! A certificate and its key in files that somebody else renews. They are read again and again, rather than waited for with
//! a signal: no tool that renews has to know of this relay, and a volume that is swapped below it is seen too.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::pair::{Pair, PairError};
use crate::config::TlsFiles;

/// The longest file that is read, in bytes: ten certificates with large keys, and room.
const FILE_MAX: u64 = 256 * 1024;

/// Files that are looked at.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    files: TlsFiles,
    /// Digest of what was last tried, good or not.
    tried: [u8; 32],
    /// Digest of something else that was seen at the last look. Two files are not written at once: what still is the same
    /// at the next look is whole.
    seen: Option<[u8; 32]>,
    /// The log says once that the files cannot be read.
    said_unreadable: bool,
}

impl Watched {
    /// The first look: what is wrong here is wrong from the start.
    pub(super) fn open(files: &TlsFiles, now: u64) -> Result<(Self, Pair), PairError> {
        let contents = Contents::read(files)?;
        let watched = Self {
            files: files.clone(),
            tried: contents.digest(),
            seen: None,
            said_unreadable: false,
        };
        Ok((watched, contents.parse(now)?))
    }

    /// What the files hold if it is new, whole and good; whatever else they hold is said in the log.
    pub(super) async fn look(&mut self, now: u64) -> Option<Pair> {
        let files = self.files.clone();
        let contents = match tokio::task::spawn_blocking(move || Contents::read(&files)).await {
            Ok(Ok(contents)) => contents,
            Ok(Err(fault)) => {
                self.seen = None;
                if !std::mem::replace(&mut self.said_unreadable, true) {
                    tracing::error!(%fault, "the certificate's files were not read again; the one in use stays");
                }
                return None;
            }
            // The runtime is ending.
            Err(_) => return None,
        };
        self.said_unreadable = false;
        let digest = contents.digest();
        if digest == self.tried {
            self.seen = None;
            return None;
        }
        if self.seen.replace(digest) != Some(digest) {
            return None;
        }
        self.tried = digest;
        contents
            .parse(now)
            .inspect_err(|fault| {
                tracing::error!(%fault, "the new certificate is not used; the one before stays");
            })
            .ok()
    }
}

struct Contents {
    chain: Vec<u8>,
    key: zeroize::Zeroizing<Vec<u8>>,
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Self, PairError> {
        Ok(Self {
            chain: read(&files.certificate)?,
            key: read(&files.key)?.into(),
        })
    }

    fn parse(&self, now: u64) -> Result<Pair, PairError> {
        Pair::parse(&self.chain, &self.key, now)
    }

    fn digest(&self) -> [u8; 32] {
        let mut both = Sha256::new();
        for part in [&self.chain, &*self.key] {
            both.update(Sha256::digest(part));
        }
        both.finalize().into()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, PairError> {
    let mut bytes = Vec::new();
    let unreadable = |fault| PairError::Unreadable {
        path: path.to_owned(),
        fault,
    };
    let file = File::open(path).map_err(unreadable)?;
    file.take(FILE_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(PairError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}
