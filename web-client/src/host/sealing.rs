//! From files that a person chose to a message that the engine can send: each is encrypted, piece by piece, and kept until the relay
//! has it. Done where the engine lives, so that the keys of files are in no other worker and in no tab.

use std::rc::Rc;

use chopar_e2ee::file::limits::CHUNK;
use chopar_e2ee::file::{FileDescriptor, FileSealer, Looks, MediaType, SealError};
use chopar_engine::{Asked, Failure, Input, Intent, MAX_FILES_BYTES, SealedFile};
use chopar_wire::FileId;
use chopar_wire::prost::Message;
use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;

use super::inbox::Happening;
use super::machine::Machine;
use super::owner::Owner;
use crate::platform::random::system_random;
use crate::platform::{Exception, blobs};
use crate::port::{Described, Sending, harmless};
use crate::vault::{Files, PIECE_CHUNKS, VaultError};

/// Why files could not be sealed.
enum Unsealed {
    /// The file was changed, moved or deleted since it was chosen.
    Gone,
    /// It is beyond what may be sent.
    TooLarge,
    /// There is no room, or the browser could not.
    Browser,
}

impl<M: Machine> Owner<'_, M> {
    /// Seals what came with this id, and then has the engine send it.
    pub(super) fn seal(&self, id: u64, sending: Sending) {
        let (inbox, life, files) = (self.worker.inbox.clone(), self.life, self.files.clone());
        let blobs = self.worker.attached.of(id);
        spawn_local(async move {
            inbox.put(match sealed(&files, &blobs, &sending.files).await {
                Ok(mut files) => {
                    fit(&mut files);
                    let files = files
                        .iter()
                        .map(|file| SealedFile(file.to_wire().encode_to_vec()))
                        .collect();
                    let intent = Intent::SendFiles {
                        conversation: sending.conversation,
                        id: sending.message,
                        text: sending.text,
                        reply_to: sending.reply_to,
                        files,
                    };
                    Happening::Done(life, Input::Intent(Asked { id, intent }))
                }
                Err(why) => Happening::Failed(
                    life,
                    id,
                    match why {
                        Unsealed::Gone => Failure::NotFound,
                        Unsealed::TooLarge | Unsealed::Browser => Failure::Browser,
                    },
                ),
            });
        });
    }
}

/// All of them, or none: what was kept of the others is deleted.
async fn sealed(
    files: &Rc<Files>,
    blobs: &[Blob],
    described: &[Described],
) -> Result<Vec<FileDescriptor>, Unsealed> {
    if blobs.len() != described.len() {
        return Err(Unsealed::Browser);
    }
    let mut begun = Vec::new();
    let mut out = Vec::new();
    for (blob, described) in blobs.iter().zip(described) {
        match one(files, blob, described, &mut begun).await {
            Ok(file) => out.push(file),
            Err(why) => {
                for file in begun {
                    // What stays goes at the next start.
                    let _ = files.discard_sealed(file).await;
                }
                return Err(why);
            }
        }
    }
    Ok(out)
}

async fn one(
    files: &Files,
    blob: &Blob,
    described: &Described,
    begun: &mut Vec<FileId>,
) -> Result<FileDescriptor, Unsealed> {
    let mut sealer = FileSealer::new(blobs::size(blob), &mut system_random())?;
    let file = *sealer.id();
    begun.push(file);
    let size = blobs::size(blob);
    let mut at = 0;
    for number in 0..sealer.layout().chunks().div_ceil(PIECE_CHUNKS as u32) {
        let end = (at + (PIECE_CHUNKS * CHUNK) as u64).min(size);
        let content = blobs::read(blob, at, end).await?;
        at = end;
        let mut rest = content.as_slice();
        let mut piece = Vec::with_capacity(PIECE_CHUNKS * (CHUNK + 16));
        for _ in 0..PIECE_CHUNKS {
            let Some(wanted) = sealer.wants() else { break };
            let (chunk, after) = rest.split_at_checked(wanted).ok_or(Unsealed::Gone)?;
            piece.extend(sealer.seal(chunk)?);
            rest = after;
        }
        files.put_sealed(file, number, &piece).await?;
    }
    let descriptor = FileDescriptor {
        secret: sealer.finish()?,
        name: harmless(&described.name),
        media: media(&described.media_type),
        looks: Looks {
            thumbnail: described.thumbnail.clone().into(),
            sides: described.sides,
            duration_ms: described.duration_ms,
            waveform: described.waveform.clone().into(),
        },
    };
    let (mark, stored) = (descriptor.secret.mark(), descriptor.secret.layout().stored());
    files.finish_sealed(file, mark, stored).await?;
    Ok(descriptor)
}

/// Small pictures give way, the largest first, until what is said of all files fits into one message: a picture itself comes as soon as its
/// line is shown.
fn fit(files: &mut [FileDescriptor]) {
    let said =
        |files: &[FileDescriptor]| -> usize { files.iter().map(|file| file.to_wire().encoded_len()).sum() };
    while said(files) > MAX_FILES_BYTES
        && let Some(largest) = files.iter_mut().max_by_key(|file| file.looks.thumbnail.len())
        && !largest.looks.thumbnail.is_empty()
    {
        largest.looks.thumbnail = Vec::new().into();
    }
}

/// What a browser guesses of a file may have parameters, and may be nothing.
fn media(text: &str) -> MediaType {
    let plain = text.split(';').next().unwrap_or_default().trim();
    match MediaType::parse(plain).or_else(|_| MediaType::parse("")) {
        Ok(media) => media,
        Err(_) => unreachable!("nothing stands for any kind of file"),
    }
}

impl From<SealError> for Unsealed {
    fn from(error: SealError) -> Self {
        match error {
            SealError::TooLarge(_) => Self::TooLarge,
            _ => Self::Gone,
        }
    }
}

impl From<Exception> for Unsealed {
    fn from(thrown: Exception) -> Self {
        if thrown.is("NotFoundError") || thrown.is("NotReadableError") {
            Self::Gone
        } else {
            Self::Browser
        }
    }
}

impl From<VaultError> for Unsealed {
    fn from(_: VaultError) -> Self {
        Self::Browser
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-340.
    #[test]
    fn small_pictures_give_way_to_what_must_be_said() {
        let picture = |thumbnail: usize| {
            let mut sealer = FileSealer::new(0, &mut system_random()).unwrap();
            while sealer.wants().is_some() {
                sealer.seal(&[]).unwrap();
            }
            FileDescriptor {
                secret: sealer.finish().unwrap(),
                name: harmless("surat.jpg"),
                media: media("image/jpeg"),
                looks: Looks {
                    thumbnail: vec![7; thumbnail].into(),
                    sides: Some((640, 480)),
                    duration_ms: 0,
                    waveform: Vec::new().into(),
                },
            }
        };
        let left = |sizes: &[usize]| -> Vec<usize> {
            let mut files: Vec<_> = sizes.iter().map(|size| picture(*size)).collect();
            fit(&mut files);
            let said: usize = files.iter().map(|file| file.to_wire().encoded_len()).sum();
            assert!(said <= MAX_FILES_BYTES, "{said} bytes");
            files.iter().map(|file| file.looks.thumbnail.len()).collect()
        };
        assert_eq!(left(&[4_096]), [4_096]);
        assert_eq!(left(&[4_096, 2_000]), [4_096, 2_000]);
        assert_eq!(left(&[3_000, 4_096, 2_500]), [3_000, 0, 2_500]);
        assert_eq!(left(&[4_096; 10]).iter().filter(|size| **size > 0).count(), 1);
    }

    #[test]
    fn what_is_no_media_type_stands_for_any_file() {
        assert_eq!(media("text/plain;charset=utf-8").as_str(), "text/plain");
        for nothing in ["", "pdf", "a/b/c"] {
            assert_eq!(media(nothing).as_str(), "application/octet-stream");
        }
    }
}
