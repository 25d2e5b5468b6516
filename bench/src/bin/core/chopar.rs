//! Chopar's side.

use anyhow::{Context, Result, bail};
use chopar_e2ee::device::PeerDevice;
use chopar_e2ee::file::{FileOpener, FileSealer, FileSecret};
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

use crate::measure::{BATCHES, Bench, Row, now, reversed_in_blocks};

pub(crate) const PEER: &str = "chopar";
const NOW: Timestamp = Timestamp(1_800_000_000_000);
const PLAINTEXT: [u8; 1024] = [0x61; 1024];
/// Content of a file, in bytes.
const FILE: usize = 1024 * 1024;
/// An envelope in session form with a bare header is this much longer than its plaintext; one with a KEM area is longer.
const BARE_OVERHEAD: usize = 1 + 33 + 41 + 16 + 16;

struct Two {
    alice: Session,
    bob: Session,
    rng: ChaCha20Rng,
}

/// An operation by its name, and how its lines come about.
pub(crate) type Operation = (&'static str, fn(&Bench) -> Result<Vec<Row>>);

/// Every operation that a peer may have too, and some of our own.
pub(crate) const OPERATIONS: [Operation; 15] = [
    ("account_create", account_create),
    ("session_outbound", session_outbound),
    ("session_inbound", session_inbound),
    ("encrypt_1k", encrypt),
    ("decrypt_1k", decrypt),
    ("ping_pong_1k", ping_pong),
    ("ooo_1000_block32", |bench| {
        out_of_order(bench, "ooo_1000_block32", 1000, 32)
    }),
    ("ooo_1000_reversed", |bench| {
        out_of_order(bench, "ooo_1000_reversed", 1000, 1000)
    }),
    ("ooo_100_reversed", |bench| {
        out_of_order(bench, "ooo_100_reversed", 100, 100)
    }),
    ("skip", skip),
    ("session_save", session_save),
    ("session_load", session_load),
    ("safety_number", safety_number),
    ("file_seal_1m", file_seal),
    ("file_open_1m", file_open),
];

/// The peer that is measured here.
pub(crate) const BENCH: Bench = Bench { peer: PEER };

fn account_create(bench: &Bench) -> Result<Vec<Row>> {
    let row = bench.batches(
        "account_create",
        5,
        || Ok(rng()),
        |rng, _| Ok(Person::random(rng).bundle(true)),
    )?;
    Ok(vec![row])
}

fn session_outbound(bench: &Bench) -> Result<Vec<Row>> {
    let (alice, bob) = people();
    let bundle = bob.bundle(true);
    let row = bench.batches(
        "session_outbound",
        20,
        || Ok(rng()),
        |rng, _| outbound(&alice, &bob, &bundle, rng),
    )?;
    Ok(vec![row])
}

fn session_inbound(bench: &Bench) -> Result<Vec<Row>> {
    let (alice, bob) = people();
    let row = bench.batches(
        "session_inbound",
        20,
        || Ok(outbound(&alice, &bob, &bob.bundle(true), &mut rng())?.1),
        |body, _| inbound(&alice, &bob, body),
    )?;
    Ok(vec![row])
}

fn encrypt(bench: &Bench) -> Result<Vec<Row>> {
    let (alice, bob) = people();
    let row = bench.batches(
        "encrypt_1k",
        200,
        || established(&alice, &bob),
        |two, _| two.send(),
    )?;
    Ok(vec![row])
}

fn decrypt(bench: &Bench) -> Result<Vec<Row>> {
    let (alice, bob) = people();
    let row = bench.batches(
        "decrypt_1k",
        200,
        || sent(&alice, &bob, 200),
        |(two, bodies), n| two.receive(&bodies[n]),
    )?;
    Ok(vec![row])
}

fn out_of_order(bench: &Bench, op: &'static str, count: usize, block: usize) -> Result<Vec<Row>> {
    let (alice, bob) = people();
    let order = reversed_in_blocks(count, block);
    let row = bench.batches(
        op,
        count,
        || sent(&alice, &bob, count),
        |(two, bodies), n| two.receive(&bodies[order[n]]),
    )?;
    // Anything that did not open has ended the run.
    Ok(vec![row.with_opened(count)])
}

/// One message that overtook so many.
fn skip(bench: &Bench) -> Result<Vec<Row>> {
    let (alice, bob) = people();
    let one = |op, skipped: usize| {
        bench.batches(
            op,
            1,
            || sent(&alice, &bob, skipped + 1),
            |(two, bodies), _| two.receive(&bodies[skipped]),
        )
    };
    Ok(vec![one("skip_100", 100)?, one("skip_1000", 1000)?])
}

fn session_save(bench: &Bench) -> Result<Vec<Row>> {
    let (alice, bob) = people();
    let row = bench.batches(
        "session_save",
        100,
        || established(&alice, &bob),
        |two, _| Ok(two.bob.to_record()),
    )?;
    Ok(vec![row])
}

fn session_load(bench: &Bench) -> Result<Vec<Row>> {
    let (alice, bob) = people();
    let row = bench.batches(
        "session_load",
        100,
        || Ok(established(&alice, &bob)?.bob.to_record()),
        |record, _| Ok(Session::<_>::from_record(record)?),
    )?;
    Ok(vec![row])
}

fn safety_number(bench: &Bench) -> Result<Vec<Row>> {
    let (alice, bob) = people();
    let row = bench.batches(
        "safety_number",
        2,
        || Ok(()),
        |(), _| {
            let side = |person: &Person| (*person.log.account(), *person.log.account_key());
            let ((a, a_key), (b, b_key)) = (side(&alice), side(&bob));
            Ok(SafetyNumber::new((&a, &a_key), (&b, &b_key)).digits())
        },
    )?;
    Ok(vec![row])
}

/// Bytes of a session at rest, nothing skipped, the KEM key of an offer within.
#[cfg(not(target_arch = "wasm32"))]
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

/// A message for each turn, with the KEM exchanges that the product has; turns that carry a part of one beside it.
fn ping_pong(bench: &Bench) -> Result<Vec<Row>> {
    let (alice, bob) = people();
    let all = bench.batches(
        "ping_pong_1k",
        100,
        || established(&alice, &bob),
        |two, _| two.turn(),
    )?;
    let mut with_kem = Vec::new();
    for _ in 0..BATCHES {
        let mut two = established(&alice, &bob)?;
        for _ in 0..40 {
            let begun = now();
            let length = two.turn()?;
            if length > PLAINTEXT.len() + BARE_OVERHEAD {
                with_kem.push(now() - begun);
            }
        }
    }
    if with_kem.is_empty() {
        bail!("no turn had a KEM exchange");
    }
    Ok(vec![all, bench.row("ping_pong_kem_1k", with_kem)])
}

/// Two who never met.
fn people() -> (Person, Person) {
    (Person::new(1), Person::new(2))
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

fn file_seal(bench: &Bench) -> Result<Vec<Row>> {
    let content = vec![0x61; FILE];
    let row = bench.batches("file_seal_1m", 4, || Ok(rng()), |rng, _| sealed(&content, rng))?;
    Ok(vec![row])
}

fn file_open(bench: &Bench) -> Result<Vec<Row>> {
    let (secret, chunks) = sealed(&vec![0x61; FILE], &mut rng())?;
    let row = bench.batches(
        "file_open_1m",
        4,
        || Ok(()),
        |(), _| {
            let mut opener = FileOpener::new(&secret);
            let mut bytes = 0;
            for chunk in &chunks {
                bytes += opener.open(chunk)?.len();
            }
            opener.finish()?;
            if bytes != FILE {
                bail!("{bytes} bytes came out");
            }
            Ok(())
        },
    )?;
    Ok(vec![row])
}

/// A file in chunks, as it goes to the relay.
fn sealed(content: &[u8], rng: &mut ChaCha20Rng) -> Result<(FileSecret, Vec<Vec<u8>>)> {
    let mut sealer = FileSealer::new(content.len() as u64, rng)?;
    let (mut rest, mut chunks) = (content, Vec::new());
    while let Some(wanted) = sealer.wants() {
        let (now, later) = rest.split_at(wanted);
        chunks.push(sealer.seal(now)?);
        rest = later;
    }
    Ok((sealer.finish()?, chunks))
}

/// The same numbers in every run: nothing here depends on which.
fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([7; 32])
}
