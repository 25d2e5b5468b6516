//! A whole run: people join, everybody writes to everybody while everything goes wrong, and at the end nothing is missing.

use std::collections::BTreeMap;

use chopar_wire::{AccountId, MessageId};
use sha2::{Digest, Sha256};

use super::world::{Faults, World};
use crate::intent::Intent;
use crate::view::Notice;

/// How large, and from which seed.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Decides everything.
    pub seed: u64,
    /// Engines.
    pub people: usize,
    /// Messages, all people together.
    pub messages: usize,
    /// What goes wrong meanwhile.
    pub faults: Faults,
    /// Mean time between two messages, all people together, in milliseconds of virtual time.
    pub pace_ms: u64,
}

impl Config {
    /// Twenty people under all faults.
    pub fn standard(seed: u64, messages: usize) -> Self {
        let faults = Faults {
            delay_ms: 200,
            drop_ms: 30_000,
            crash_ms: 60_000,
            restart_ms: 120_000,
            twice_percent: 2,
        };
        Self {
            seed,
            people: 20,
            messages,
            faults,
            pace_ms: 50,
        }
    }
}

/// What a run came to. Reaching the end is the proof: [`run`] panics, naming the seed, where a promise is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Messages shown, each exactly once.
    pub messages: usize,
    /// Envelopes the relay took, acknowledgements and receipts among them.
    pub envelopes: u64,
    /// Envelopes it handed over, again counted again.
    pub deliveries: u64,
    /// Inputs handled by all engines.
    pub steps: u64,
    /// Connections lost, crashes, restarts of the relay.
    pub mishaps: [u64; 3],
    /// Virtual time, in milliseconds.
    pub virtual_ms: u64,
    /// SHA-256 over all vaults.
    pub digest: [u8; 32],
}

/// Runs and checks.
///
/// # Panics
/// Where a message is lost, doubled, out of its sender's order, not delivered by its tick, where an envelope stays unopened, or
/// where anything had to be repaired or refused: this relay loses nothing and keeps to the contract.
pub fn run(config: Config) -> Report {
    let Config {
        seed,
        people,
        messages,
        faults,
        pace_ms,
    } = config;
    let mut world = World::new(
        seed,
        people,
        Faults {
            delay_ms: faults.delay_ms,
            ..Faults::default()
        },
    );
    let began = world.now();
    let accounts: Vec<AccountId> = (0..people).map(|person| world.onboard(person)).collect();
    world.set_faults(faults);

    let mut said: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
    let mut at = 0;
    for number in 0..messages {
        let from = world.below(people as u64) as usize;
        let to = (from + 1 + world.below(people as u64 - 1) as usize) % people;
        let said = said.entry((from, to)).or_default();
        if said.is_empty() {
            let handle = format!("person{to}");
            let intent = Intent::OpenConversation {
                peer: accounts[to],
                handle,
                display_name: format!("Person {to}"),
            };
            world.ask(from, at, intent);
        }
        let text = format!("{from} to {to}: {number}");
        said.push(text.clone());
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(number as u64).to_be_bytes());
        world.ask(
            from,
            at,
            Intent::Send {
                conversation: accounts[to],
                id: MessageId::new(id),
                text,
                reply_to: None,
                forwarded: false,
            },
        );
        if world.below(20) == 0 {
            world.ask(
                from,
                at,
                Intent::MarkRead {
                    conversation: accounts[to],
                    up_to: u64::MAX,
                },
            );
        }
        if world.below(20) == 0 {
            world.ask(
                from,
                at,
                Intent::Typing {
                    conversation: accounts[to],
                    stopped: false,
                },
            );
        }
        at += world.below(2 * pace_ms + 1);
    }
    world.run_for(at);
    world.set_faults(Faults {
        delay_ms: faults.delay_ms,
        ..Faults::default()
    });
    world.run_for(5_000);
    // Everybody looks at what they got, so that nobody remains a stranger.
    for (from, to) in said.keys() {
        let handle = format!("person{from}");
        let intent = Intent::OpenConversation {
            peer: accounts[*from],
            handle,
            display_name: String::new(),
        };
        world.ask(*to, 0, intent);
    }
    world.run_for(600_000);
    check(&world, &accounts, &said, seed);

    let mut digest = Sha256::new();
    for person in &world.persons {
        digest.update(person.vault.digest());
    }
    let (envelopes, deliveries) = world.relay.figures();
    Report {
        messages,
        envelopes,
        deliveries,
        steps: world.steps,
        mishaps: world.mishaps,
        virtual_ms: world.now().ms_since(began),
        digest: digest.finalize().into(),
    }
}

fn check(world: &World, accounts: &[AccountId], said: &BTreeMap<(usize, usize), Vec<String>>, seed: u64) {
    for ((from, to), said) in said {
        let shown: Vec<String> = world.persons[*to]
            .theirs(&accounts[*from])
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        assert!(
            shown == *said,
            "seed {seed}: from {from} to {to} was said {} times, shown {}",
            said.len(),
            shown.len()
        );
        let states = world.persons[*from].own_states(&accounts[*to]);
        let texts: Vec<&String> = states.iter().map(|(text, _)| text).collect();
        assert!(
            texts == said.iter().collect::<Vec<_>>(),
            "seed {seed}: {from} does not have what they said to {to}"
        );
        let behind = states.iter().filter(|(_, state)| *state < 2).count();
        assert!(
            behind == 0,
            "seed {seed}: {behind} of {} from {from} to {to} are not delivered by their ticks",
            states.len()
        );
    }
    for (number, person) in world.persons.iter().enumerate() {
        let engine = person.engine.as_ref().expect("all are up at the end");
        assert!(
            engine.quarantined() == 0,
            "seed {seed}: {} unopened at {number}",
            engine.quarantined()
        );
        assert!(
            engine.damage().is_empty(),
            "seed {seed}: damage at {number}: {:?}",
            engine.damage()
        );
        let repaired = person.told_in_lines(&Notice::Repaired);
        assert!(repaired == 0, "seed {seed}: {repaired} repairs at {number}");
        let refused = person.all_refusals();
        assert!(
            refused.is_empty(),
            "seed {seed}: refused at {number}: {refused:?}"
        );
        let outbox = person.vault.select(|key| key.kind == crate::Kind::Outbox).len();
        assert!(
            outbox == 0,
            "seed {seed}: {outbox} rows left in the outbox of {number}"
        );
    }
    assert!(
        world.relay.waiting() == 0,
        "seed {seed}: {} envelopes wait at the relay",
        world.relay.waiting()
    );
}
