//! Pages and probes: the web client with strict headers, `/healthz`, `/readyz`, and the way to `/v1/connect`.

pub(crate) mod assets;
pub(crate) mod certificate;
mod headers;
pub(crate) mod health;
mod negotiate;
pub(crate) mod router;
