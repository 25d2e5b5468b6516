//! The strict headers of every answer. Their exact text is pinned by a test; a browser test runs under them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::core::Core;
use crate::origin::Origin;

/// No inline code, nothing from elsewhere, no framing; wasm may be compiled, Trusted Types have one policy.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' data: blob:; media-src blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; font-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types default";

/// What a messenger needs of a device is asked of the person; everything else is off.
const PERMISSIONS_POLICY: &str = "accelerometer=(), browsing-topics=(), display-capture=(), geolocation=(), \
     gyroscope=(), magnetometer=(), midi=(), payment=(), usb=(), serial=(), camera=(self), microphone=(self)";

const STRICT: [(HeaderName, HeaderValue); 8] = [
    (
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_static(CONTENT_SECURITY_POLICY),
    ),
    (
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    ),
    (
        HeaderName::from_static("referrer-policy"),
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(PERMISSIONS_POLICY),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-embedder-policy"),
        HeaderValue::from_static("require-corp"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    // A script without an integrity attribute does not run at all.
    (
        HeaderName::from_static("integrity-policy"),
        HeaderValue::from_static("blocked-destinations=(script)"),
    ),
];

/// For a year, nothing but TLS at this name. Not for names below it: they may be others'.
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Puts the strict headers on an answer.
pub(crate) async fn strict(State(core): State<Arc<Core>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let only_tls = core.tls.is_some() && host.is_some_and(|host| !is_loopback(host));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.extend(STRICT);
    if only_tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    }
    response
}

/// A browser that is told so of `localhost` would refuse every other program of this machine that speaks plain HTTP.
fn is_loopback(host: &str) -> bool {
    let origin = format!("https://{}", host.to_ascii_lowercase());
    Origin::parse(&origin).is_some_and(|origin| origin.host.is_loopback())
}
