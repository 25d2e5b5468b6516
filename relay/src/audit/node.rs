//! The key of a node's audit log. It lies in the data folder and not in the database: whoever can only write the database
//! cannot sign a checkpoint.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use chopar_identity::signing_input;
use chopar_wire::labels::{AUDIT_CHECKPOINT, AUDIT_NODE};
use chopar_wire::proto::identity::Signed;
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::token;

/// The key's file in the data folder.
pub(crate) const FILE: &str = "audit.key";

/// Names a node's chain: the first bytes of `SHA-256(label ‖ public key)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(crate) [u8; 8]);

impl NodeId {
    /// The name that belongs to a chain's key.
    pub(crate) fn of(public: &[u8; 32]) -> Self {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(AUDIT_NODE)
            .chain_update(public)
            .finalize()
            .into();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        Self(id)
    }

    /// Reads what [`fmt::Display`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(Self(hex::decode(text).ok()?.try_into().ok()?))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The key of this node's chain. No `Debug`: it is a secret.
pub(crate) struct NodeKey {
    signing: SigningKey,
    id: NodeId,
}

/// Why a node has no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeKeyError {
    #[error("the audit log's key {0} cannot be used: {1}")]
    Io(PathBuf, io::Error),
    #[error(
        "the audit log's key {0} is damaged: put it back from a backup, or delete it and a new chain begins"
    )]
    Damaged(PathBuf),
}

impl NodeKey {
    /// The key of a data folder, made if there is none. Two programs that make it at once get the same one.
    pub(crate) fn of_folder(folder: &Path) -> Result<Self, NodeKeyError> {
        let path = folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(fault) if fault.kind() == ErrorKind::NotFound => {
                make(&path).map_err(|fault| NodeKeyError::Io(path.clone(), fault))?;
                Zeroizing::new(
                    fs::read_to_string(&path).map_err(|fault| NodeKeyError::Io(path.clone(), fault))?,
                )
            }
            Err(fault) => return Err(NodeKeyError::Io(path, fault)),
        };
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut *seed).map_err(|_| NodeKeyError::Damaged(path))?;
        Ok(Self::of_seed(&seed))
    }

    fn of_seed(seed: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(seed);
        let id = NodeId::of(signing.verifying_key().as_bytes());
        Self { signing, id }
    }

    pub(crate) fn id(&self) -> NodeId {
        self.id
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        *self.signing.verifying_key().as_bytes()
    }

    /// Signs the body of a checkpoint.
    pub(crate) fn sign(&self, body: Vec<u8>) -> Signed {
        let signature = self.signing.sign(&signing_input(AUDIT_CHECKPOINT, &body));
        Signed {
            body: body.into(),
            signature: signature.to_bytes().to_vec().into(),
        }
    }
}

/// Writes a fresh key where there is none: whole or not at all, and never over another's.
fn make(path: &Path) -> io::Result<()> {
    let seed = Zeroizing::new(token::random::<32>().map_err(io::Error::other)?);
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(Zeroizing::new(format!("{}\n", hex::encode(*seed))).as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&fresh, path);
    fs::remove_file(&fresh)?;
    match linked {
        Err(fault) if fault.kind() != ErrorKind::AlreadyExists => Err(fault),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_key_and_a_damaged_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let made = NodeKey::of_folder(folder.path()).unwrap();
        let again = NodeKey::of_folder(folder.path()).unwrap();
        assert_eq!(made.id(), again.id());
        assert_eq!(NodeId::parse(&made.id().to_string()), Some(made.id()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join(FILE))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(folder.path().join(FILE), "half").unwrap();
        assert!(matches!(
            NodeKey::of_folder(folder.path()),
            Err(NodeKeyError::Damaged(_))
        ));
    }
}
