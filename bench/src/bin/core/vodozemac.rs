//! The peer: vodozemac, as its own documentation uses it.

use anyhow::{Context, Result, bail};
use vodozemac::Curve25519PublicKey;
use vodozemac::olm::{Account, OlmMessage, Session, SessionConfig, SessionPickle};

use crate::measure::{Bench, Row, reversed_in_blocks};

pub(crate) const PEER: &str = "vodozemac";
const PLAINTEXT: [u8; 1024] = [0x61; 1024];

/// What is on the wire: kind and bytes.
type Wire = (usize, Vec<u8>);

struct Two {
    alice: Session,
    bob: Session,
}

pub(crate) fn rows() -> Result<Vec<Row>> {
    let bench = Bench { peer: PEER };
    let alice = Account::new();
    let mut rows = vec![
        bench.batches(
            "account_create",
            5,
            || Ok(()),
            |(), _| {
                let (account, key) = account()?;
                Ok((account.sign(key.to_bytes()), account))
            },
        )?,
        bench.batches("session_outbound", 20, account, |(bob, key), _| {
            outbound(&alice, bob.curve25519_key(), *key)
        })?,
        bench.batches(
            "session_inbound",
            1,
            || {
                let (bob, key) = account()?;
                let (_, wire) = outbound(&alice, bob.curve25519_key(), key)?;
                Ok((bob, wire))
            },
            |(bob, wire), _| inbound(&alice, bob, wire),
        )?,
        bench.batches("encrypt_1k", 200, || established(&alice), |two, _| two.send())?,
        bench.batches(
            "decrypt_1k",
            200,
            || sent(&alice, 200),
            |(two, wires), n| must(two.receive(&wires[n])?),
        )?,
        bench.batches("ping_pong_1k", 100, || established(&alice), |two, _| two.turn())?,
    ];
    for (op, order) in [
        ("ooo_1000_block32", reversed_in_blocks(1000, 32)),
        ("ooo_1000_reversed", reversed_in_blocks(1000, 1000)),
        ("ooo_100_reversed", reversed_in_blocks(100, 100)),
    ] {
        let mut opened = 0;
        let row = bench.batches(
            op,
            order.len(),
            || sent(&alice, order.len()),
            |(two, wires), n| {
                // Counted anew in each batch.
                opened = if n == 0 { 0 } else { opened };
                opened += usize::from(two.receive(&wires[order[n]])?);
                Ok(())
            },
        )?;
        rows.push(row.with_opened(opened));
    }
    let saved = || Ok(serde_json::to_vec(&established(&alice)?.bob.pickle())?);
    rows.extend([
        bench.batches(
            "session_save",
            100,
            || established(&alice),
            |two, _| Ok(serde_json::to_vec(&two.bob.pickle())?),
        )?,
        bench.batches("session_load", 100, saved, |saved, _| {
            Ok(Session::from_pickle(serde_json::from_slice::<SessionPickle>(
                saved,
            )?))
        })?,
    ]);
    Ok(rows)
}

/// An account with one one-time key.
fn account() -> Result<(Account, Curve25519PublicKey)> {
    let mut account = Account::new();
    account.generate_one_time_keys(1);
    let key = account.one_time_keys().into_values().next();
    account.mark_keys_as_published();
    Ok((account, key.context("no one-time key")?))
}

fn outbound(
    alice: &Account,
    identity: Curve25519PublicKey,
    one_time: Curve25519PublicKey,
) -> Result<(Session, Wire)> {
    let mut session = alice.create_outbound_session(SessionConfig::version_1(), identity, one_time)?;
    let wire = session.encrypt(PLAINTEXT)?.to_parts();
    Ok((session, wire))
}

fn inbound(alice: &Account, bob: &mut Account, (kind, bytes): &Wire) -> Result<Session> {
    let OlmMessage::PreKey(message) = OlmMessage::from_parts(*kind, bytes)? else {
        bail!("not the first message");
    };
    let made = bob.create_inbound_session(SessionConfig::version_1(), alice.curve25519_key(), &message)?;
    if made.plaintext != PLAINTEXT {
        bail!("another message");
    }
    Ok(made.session)
}

/// A confirmed session in the middle of a chain of Alice's.
fn established(alice: &Account) -> Result<Two> {
    let (mut bob, key) = account()?;
    let (session, wire) = outbound(alice, bob.curve25519_key(), key)?;
    let mut two = Two {
        alice: session,
        bob: inbound(alice, &mut bob, &wire)?,
    };
    two.turn()?;
    two.turn()?;
    let wire = two.send()?;
    must(two.receive(&wire)?)?;
    Ok(two)
}

/// The same with messages on the way.
fn sent(alice: &Account, count: usize) -> Result<(Two, Vec<Wire>)> {
    let mut two = established(alice)?;
    let wires = (0..count).map(|_| two.send()).collect::<Result<_>>()?;
    Ok((two, wires))
}

impl Two {
    fn send(&mut self) -> Result<Wire> {
        Ok(self.alice.encrypt(PLAINTEXT)?.to_parts())
    }

    /// Whether it opened: this peer keeps few keys of overtaken messages.
    fn receive(&mut self, (kind, bytes): &Wire) -> Result<bool> {
        let message = OlmMessage::from_parts(*kind, bytes)?;
        Ok(self.bob.decrypt(&message).is_ok())
    }

    /// The one who received last writes, the other opens it; then they change places.
    fn turn(&mut self) -> Result<()> {
        core::mem::swap(&mut self.alice, &mut self.bob);
        let wire = self.send()?;
        must(self.receive(&wire)?)
    }
}

fn must(opened: bool) -> Result<()> {
    if !opened {
        bail!("a message was lost");
    }
    Ok(())
}
