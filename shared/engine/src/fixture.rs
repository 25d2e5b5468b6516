//! Sessions and what is around them, for the tests beside the code.

use chopar_e2ee::fixture::{Person, rng};
use chopar_e2ee::handshake::{Acceptance, Initiation};
use chopar_e2ee::ratchet::Session;
use chopar_wire::{AccountId, DeviceId, Timestamp};

use crate::sessions::Live;

/// The moment of these tests.
pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// The device with this number.
pub(crate) fn device(number: u16) -> DeviceId {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    DeviceId::new(id)
}

/// A session that begins at both ends, another one for each seed.
pub(crate) fn pair(seed: u8) -> (Session, Session) {
    let (alice, bob) = (Person::new(seed), Person::new(seed ^ 0x80));
    let bundle = bob.verified_bundle(true);
    let initiation = Initiation::begin(&alice.local, &bob.peer(), &bundle, &mut rng(seed)).unwrap();
    let agreed = alice.agreement.agree(initiation.wanted()).unwrap();
    let (secrets, header) = initiation.finish(agreed);
    let acceptance = Acceptance::begin(&bob.local, &alice.peer(), &header, &bob.prekeys(true)).unwrap();
    let agreed = bob.agreement.agree(acceptance.wanted()).unwrap();
    let signed_prekey = bob.signed_prekey.secret.duplicate();
    (
        Session::initiator(secrets, NOW),
        Session::responder(acceptance.finish(agreed), signed_prekey, NOW),
    )
}

/// The session as it is kept, begun at this moment.
pub(crate) fn live(account: AccountId, session: Session, created: Timestamp) -> Live {
    Live {
        account,
        generation: 1,
        header_hash: *account.as_bytes(),
        created,
        session,
        unanswered: None,
        superseded: None,
    }
}
