//! Every bound of files, with the reason for its value.

/// Content of a chunk, in bytes: small enough that both ends hold one in memory, large enough that 16 bytes of authentication
/// cost nothing.
pub const CHUNK: usize = 64 * 1024;
/// The smallest padded size of a file, in bytes: one chunk, so that voice notes, small pictures and short documents look alike.
pub const MIN_PADDED: u64 = 64 * 1024;
/// Padded sizes are multiples of this, in bytes: a block of most disks.
pub const BLOCK: u64 = 4096;
/// The largest content, in bytes: 4 GiB. What a relay takes is its operator's choice, far below.
pub const MAX_SIZE: u64 = 1 << 32;
/// A file's name, in bytes: as long as most file systems take.
pub const MAX_NAME: usize = 255;
/// A media type, in bytes: twice the longest in common use.
pub const MAX_MEDIA_TYPE: usize = 128;
/// A small picture of it, in bytes: what is shown before the file is fetched. One fits beside the longest text.
pub const MAX_THUMBNAIL: usize = 4096;
/// Width and height of a picture, in pixels: beyond what cameras make. Whoever decodes it holds it to what was said.
pub const MAX_SIDE: u32 = 32_768;
/// Width times height of a picture that is shown as one: what is larger is a file like any other. Decoded it is 400 MB.
pub const MAX_PIXELS: u64 = 100_000_000;
/// Levels of a voice note's waveform, one byte each: as many bars as a line shows.
pub const MAX_WAVEFORM: usize = 128;
/// The longest duration that is shown, in milliseconds: a day.
pub const MAX_DURATION_MS: u32 = 86_400_000;
