//! Bytes of files, to the relay and from it, over HTTP.

use chopar_engine::Moved;
use chopar_wire::FileId;
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    AbortSignal, Headers, RequestCache, RequestCredentials, RequestInit, RequestRedirect, Response,
};

use super::{Exception, blobs, scope};

/// Where the relay keeps files.
const FILES: &str = "/v1/files/";
/// Where an upload stands.
const OFFSET: &str = "Upload-Offset";
/// How long one request may take, in milliseconds: a part of a mebibyte on a line of 30 kbit/s. One that hangs is given up then.
const PATIENCE_MS: u32 = 300_000;

/// Sends bytes of an upload, beginning at `offset`.
pub async fn send(file: FileId, capability: &[u8], offset: u64, bytes: &[u8]) -> Moved {
    let body = Uint8Array::from(bytes).into();
    let headers = [(OFFSET, offset.to_string())];
    let Ok(response) = ask("PATCH", file, capability, &headers, Some(&body)).await else {
        return Moved::Unreachable;
    };
    let stands = response.headers().get(OFFSET).ok().flatten();
    match stands.and_then(|text| text.parse().ok()) {
        Some(at) => Moved::Stands(at),
        None => Moved::Refused(response.status()),
    }
}

/// Fetches `length` bytes of a file, beginning at `offset`.
pub async fn fetch(file: FileId, capability: &[u8], offset: u64, length: u64) -> Moved {
    let last = offset.saturating_add(length).saturating_sub(1);
    let headers = [("Range", format!("bytes={offset}-{last}"))];
    let Ok(response) = ask("GET", file, capability, &headers, None).await else {
        return Moved::Unreachable;
    };
    // Whole, where it was asked for in part, it is not what the place is for.
    if response.status() != 206 {
        return Moved::Refused(response.status());
    }
    match read(&response).await {
        Ok(bytes) => Moved::Came(bytes.into()),
        Err(_) => Moved::Unreachable,
    }
}

async fn read(response: &Response) -> Result<Vec<u8>, Exception> {
    Ok(blobs::bytes(&response.array_buffer()?.await?.dyn_into()?))
}

async fn ask(
    method: &str,
    file: FileId,
    capability: &[u8],
    headers: &[(&str, String)],
    body: Option<&JsValue>,
) -> Result<Response, Exception> {
    let sent = Headers::new()?;
    sent.set("Authorization", &["Chopar ", &hex::encode(capability)].concat())?;
    for (name, value) in headers {
        sent.set(name, value)?;
    }
    let options = RequestInit::new();
    options.set_method(method);
    options.set_headers(&sent);
    options.set_cache(RequestCache::NoStore);
    options.set_credentials(RequestCredentials::Omit);
    options.set_redirect(RequestRedirect::Error);
    options.set_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE_MS)));
    if let Some(body) = body {
        options.set_body(body);
    }
    let address = [FILES, &hex::encode(file.as_bytes())].concat();
    let response = scope().fetch_with_str_and_init(&address, &options).await?;
    Ok(response.dyn_into()?)
}
