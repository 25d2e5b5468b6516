//! A file as a message speaks of it.

use chopar_wire::ids::{FileId, WrongLength};
use chopar_wire::proto::content::File;

use super::layout::Layout;
use super::limits::{MAX_PIXELS, MAX_SIZE};
use super::looks::{Looks, LooksError};
use super::media::{MediaError, MediaType};
use super::name::{FileName, NameTooLong};
use super::secret::FileSecret;
use crate::keys::Secret32;

/// Everything that a message says of a file: what opens it, what it is called, what it looks like.
#[derive(Debug, PartialEq, Eq)]
pub struct FileDescriptor {
    /// What opens it.
    pub secret: FileSecret,
    /// What it is called.
    pub name: FileName,
    /// What it claims to be.
    pub media: MediaType,
    /// What it looks like.
    pub looks: Looks,
}

/// What a message says of a file is nothing that a client says. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// Its id has another length.
    #[error("{0}")]
    Id(#[from] WrongLength),
    /// Its key or digest has another length than 32 bytes.
    #[error("a file's key and digest have 32 bytes each")]
    Secret,
    /// Larger than any file may be.
    #[error("a file has at most {MAX_SIZE} bytes")]
    TooLarge,
    /// Its name.
    #[error("{0}")]
    Name(#[from] NameTooLong),
    /// Its media type.
    #[error("{0}")]
    Media(#[from] MediaError),
    /// Its looks.
    #[error("{0}")]
    Looks(#[from] LooksError),
}

impl FileDescriptor {
    /// Takes what came in a message. The name is made harmless; everything else is as it should be, or refused.
    ///
    /// # Errors
    /// [`DescriptorError`], the first fault by name.
    pub fn parse(file: &File) -> Result<Self, DescriptorError> {
        let secret = || DescriptorError::Secret;
        let looks = Looks {
            thumbnail: file.thumbnail.clone(),
            sides: match (file.width, file.height) {
                (0, 0) => None,
                sides => Some(sides),
            },
            duration_ms: file.duration_ms,
            waveform: file.waveform.clone(),
        };
        looks.check()?;
        Ok(Self {
            secret: FileSecret {
                id: FileId::try_from(file.id.as_ref())?,
                key: Secret32::new(file.key.as_ref().try_into().map_err(|_| secret())?),
                layout: Layout::of(file.size).ok_or(DescriptorError::TooLarge)?,
                digest: file.digest.as_ref().try_into().map_err(|_| secret())?,
            },
            name: FileName::parse(&file.name)?,
            media: MediaType::parse(&file.media_type)?,
            looks,
        })
    }

    /// For a message.
    pub fn to_wire(&self) -> File {
        let (width, height) = self.looks.sides.unwrap_or_default();
        File {
            id: self.secret.id.into(),
            key: self.secret.key.as_bytes().to_vec().into(),
            size: self.secret.layout.size(),
            digest: self.secret.digest.to_vec().into(),
            name: self.name.as_str().to_owned(),
            media_type: self.media.as_str().to_owned(),
            thumbnail: self.looks.thumbnail.clone(),
            width,
            height,
            duration_ms: self.looks.duration_ms,
            waveform: self.looks.waveform.clone(),
        }
    }

    /// Whether it may be shown as a picture: it claims to be one of few kinds, its name says the same to whoever saves it, and
    /// its sides are said, not too large. A program that calls itself a picture is a file with its name.
    pub fn is_picture(&self) -> bool {
        let small = |(width, height): (u32, u32)| u64::from(width) * u64::from(height) <= MAX_PIXELS;
        self.looks.sides.is_some_and(small) && self.media.is_picture(self.name.extension().as_deref())
    }

    /// Whether it may be shown as a voice note: it has a waveform, and claim and name say the same, as with pictures.
    pub fn is_voice_note(&self) -> bool {
        !self.looks.waveform.is_empty() && self.media.is_recording(self.name.extension().as_deref())
    }
}
