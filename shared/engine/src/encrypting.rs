//! One payload for one device: heads, names and generation added, padded, encrypted, and the session saved.

use chopar_e2ee::device::PeerDevice;
use chopar_e2ee::handshake::HandshakeHeader;
use chopar_e2ee::padding::pad;
use chopar_e2ee::ratchet::EncryptError;
use chopar_e2ee::seal::{FirstContact, seal_handshake, session_body};
use chopar_wire::proto::content::{Introduction, Payload, payload};
use chopar_wire::{AccountId, DeviceId, Timestamp};
use prost::Message;

use crate::context::Context;
use crate::engine::Engine;
use crate::outbox::RowKey;
use crate::sessions::SessionKey;

impl Engine {
    /// The row for one device in the session that sends to it, and the hash by which that session is known.
    pub(crate) fn encrypt_row(
        &mut self,
        key: RowKey,
        device: DeviceId,
        cx: &mut Context<'_>,
    ) -> Option<([u8; 32], Vec<u8>)> {
        let row = self.outbox.get(&key)?;
        let payload = row.said()?;
        let created = row.created;
        let session = self.sessions.sending(&device)?;
        let hash = self.sessions.get(&session)?.header_hash;
        Some((hash, self.encrypt(key.account, session, payload, created, cx)?))
    }

    /// Encrypts one payload in one session and saves the session. `None` where the session cannot go on; it is dropped then.
    pub(crate) fn encrypt(
        &mut self,
        account: AccountId,
        session: SessionKey,
        mut payload: Payload,
        time: Timestamp,
        cx: &mut Context<'_>,
    ) -> Option<Vec<u8>> {
        let own = self.own.as_ref()?;
        let own_log = self.contacts.get(&own.account)?.log.as_ref()?;
        let own_device = own.device;
        let contact = self.contacts.get(&account)?;
        let log = contact.log.as_ref()?;
        let peer = PeerDevice::from_log(log, &session.device).ok()?;
        payload.own_log = Some((&own_log.head()).into());
        payload.peer_log = Some((&log.head()).into());
        payload.time = time.0;
        let presented = own.presentation();
        let live = self.sessions.get_mut(&session)?;
        let signal = live.unanswered.is_none() && is_signal(&payload);
        // A signal presents nobody: the relay could repeat an old name.
        if live.unanswered.is_some() || (!signal && contact.presented_as != presented) {
            payload.presenting = Some(Introduction {
                handle: own.handle.clone(),
                display_name: own.display_name.clone(),
            });
        }
        if live.unanswered.is_some() {
            payload.generation = live.generation;
        }
        let padded = pad(&payload.encode_to_vec()).ok()?;
        let sealed = if signal {
            live.session.seal_signal(&padded, cx.now, &mut cx.rng)
        } else {
            live.session.encrypt(&padded, cx.now, &mut cx.rng)
        };
        let message = match sealed {
            Ok(message) => message,
            Err(EncryptError::TooLong(_)) => return None,
            Err(_) => {
                self.sessions.remove(session, cx);
                return None;
            }
        };
        let save = !signal || live.session.signal_wants_saving();
        let body = match &live.unanswered {
            None => session_body(&message),
            Some(unanswered) => {
                let header = HandshakeHeader::parse(&unanswered.header).ok()?;
                let first = FirstContact {
                    log: own_log,
                    device: &own_device,
                    header: &header,
                    message: &message,
                };
                seal_handshake(&peer, &unanswered.sealing_key, &first, &mut cx.rng).ok()?
            }
        };
        if save {
            self.sessions.save(session, cx);
        }
        if payload.presenting.is_some()
            && let Some(contact) = self.contacts.get_mut(&account)
            && contact.presented_as != presented
        {
            contact.presented_as = presented;
            cx.contacts.insert(account);
        }
        Some(body)
    }
}

/// What is said without advancing the ratchet.
fn is_signal(payload: &Payload) -> bool {
    use payload::Content;
    matches!(
        payload.content,
        Some(Content::TransportAcks(_) | Content::Receipts(_) | Content::Typing(_))
    )
}
