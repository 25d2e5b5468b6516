//! Appends to one opaque log, with keys made from a number.

use chopar_identity::{Ed25519Public, OpaqueAppend};
use chopar_wire::ids::OpaqueLogId;
use chopar_wire::proto::identity::Signed;
use chopar_wire::proto::relay::{AppendOpaque, FetchOpaque, client_frame as c, relay_frame::Body};
use ed25519_dalek::{Signer as _, SigningKey};

use super::Client;

/// The log.
const LOG: [u8; 16] = [5; 16];

/// The write key with this number.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// An append after `parent`, signed with the key `by`; whoever comes next has the key `next`.
pub fn append(parent: Option<[u8; 32]>, entry: &[u8], next: u8, by: u8) -> Signed {
    let append = OpaqueAppend {
        log: OpaqueLogId::new(LOG),
        parent,
        entry: entry.to_vec().into(),
        next_write_key: Ed25519Public::parse(key(next).verifying_key().as_bytes()).unwrap(),
    };
    let body = append.body();
    let signature = key(by).sign(&OpaqueAppend::signing_input(&body)).to_bytes();
    Signed {
        body: body.into(),
        signature: signature.to_vec().into(),
    }
}

pub async fn ask_append(client: &mut Client, signed: &Signed) -> Body {
    client
        .ask(c::Body::AppendOpaque(AppendOpaque {
            log: LOG.to_vec().into(),
            append: Some(signed.clone()),
        }))
        .await
}

pub async fn fetch(client: &mut Client, log: u8, from: u32) -> Body {
    let log = vec![log; 16].into();
    client.ask(c::Body::FetchOpaque(FetchOpaque { log, from })).await
}
