//! Chopar's side.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use chopar_e2ee::device::PeerDevice;
use chopar_e2ee::fixture::Person;
use chopar_e2ee::handshake::{Acceptance, Initiation};
use chopar_e2ee::padding::{pad, unpad};
use chopar_e2ee::ratchet::Session;
use chopar_e2ee::safety_number::SafetyNumber;
use chopar_e2ee::seal::{EnvelopeBody, FirstContact, SenderLog, seal_handshake, session_body};
use chopar_identity::{AccountLog, VerifiedBundle};
use chopar_wire::Timestamp;
use chopar_wire::proto::identity::Bundle;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::measure::{BATCHES, Bench, Row, reversed_in_blocks};

pub(crate) const PEER: &str = "chopar";
const NOW: Timestamp = Timestamp(1_800_000_000_000);
const PLAINTEXT: [u8; 1024] = [0x61; 1024];
/// An envelope in session form with a bare header is this much longer than its plaintext; one with a KEM area is longer.
const BARE_OVERHEAD: usize = 1 + 33 + 41 + 16 + 16;

struct Two {
    alice: Session,
    bob: Session,
    rng: ChaCha20Rng,
}

pub(crate) fn rows() -> Result<Vec<Row>> {
    let bench = Bench { peer: PEER };
    let (alice, bob) = (Person::new(1), Person::new(2));
    let bundle = bob.bundle(true);
    let first = || outbound(&alice, &bob, &bundle, &mut rng());
    let mut rows = vec![
        bench.batches(
            "account_create",
            5,
            || Ok(rng()),
            |rng, _| Ok(Person::random(rng).bundle(true)),
        )?,
        bench.batches(
            "session_outbound",
            20,
            || Ok(rng()),
            |rng, _| outbound(&alice, &bob, &bundle, rng),
        )?,
        bench.batches(
            "session_inbound",
            20,
            || Ok(first()?.1),
            |body, _| inbound(&alice, &bob, body),
        )?,
        bench.batches(
            "encrypt_1k",
            200,
            || established(&alice, &bob),
            |two, _| two.send(),
        )?,
        bench.batches(
            "decrypt_1k",
            200,
            || sent(&alice, &bob, 200),
            |(two, bodies), n| two.receive(&bodies[n]),
        )?,
    ];
    rows.extend(ping_pong(&bench, &alice, &bob)?);
    for (op, order) in [
        ("ooo_1000_block32", reversed_in_blocks(1000, 32)),
        ("ooo_1000_reversed", reversed_in_blocks(1000, 1000)),
        ("ooo_100_reversed", reversed_in_blocks(100, 100)),
    ] {
        let row = bench.batches(
            op,
            order.len(),
            || sent(&alice, &bob, order.len()),
            |(two, bodies), n| two.receive(&bodies[order[n]]),
        )?;
        // Anything that did not open has ended the run.
        rows.push(row.with_opened(order.len()));
    }
    let record = || Ok(established(&alice, &bob)?.bob.to_record());
    rows.extend([
        bench.batches(
            "skip_100",
            1,
            || sent(&alice, &bob, 101),
            |(two, bodies), _| two.receive(&bodies[100]),
        )?,
        bench.batches(
            "skip_1000",
            1,
            || sent(&alice, &bob, 1001),
            |(two, bodies), _| two.receive(&bodies[1000]),
        )?,
        bench.batches(
            "session_save",
            100,
            || established(&alice, &bob),
            |two, _| Ok(two.bob.to_record()),
        )?,
        bench.batches("session_load", 100, record, |record, _| {
            Ok(Session::<_>::from_record(record)?)
        })?,
        bench.batches(
            "safety_number",
            2,
            || Ok(()),
            |(), _| {
                let side = |person: &Person| (*person.log.account(), *person.log.account_key());
                let ((a, a_key), (b, b_key)) = (side(&alice), side(&bob));
                Ok(SafetyNumber::new((&a, &a_key), (&b, &b_key)).digits())
            },
        )?,
    ]);
    Ok(rows)
}

/// Bytes of a session at rest, nothing skipped, the KEM key of an offer within.
pub(crate) fn record_size() -> Result<usize> {
    let mut two = established(&Person::new(1), &Person::new(2))?;
    let mut largest = 0;
    for _ in 0..20 {
        two.turn()?;
        largest = largest
            .max(two.alice.to_record().len())
            .max(two.bob.to_record().len());
    }
    Ok(largest)
}

/// A message each way for each turn, with the KEM exchanges that the product has; those alone beside it.
fn ping_pong(bench: &Bench, alice: &Person, bob: &Person) -> Result<[Row; 2]> {
    let all = bench.batches(
        "ping_pong_1k",
        100,
        || established(alice, bob),
        |two, _| two.turn(),
    )?;
    let mut with_kem = Vec::new();
    for _ in 0..BATCHES {
        let mut two = established(alice, bob)?;
        for _ in 0..40 {
            let begun = Instant::now();
            let length = two.turn()?;
            if length > PLAINTEXT.len() + BARE_OVERHEAD {
                with_kem.push(begun.elapsed());
            }
        }
    }
    if with_kem.is_empty() {
        bail!("no turn had a KEM exchange");
    }
    Ok([all, bench.row("ping_pong_kem_1k", with_kem)])
}

/// Verified bundle to sealed envelope.
fn outbound(
    alice: &Person,
    bob: &Person,
    bundle: &Bundle,
    rng: &mut ChaCha20Rng,
) -> Result<(Session, Vec<u8>)> {
    let peer = bob.peer();
    let bundle = VerifiedBundle::verify(peer.account(), peer.keys(), bundle)?;
    let initiation = Initiation::begin(&alice.local, &peer, &bundle, rng)?;
    let agreed = alice.agreement.agree(initiation.wanted())?;
    let (secrets, header) = initiation.finish(agreed);
    let mut session = Session::initiator(secrets, NOW);
    let message = session.encrypt(&pad(&PLAINTEXT)?, NOW, rng)?;
    let content = FirstContact {
        log: &alice.log,
        device: alice.local.device(),
        header: &header,
        message: &message,
    };
    let body = seal_handshake(&peer, &bundle.base().sealing_key, &content, rng)?;
    Ok((session, body))
}

/// Sealed envelope to plaintext, the sender's log verified.
fn inbound(alice: &Person, bob: &Person, body: &[u8]) -> Result<Session> {
    let EnvelopeBody::Handshake(sealed) = EnvelopeBody::parse(body)? else {
        bail!("not in handshake form");
    };
    let unsealed = sealed.open(&bob.local, &bob.sealing_key)?;
    let SenderLog::Whole(entries) = &unsealed.log else {
        bail!("the log is not in the envelope");
    };
    let log = AccountLog::verify(&unsealed.account, entries)?;
    let peer = PeerDevice::from_log(&log, &unsealed.device)?;
    let acceptance = Acceptance::begin(&bob.local, &peer, &unsealed.header, &bob.prekeys(true))?;
    let agreed = bob.agreement.agree(acceptance.wanted())?;
    let secret = bob.signed_prekey.secret.duplicate();
    let mut session = Session::responder(acceptance.finish(agreed), secret, NOW);
    let opened = session.open(&unsealed.message, NOW)?;
    if unpad(&opened.plaintext)? != PLAINTEXT || unsealed.account != *alice.local.account() {
        bail!("another message");
    }
    session.commit(opened.draft)?;
    Ok(session)
}

/// A confirmed session in the middle of a chain of Alice's.
fn established(alice: &Person, bob: &Person) -> Result<Two> {
    let mut rng = rng();
    let (session, body) = outbound(alice, bob, &bob.bundle(true), &mut rng)?;
    let mut two = Two {
        alice: session,
        bob: inbound(alice, bob, &body)?,
        rng,
    };
    two.turn()?;
    two.turn()?;
    let body = two.send()?;
    two.receive(&body)?;
    Ok(two)
}

/// The same with messages on the way.
fn sent(alice: &Person, bob: &Person, count: usize) -> Result<(Two, Vec<Vec<u8>>)> {
    let mut two = established(alice, bob)?;
    let bodies = (0..count).map(|_| two.send()).collect::<Result<_>>()?;
    Ok((two, bodies))
}

impl Two {
    fn send(&mut self) -> Result<Vec<u8>> {
        Ok(session_body(&self.alice.encrypt(
            &PLAINTEXT,
            NOW,
            &mut self.rng,
        )?))
    }

    fn receive(&mut self, body: &[u8]) -> Result<()> {
        let EnvelopeBody::Session(message) = EnvelopeBody::parse(body)? else {
            bail!("not in session form");
        };
        let opened = self.bob.open(message, NOW)?;
        self.bob.commit(opened.draft).context("a stale draft")?;
        Ok(())
    }

    /// The one who received last writes, the other opens it; then they change places. The length of the envelope.
    fn turn(&mut self) -> Result<usize> {
        core::mem::swap(&mut self.alice, &mut self.bob);
        let body = self.send()?;
        self.receive(&body)?;
        Ok(body.len())
    }
}

/// The same numbers in every run: nothing here depends on which.
fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([7; 32])
}
