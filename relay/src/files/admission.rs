//! Whether a request about a file may: it comes from one of our pages, with a capability for this very act and file, of a
//! device that could sign in at this moment, and there is a place.

use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chopar_wire::ids::FileId;

use super::capability::{May, NoCapability};
use super::transfers::Transfer;
use crate::core::Core;
use crate::places::Peer;
use crate::policy::limits::Act;
use crate::store::{FileFacts, StoreError};
use crate::ws::connect::check_headers;

/// What stands before a capability in its header, which is in hexadecimal.
const SCHEME: &str = "Chopar ";

/// A request that may.
pub(super) struct Admitted {
    pub(super) file: FileId,
    pub(super) facts: FileFacts,
    pub(super) transfer: Transfer,
}

/// A request that may not, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) StatusCode, pub(super) &'static str);

/// Of what is not there, or not any more.
pub(super) const GONE: Refused = Refused(StatusCode::NOT_FOUND, "there is no such file\n");

impl From<StoreError> for Refused {
    fn from(fault: StoreError) -> Self {
        // The database's words are for the log.
        tracing::warn!(%fault, "a request about a file was refused");
        match fault {
            StoreError::Full => Self(StatusCode::INSUFFICIENT_STORAGE, "the relay has no room\n"),
            _ => Self(
                StatusCode::SERVICE_UNAVAILABLE,
                "the relay cannot do this just now\n",
            ),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.0, self.1).into_response();
        let again = matches!(
            self.0,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        );
        if again {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("3"));
        }
        private(response)
    }
}

/// Nobody on the way keeps an answer about a file.
pub(super) fn private(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Judges a request for a file's path.
pub(super) async fn admit(
    core: &Core,
    peer: &Peer,
    headers: &HeaderMap,
    file: &str,
    may: May,
) -> Result<Admitted, Refused> {
    if core.is_stopping() {
        return Err(Refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "the relay is stopping\n",
        ));
    }
    check_headers(&core.hosts, &core.origins, headers).map_err(|(status, why)| Refused(status, why))?;
    let file: FileId = file
        .parse()
        .map_err(|_| Refused(StatusCode::NOT_FOUND, "this is no file's id\n"))?;
    let missing = Refused(StatusCode::UNAUTHORIZED, "a capability is asked for\n");
    let said = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix(SCHEME))
        .and_then(|digits| hex::decode(digits).ok())
        .ok_or(missing)?;
    let capability = core
        .vault
        .key
        .open(&said, core.now())
        .map_err(|fault| match fault {
            NoCapability::Forged => Refused(
                StatusCode::UNAUTHORIZED,
                "the capability is none of this relay's\n",
            ),
            NoCapability::Expired => Refused(StatusCode::UNAUTHORIZED, "the capability has expired\n"),
        })?;
    if capability.file != file || capability.may != may {
        return Err(Refused(
            StatusCode::FORBIDDEN,
            "the capability is for something else\n",
        ));
    }
    let many = Refused(
        StatusCode::TOO_MANY_REQUESTS,
        "too many requests about files: wait a little\n",
    );
    core.limiter
        .account(&capability.account, Act::File, core.now())
        .map_err(|_| many)?;
    // Who was revoked or suspended since.
    let device = core.store.sign_in(capability.account, capability.device).await?;
    if !device.is_some_and(|device| device.active && !device.disabled && !device.suspended) {
        return Err(Refused(
            StatusCode::FORBIDDEN,
            "this device may not sign in any more\n",
        ));
    }
    // It said who it is: others who come make it no room.
    peer.is_known();
    let transfer = core.vault.transfers.take(capability.account).ok_or(Refused(
        StatusCode::TOO_MANY_REQUESTS,
        "too many files are on their way\n",
    ))?;
    let facts = core.store.file(file).await?;
    let facts = facts.ok_or(GONE)?;
    Ok(Admitted {
        file,
        facts,
        transfer,
    })
}
