//! Files in a message: how many, held to their bounds, and what is shown of them.

use chopar_e2ee::file::FileDescriptor;
use chopar_wire::FileId;
use chopar_wire::proto::content::File;
use prost::Message;

use crate::set::Set;
use crate::view::{FileView, ShownAs};

/// Files in one message: what somebody attaches at once.
pub const MAX_FILES: usize = 10;
/// What a message says of its files together, in bytes: fits beside the longest text.
pub const MAX_FILES_BYTES: usize = 7_000;

/// Whether a message may have these files: few enough, none twice, and each of them something that a client says.
pub(crate) fn in_order(files: &[File]) -> bool {
    let together: usize = files.iter().map(Message::encoded_len).sum();
    let ids: Set<&[u8]> = files.iter().map(|file| file.id.as_ref()).collect();
    files.len() <= MAX_FILES
        && together <= MAX_FILES_BYTES
        && ids.len() == files.len()
        && files.iter().all(|file| FileDescriptor::parse(file).is_ok())
}

/// Under which ids a host sealed files.
pub(crate) fn sealed_ids(files: &[File]) -> Vec<FileId> {
    let ids = files.iter().map(|file| FileId::try_from(file.id.as_ref()));
    ids.filter_map(Result::ok).collect()
}

/// A file as it is shown; `None` for one that this build cannot read.
pub(crate) fn shown(file: &File) -> Option<FileView> {
    let descriptor = FileDescriptor::parse(file).ok()?;
    let shown_as = if descriptor.is_picture() {
        ShownAs::Picture
    } else if descriptor.is_voice_note() {
        ShownAs::VoiceNote
    } else {
        ShownAs::File
    };
    Some(FileView {
        mark: descriptor.secret.mark(),
        name: descriptor.name.as_str().to_owned(),
        media_type: descriptor.media.as_str().to_owned(),
        size: descriptor.secret.layout().size(),
        shown_as,
        thumbnail: descriptor.looks.thumbnail.to_vec(),
        sides: descriptor.looks.sides,
        duration_ms: descriptor.looks.duration_ms,
        waveform: descriptor.looks.waveform.to_vec(),
    })
}
