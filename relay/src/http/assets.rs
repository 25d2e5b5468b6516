//! The web client: embedded when the relay was built, or from a folder in development and tests.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use prost::bytes::Bytes;
use sha2::{Digest, Sha256};

use super::negotiate::{Encoding, accepted};
use crate::config::WebSource;
use crate::core::Core;

/// A file that was embedded.
pub(crate) struct Asset {
    /// Without the leading slash.
    pub(crate) path: &'static str,
    /// `Content-Type`.
    pub(crate) kind: &'static str,
    /// Of the plain bytes, lower-case hex.
    pub(crate) sha256: &'static str,
    /// Its name changes with its contents.
    pub(crate) immutable: bool,
    pub(crate) plain: &'static [u8],
    pub(crate) brotli: Option<&'static [u8]>,
    pub(crate) gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

#[cfg(all(chopar_client_missing, not(debug_assertions), not(feature = "without-client")))]
compile_error!(
    "a release of the relay embeds the web client: build it first (cargo xtask build), or say --features without-client"
);

/// Served where no client was built.
const NO_CLIENT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Chopar</title>\
    <h1>The web client is not built</h1><p>Run <code>cargo xtask run</code> in the project's folder: it builds the client \
    and starts the relay with it.</p></html>\n";

/// A file about to be sent.
struct Found {
    kind: Cow<'static, str>,
    etag: String,
    immutable: bool,
    bytes: Bytes,
    encoding: Encoding,
}

/// Every GET that no other route took.
pub(crate) async fn serve(
    State(core): State<Arc<Core>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n");
        refused
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let Some(path) = wanted(uri.path()) else {
        return plain(StatusCode::NOT_FOUND, "not found\n");
    };
    let found = match &core.config.web {
        WebSource::Embedded => embedded(ASSETS, path, &headers),
        WebSource::Folder(folder) => from_folder(folder, path, &headers).await,
    };
    respond(found, path, &headers)
}

fn respond(found: Option<Found>, path: &str, headers: &HeaderMap) -> Response<Body> {
    match found {
        Some(found) => answer(found, headers),
        None if path == INDEX => page(NO_CLIENT),
        None => plain(StatusCode::NOT_FOUND, "not found\n"),
    }
}

const INDEX: &str = "index.html";

/// The file a path asks for. A path without an extension is a place inside the client. `None`: no file could have this
/// name; whatever is not plainly a name below the root is not tried.
fn wanted(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/')?;
    let plain = |segment: &str| {
        !segment.is_empty()
            && !segment.starts_with('.')
            && segment
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    if trimmed.is_empty() {
        return path.is_empty().then_some(INDEX);
    }
    if !trimmed.split('/').all(plain) {
        return None;
    }
    let last = trimmed.rsplit('/').next().unwrap_or(trimmed);
    Some(if last.contains('.') { path } else { INDEX })
}

fn embedded(table: &'static [Asset], path: &str, headers: &HeaderMap) -> Option<Found> {
    let at = table.binary_search_by(|asset| asset.path.cmp(path)).ok()?;
    let asset = table.get(at)?;
    let (encoding, bytes) = accepted(headers).find_map(|encoding| {
        let bytes = match encoding {
            Encoding::Brotli => asset.brotli?,
            Encoding::Gzip => asset.gzip?,
            Encoding::Plain => asset.plain,
        };
        Some((encoding, bytes))
    })?;
    Some(Found {
        kind: asset.kind.into(),
        etag: asset.sha256.to_owned(),
        immutable: asset.immutable,
        bytes: Bytes::from_static(bytes),
        encoding,
    })
}

async fn from_folder(folder: &Path, path: &str, headers: &HeaderMap) -> Option<Found> {
    // `wanted` let no segment through that could leave the folder; links inside it are its owner's business.
    let file = folder.join(path);
    let plain = match tokio::fs::read(&file).await {
        Ok(plain) => plain,
        Err(fault) => {
            if fault.kind() != ErrorKind::NotFound {
                tracing::warn!(%fault, path, "a file of the client cannot be read");
            }
            return None;
        }
    };
    let etag = hex::encode(Sha256::digest(&plain));
    let mut found = Found {
        kind: kind_of(path).into(),
        etag,
        immutable: false,
        bytes: plain.into(),
        encoding: Encoding::Plain,
    };
    for encoding in accepted(headers) {
        let suffix = match encoding {
            Encoding::Brotli => ".br",
            Encoding::Gzip => ".gz",
            Encoding::Plain => break,
        };
        let mut sibling = file.clone().into_os_string();
        sibling.push(suffix);
        if let Ok(bytes) = tokio::fs::read(&sibling).await {
            (found.bytes, found.encoding) = (bytes.into(), encoding);
            break;
        }
    }
    Some(found)
}

fn answer(found: Found, headers: &HeaderMap) -> Response<Body> {
    // One tag for each encoding: a cache must not mix them.
    let etag = format!("\"{}{}\"", found.etag, found.encoding.name().unwrap_or(""));
    let unchanged = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| {
            tags.split(',')
                .any(|tag| tag.trim().trim_start_matches("W/") == etag)
        });
    let mut response = if unchanged {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(found.bytes))
    };
    let cache = if found.immutable {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let out = response.headers_mut();
    out.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(VARY, HeaderValue::from_static("accept-encoding"));
    for (name, value) in [(CONTENT_TYPE, &*found.kind), (ETAG, &*etag)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            out.insert(name, value);
        }
    }
    if let Some(encoding) = found.encoding.name() {
        out.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn kind_of(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn page(html: &'static str) -> Response<Body> {
    let mut response = plain(StatusCode::OK, html);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let out = response.headers_mut();
    out.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    include!(concat!(env!("OUT_DIR"), "/fixture.rs"));

    /// Status, headers as text, body.
    async fn get(table: &'static [Asset], path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
        let mut given = HeaderMap::new();
        for (name, value) in headers {
            given.insert(
                axum::http::HeaderName::try_from(*name).unwrap(),
                value.parse().unwrap(),
            );
        }
        let path = wanted(path).unwrap();
        let response = respond(embedded(table, path, &given), path, &given);
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
            .collect();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn an_embedded_client_is_served_as_it_was_built() {
        let (status, headers, body) = get(FIXTURE, "/", &[]).await;
        assert_eq!((status, body.contains("A client that was built")), (200, true));
        assert!(headers.contains("content-type: text/html; charset=utf-8\n"));
        assert!(headers.contains("cache-control: no-cache\n"), "{headers}");
        // A place inside the client is the client; a file that is not there is not.
        assert_eq!(get(FIXTURE, "/join", &[]).await.2, body);
        assert_eq!(get(FIXTURE, "/nothing.js", &[]).await.0, 404);

        for (offer, encoding, text) in [
            ("gzip, deflate, br", Some("br"), "as brotli"),
            ("gzip", Some("gzip"), "as gzip"),
            ("identity", None, "export const plain = true;\n"),
        ] {
            let offer = ("accept-encoding", offer);
            let (status, headers, body) = get(FIXTURE, "/app-0a1b2c3d.js", &[offer]).await;
            assert_eq!((status, &*body), (200, text));
            assert!(headers.contains("cache-control: public, max-age=31536000, immutable\n"));
            assert!(headers.contains("content-type: text/javascript"));
            assert!(headers.contains("vary: accept-encoding\n"));
            let said = headers
                .lines()
                .find_map(|line| line.strip_prefix("content-encoding: "));
            assert_eq!(said, encoding);
            let tag = headers
                .lines()
                .find_map(|line| line.strip_prefix("etag: "))
                .unwrap();
            let again = get(FIXTURE, "/app-0a1b2c3d.js", &[offer, ("if-none-match", tag)]).await;
            assert_eq!((again.0, &*again.2), (304, ""));
        }
        // Only what was prepared: no Brotli of this one.
        let (_, headers, body) = get(
            FIXTURE,
            "/locales/uz-Latn.json",
            &[("accept-encoding", "br, gzip")],
        )
        .await;
        assert_eq!(body, "gzip alone");
        assert!(
            headers.contains("content-encoding: gzip\n") && headers.contains("cache-control: no-cache\n")
        );
    }

    #[tokio::test]
    async fn without_a_client_the_page_says_how_to_build_one() {
        for path in ["/", "/join"] {
            let (status, headers, body) = get(&[], path, &[]).await;
            assert_eq!(status, 200);
            assert!(body.contains("<code>cargo xtask run</code>"), "{body}");
            assert!(headers.contains("content-type: text/html; charset=utf-8\n"));
            assert!(
                headers.contains("cache-control: no-store\n"),
                "it goes with the next build"
            );
        }
        assert_eq!(get(&[], "/boot.js", &[]).await.0, 404);
    }

    #[test]
    fn what_is_embedded_is_what_its_manifest_says() {
        // The client of this build too, if there is one.
        for table in [FIXTURE, ASSETS] {
            assert!(table.is_sorted_by(|a, b| a.path < b.path), "searched by halves");
            for asset in table {
                assert_eq!(
                    hex::encode(Sha256::digest(asset.plain)),
                    asset.sha256,
                    "{}",
                    asset.path
                );
            }
            assert!(table.is_empty() || table.iter().any(|asset| asset.path == INDEX));
        }
    }

    #[test]
    fn paths_lead_to_files_the_client_or_nowhere() {
        for (path, file) in [
            ("/", Some("index.html")),
            ("/join", Some("index.html")),
            ("/c/0123abcd", Some("index.html")),
            ("/settings/", Some("index.html")),
            ("/boot.js", Some("boot.js")),
            ("/locales/uz-Latn.json", Some("locales/uz-Latn.json")),
            ("/../etc/passwd", None),
            ("/..%2f..%2fetc/passwd", None),
            ("/%2e%2e/relay.db", None),
            ("/.git/config", None),
            ("/a//b", None),
            ("//", None),
            ("/a\\b.js", None),
            ("/a/./b.js", None),
            ("", None),
        ] {
            assert_eq!(wanted(path), file, "{path}");
        }
    }
}
