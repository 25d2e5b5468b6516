//! Lies about prekeys: what does not verify begins no session, is named, and is over when the relay is honest again.

use chopar_engine::simulator::hostile::{
    ALICE, BOB, CAROL, EnvelopeLie, LOW_ORDER, Order, Place, PrekeyLie, RELAY, days, expect, hours, play,
    scenario, seeds, wait,
};
use chopar_engine::view::{Alarm, Held, SentState};

/// Alice's first message to Bob, with this handed out for his bundle: refused, named, nothing sent, and mended.
fn forged(seed: u64, lie: PrekeyLie) {
    play(
        seed,
        &[
            RELAY.hands_out(BOB, lie),
            ALICE.is_noted(),
            ALICE.says("good morning", BOB),
            expect(ALICE.is_warned(BOB, Alarm::BundleForged)),
            expect(ALICE.sees("good morning", SentState::Waiting, Some(Held::Alarm))),
            wait(hours(5)),
            expect(ALICE.sent_nothing_since_noted()),
            expect(BOB.knows_nobody()),
            RELAY.is_honest(),
            wait(hours(1)),
            expect(ALICE.is_not_warned(BOB)),
            expect(BOB.reads(ALICE, &["good morning"])),
        ],
    );
}

/// T-001, P-042: every part of a bundle is signed by its device; parts of others and of the relay's own are refused.
#[test]
fn swapped_prekeys_are_refused() {
    for seed in seeds(1, 1, 10) {
        forged(seed, PrekeyLie::BundleOf(CAROL));
        forged(seed, PrekeyLie::BaseOf(CAROL));
        forged(seed, PrekeyLie::PairOf(CAROL));
        forged(seed, PrekeyLie::OwnKeys);
        forged(seed, PrekeyLie::BitOfSignature);
    }
}

/// T-001, P-006: ML-KEM keys swapped between two bundles under right X25519 keys (the key confusion of PQXDH revision 1).
#[test]
fn kem_keys_of_another_bundle_are_refused() {
    for seed in seeds(1, 1, 10) {
        forged(seed, PrekeyLie::KemKeysOf(CAROL));
    }
}

/// T-008, P-007: every low-order point, in every place, even where the device itself signed it.
#[test]
fn low_order_points_are_refused_wherever_they_stand() {
    for seed in seeds(1, 1, 3) {
        for place in [Place::SignedPrekey, Place::SealingKey, Place::Pair] {
            for point in LOW_ORDER {
                forged(seed, PrekeyLie::LowOrder(place, point));
            }
        }
    }
}

/// T-009, P-005: no bundle without its post-quantum part, and none of a lower suite, even where the device itself signed it.
#[test]
fn nothing_classical_is_accepted() {
    for seed in seeds(1, 1, 10) {
        forged(seed, PrekeyLie::WithoutKem(Place::LastResort));
        forged(seed, PrekeyLie::WithoutKem(Place::Pair));
        forged(seed, PrekeyLie::LowerSuite);
    }
}

/// T-001, P-042: a bundle older than one that was seen, for a device that was silent since.
#[test]
fn an_older_bundle_is_named() {
    scenario(&[
        RELAY.remembers("the first week"),
        wait(days(8)),
        ALICE.says("good morning", BOB),
        expect(BOB.reads(ALICE, &["good morning"])),
        RELAY.hands_out(BOB, PrekeyLie::BaseFrom("the first week")),
        ALICE.finds_the_sessions_damaged(),
        ALICE.says("good evening", BOB),
        expect(ALICE.is_warned(BOB, Alarm::BundleRolledBack)),
        expect(BOB.reads(ALICE, &["good morning"])),
        RELAY.is_honest(),
        wait(hours(1)),
        expect(ALICE.is_not_warned(BOB)),
        expect(BOB.reads(ALICE, &["good morning", "good evening"])),
    ]);
}

/// T-007, P-040, P-041: an empty pool. The last-resort key serves; the conversation is the same from then on.
#[test]
fn a_drained_pool_does_not_stop_a_first_message() {
    scenario(&[
        RELAY.drains_the_pool_of(BOB),
        ALICE.says("good morning", BOB),
        CAROL.says("me as well", BOB),
        expect(BOB.reads(ALICE, &["good morning"])),
        expect(BOB.reads(CAROL, &["me as well"])),
        // Handed out again: the first messages open nothing a second time.
        BOB.opens(ALICE),
        BOB.is_noted(),
        RELAY.replays_everything_to(BOB),
        expect(BOB.has_the_same_sessions_since_noted()),
        expect(BOB.sent_nothing_since_noted()),
        BOB.says("how are you", ALICE),
        expect(ALICE.reads(BOB, &["how are you"])),
        expect(ALICE.sees("good morning", SentState::Delivered, None)),
    ]);
}

/// T-007: the relay says that the pool is empty although it is not.
#[test]
fn a_pool_said_to_be_empty_costs_nothing_but_the_one_time_pair() {
    scenario(&[
        RELAY.hands_out(BOB, PrekeyLie::WithoutPair),
        ALICE.says("good morning", BOB),
        expect(ALICE.is_not_warned(BOB)),
        expect(BOB.reads(ALICE, &["good morning"])),
        BOB.says("how are you", ALICE),
        expect(ALICE.reads(BOB, &["how are you"])),
    ]);
}

/// T-007, P-053: one pair for two senders. The second session opens nothing, is not mixed with the first, and its sender
/// is shown no tick for what nobody read.
#[test]
fn a_pair_handed_out_twice_serves_once() {
    scenario(&[
        RELAY.hands_out(BOB, PrekeyLie::SamePair),
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        expect(ALICE.sees("good morning", SentState::Delivered, None)),
        CAROL.says("me as well", BOB),
        expect(BOB.reads(CAROL, &[])),
        expect(CAROL.sees("me as well", SentState::Sent, None)),
        BOB.says("how are you", ALICE),
        expect(ALICE.reads(BOB, &["how are you"])),
    ]);
}

/// T-005, T-007, P-053: a first message again, after its pair is gone, also when the browser was closed in between.
#[test]
fn a_first_message_again_is_nothing() {
    scenario(&[
        ALICE.says("good morning", BOB),
        expect(BOB.reads(ALICE, &["good morning"])),
        RELAY.replays_everything_to(BOB),
        BOB.goes_away(),
        BOB.comes_back(),
        BOB.is_noted(),
        RELAY.replays_everything_to(BOB),
        expect(BOB.has_the_same_sessions_since_noted()),
        expect(BOB.reads(ALICE, &["good morning"])),
        RELAY.treats(BOB, EnvelopeLie::Twice),
        ALICE.says("once more", BOB),
        RELAY.is_honest(),
        expect(BOB.reads(ALICE, &["good morning", "once more"])),
    ]);
}

/// T-001, P-285: the relay says that it has a bundle which cannot be. Nothing is begun anew for it, the own bundles follow each
/// other as before, and handshakes find the keys they name.
#[test]
fn a_bundle_that_cannot_be_is_not_believed() {
    for sequence in [u64::MAX, u64::MAX - 1, 1 << 40, (1 << 32) + 1, 1 << 32, 5_000] {
        for seed in seeds(1, 1, 10) {
            play(
                seed,
                &[
                    ALICE.says("good morning", BOB),
                    BOB.says("how are you", ALICE),
                    wait(hours(1)),
                    BOB.is_noted(),
                    RELAY.says_it_has_bundle(BOB, sequence),
                    BOB.reconnects(),
                    BOB.reconnects(),
                    expect(BOB.has_the_same_sessions_since_noted()),
                    // Two rotations under the lie.
                    wait(days(15)),
                    BOB.reconnects(),
                    CAROL.says("me as well", BOB),
                    expect(BOB.reads(CAROL, &["me as well"])),
                    BOB.says("good evening", ALICE),
                    expect(ALICE.reads(BOB, &["how are you", "good evening"])),
                    RELAY.is_honest(),
                    BOB.reconnects(),
                    wait(days(15)),
                    BOB.finds_the_sessions_damaged(),
                    ALICE.says("very well", BOB),
                    wait(days(2)),
                    expect(BOB.reads(ALICE, &["good morning", "very well"])),
                ],
            );
        }
    }
}

/// P-285: one that can be is believed, and its successor has keys of its own.
#[test]
fn a_bundle_ahead_gets_a_successor() {
    scenario(&[
        RELAY.says_it_has_bundle(BOB, 900),
        BOB.reconnects(),
        RELAY.is_honest(),
        ALICE.says("good morning", BOB),
        expect(BOB.reads(ALICE, &["good morning"])),
        wait(days(8)),
        CAROL.says("me as well", BOB),
        expect(BOB.reads(CAROL, &["me as well"])),
        expect(ALICE.is_not_warned(BOB)),
    ]);
}

/// T-001, P-293: a bundle of two months ago, as old as any that was seen, for a device that has spoken since.
#[test]
fn a_bundle_that_its_device_has_outlived_is_named() {
    scenario(&[
        RELAY.remembers("spring"),
        ALICE.says("good morning", BOB),
        BOB.says("how are you", ALICE),
        wait(days(45)),
        BOB.says("long time no see", ALICE),
        RELAY.hands_out(BOB, PrekeyLie::BaseFrom("spring")),
        ALICE.finds_the_sessions_damaged(),
        ALICE.says("good evening", BOB),
        expect(ALICE.is_warned(BOB, Alarm::BundleRolledBack)),
        RELAY.is_honest(),
        wait(hours(2)),
        expect(ALICE.is_not_warned(BOB)),
        expect(BOB.reads(ALICE, &["good morning", "good evening"])),
    ]);
}

/// T-007, P-290: the relay asks for pairs in a loop. They are made for so many uploads a day, and none goes for it that was
/// handed out and whose envelope is still on its way.
#[test]
fn asking_for_pairs_in_a_loop_loses_none() {
    for seed in seeds(1, 1, 5) {
        play(
            seed,
            &[
                RELAY.treats(BOB, EnvelopeLie::Held),
                ALICE.says("good morning", BOB),
                RELAY.wants_pairs_of(BOB, 60),
                RELAY.lets_go(BOB, Order::AsItCame),
                expect(BOB.reads(ALICE, &["good morning"])),
            ],
        );
    }
}
