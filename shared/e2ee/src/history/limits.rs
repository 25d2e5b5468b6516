//! Every bound of history files, with the reason for its value.

/// Content of a chunk, in bytes: as of files.
pub const CHUNK: usize = 64 * 1024;
/// One record, in bytes: a person with the longest account log has half of it.
pub const MAX_RECORD: usize = 2 * 1024 * 1024;
