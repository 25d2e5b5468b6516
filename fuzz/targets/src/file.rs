//! Files: what a message says of one, and chunks from the relay.

use std::sync::LazyLock;

use chopar_e2ee::file::{FileDescriptor, FileName, FileOpener, FileSealer, Looks, MediaType};
use chopar_e2ee::fixture::rng;
use chopar_wire::prost::Message;
use chopar_wire::prost::bytes::Bytes;
use chopar_wire::proto::content::File;

/// A file of one chunk.
pub struct FileScene {
    /// What its message says.
    pub descriptor: FileDescriptor,
    /// As it lies at the relay.
    pub chunk: Vec<u8>,
}

/// The scene of these targets: always the same.
pub static FILE: LazyLock<FileScene> = LazyLock::new(FileScene::new);

/// The content.
const CONTENT: &[u8] = b"a short file";

impl FileScene {
    #[allow(
        clippy::unwrap_used,
        clippy::new_without_default,
        reason = "made of its own valid parts; a failure is a mistake in the target"
    )]
    fn new() -> Self {
        let mut sealer = FileSealer::new(CONTENT.len() as u64, &mut rng(21)).unwrap();
        let chunk = sealer.seal(CONTENT).unwrap();
        let descriptor = FileDescriptor {
            secret: sealer.finish().unwrap(),
            name: FileName::parse("surat.jpg").unwrap(),
            media: MediaType::parse("image/jpeg").unwrap(),
            looks: Looks {
                thumbnail: Bytes::from_static(b"small"),
                sides: Some((640, 480)),
                ..Looks::default()
            },
        };
        Self { descriptor, chunk }
    }
}

/// What a message says of a file: what is taken is said again in a form that is taken, and its name is harmless.
pub fn file_descriptor(bytes: &[u8]) -> bool {
    let Ok(file) = File::decode(bytes) else {
        return false;
    };
    let Ok(descriptor) = FileDescriptor::parse(&file) else {
        return false;
    };
    let name = descriptor.name.as_str();
    assert!(!name.is_empty() && !name.contains(['/', '\\', '\0', '\n', '\u{202e}']));
    assert!(descriptor.secret.layout().stored() >= descriptor.secret.layout().size());
    let again = FileDescriptor::parse(&descriptor.to_wire());
    assert_eq!(again.as_ref(), Ok(&descriptor));
    true
}

/// A chunk of the relay's: only the one that was uploaded opens.
pub fn file_chunk(bytes: &[u8]) -> bool {
    let mut opener = FileOpener::new(&FILE.descriptor.secret);
    match opener.open(bytes) {
        Ok(content) => {
            assert!(bytes == FILE.chunk, "a forged chunk");
            assert_eq!(content, CONTENT);
            assert_eq!(opener.finish(), Ok(()));
            true
        }
        // The right one is taken after any number of others.
        Err(_) => {
            assert!(opener.open(&FILE.chunk).is_ok());
            false
        }
    }
}
