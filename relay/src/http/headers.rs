//! The strict headers of every answer. Their exact text is pinned by a test; a browser test runs under them.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

/// No inline code, nothing from elsewhere, no framing; wasm may be compiled, Trusted Types have one policy.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; font-src 'self'; \
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

/// Puts the strict headers on an answer.
pub(crate) async fn strict(mut response: Response) -> Response {
    response.headers_mut().extend(STRICT);
    response
}
