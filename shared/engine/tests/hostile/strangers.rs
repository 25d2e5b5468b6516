//! Floods, and people nobody asked for: bounded work, and not one frame in answer.

use chopar_engine::simulator::hostile::{ALICE, BOB, CAROL, RELAY, days, expect, hours, scenario, wait};
use chopar_engine::view::SentState;

/// T-011, P-070: thousands of envelopes that no session knows. What is kept of them is bounded and passes, nothing is sent,
/// and what is true is shown in between and afterwards.
#[test]
fn a_flood_of_noise_is_bounded_and_unanswered() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        wait(hours(1)),
        BOB.is_noted(),
        RELAY.floods(BOB, 2_000),
        expect(BOB.sent_nothing_since_noted()),
        expect(BOB.has_the_same_sessions_since_noted()),
        expect(BOB.keeps_unopened_at_most(256)),
        ALICE.says("are you there", BOB),
        expect(BOB.reads(ALICE, &["good morning", "are you there"])),
        wait(days(8)),
        expect(BOB.keeps_unopened_at_most(0)),
    ]);
}

/// P-096: a stranger learns nothing from writing: no acknowledgement, no tick, nothing submitted at all.
#[test]
fn a_stranger_learns_nothing() {
    scenario(&[
        BOB.is_noted(),
        CAROL.says("do you know me", BOB),
        CAROL.says("answer me", BOB),
        CAROL.says("are you there", BOB),
        RELAY.replays_everything_to(BOB),
        wait(hours(12)),
        expect(BOB.reads(CAROL, &["do you know me", "answer me", "are you there"])),
        expect(BOB.sent_nothing_since_noted()),
        expect(CAROL.sees("answer me", SentState::Sent, None)),
        BOB.opens(CAROL),
        expect(CAROL.sees("answer me", SentState::Delivered, None)),
    ]);
}
