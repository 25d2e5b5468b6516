//! Blobs: bytes that the browser keeps, on the disk where they are many.

use js_sys::{Array, ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast;
use web_sys::{Blob, Url};

use super::Exception;

/// Reads bytes `from` to `to` (exclusive) of a blob; fewer where it ends before. A file that was changed or deleted since it was
/// chosen is a `NotFoundError` or `NotReadableError`.
pub async fn read(blob: &Blob, from: u64, to: u64) -> Result<Vec<u8>, Exception> {
    // Exact up to 2^53.
    let slice = blob.slice_with_f64_and_f64(from as f64, to as f64)?;
    Ok(bytes(&slice.array_buffer().await?.dyn_into()?))
}

/// The bytes of memory that JavaScript holds.
pub fn bytes(buffer: &ArrayBuffer) -> Vec<u8> {
    Uint8Array::new(buffer).to_vec()
}

/// Bytes in it.
pub fn size(blob: &Blob) -> u64 {
    blob.size() as u64
}

/// A blob of bytes that JavaScript holds.
pub fn of_buffer(buffer: &ArrayBuffer) -> Result<Blob, Exception> {
    Ok(Blob::new_with_buffer_source_sequence(&Array::of1(buffer))?)
}

/// A blob of these bytes.
pub fn of_bytes(bytes: &[u8]) -> Result<Blob, Exception> {
    of_buffer(&Uint8Array::from(bytes).buffer())
}

/// One blob of several, in order. Nothing is copied.
pub fn join(parts: &[Blob]) -> Result<Blob, Exception> {
    let parts: Array = parts.iter().collect();
    Ok(Blob::new_with_blob_sequence(&parts)?)
}

/// The address of a blob, for as long as it is held.
pub struct Address(String);

impl Address {
    /// Gives it one.
    pub fn of(blob: &Blob) -> Result<Self, Exception> {
        Ok(Self(Url::create_object_url_with_blob(blob)?))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        // Refused only for what is no address.
        let _ = Url::revoke_object_url(&self.0);
    }
}
