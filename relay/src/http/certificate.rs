//! The certificate of the relay's own authority, to install, and a page that says how. Only where there is such an authority.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::core::Core;
use crate::tls::Authority;

/// The page.
pub(crate) const PAGE: &str = "/certificate";
/// The file; the ending is the one that systems know.
pub(crate) const FILE: &str = "/certificate.crt";

/// Says in four languages what to do with the file, and what to compare first.
const TEXT: &str = include_str!("certificate.html");

/// `GET /certificate`.
pub(crate) async fn page(State(core): State<Arc<Core>>) -> Response {
    answer(&core, "text/html; charset=utf-8", |authority| {
        // Names and addresses of origins, hex and a date: nothing that HTML reads as its own.
        TEXT.replace("{fingerprint}", &authority.fingerprint())
            .replace("{names}", &authority.names())
            .replace("{until}", &authority.until().to_string())
    })
}

/// `GET /certificate.crt`.
pub(crate) async fn file(State(core): State<Arc<Core>>) -> Response {
    answer(&core, "application/x-x509-ca-cert", Authority::pem)
}

fn answer(core: &Core, kind: &'static str, text: impl FnOnce(&Authority) -> String) -> Response {
    match core.tls.as_ref().and_then(|tls| tls.authority()) {
        Some(authority) => {
            let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")];
            (headers, text(authority)).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
