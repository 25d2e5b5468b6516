//! A message with blobs beside it: the bytes alone where there are none, else an array that begins with them.
//!
//! Browsers hand on a blob as what it stands for, not as its content: a file of a gigabyte crosses between tabs at once.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Blob;
use zeroize::Zeroizing;

/// What came.
pub struct Parcel {
    /// The message.
    pub bytes: Zeroizing<Vec<u8>>,
    /// What lies beside it.
    pub blobs: Vec<Blob>,
}

impl Parcel {
    /// Takes apart what a message event carries; `None` for what no part of this client sends.
    pub fn unpack(data: JsValue) -> Option<Self> {
        let mut parts = match data.dyn_into::<Uint8Array>() {
            Ok(bytes) => {
                return Some(Self {
                    bytes: Zeroizing::new(bytes.to_vec()),
                    blobs: Vec::new(),
                });
            }
            Err(data) => data.dyn_into::<Array>().ok()?.into_iter(),
        };
        let bytes = parts.next()?.dyn_into::<Uint8Array>().ok()?;
        let blobs = parts.map(|part| part.dyn_into::<Blob>().ok());
        Some(Self {
            bytes: Zeroizing::new(bytes.to_vec()),
            blobs: blobs.collect::<Option<_>>()?,
        })
    }

    /// What is to be posted.
    pub fn pack(bytes: &[u8], blobs: &[Blob]) -> JsValue {
        let bytes = Uint8Array::from(bytes);
        if blobs.is_empty() {
            return bytes.into();
        }
        let parts = Array::of1(&bytes);
        for blob in blobs {
            parts.push(blob);
        }
        parts.into()
    }
}
