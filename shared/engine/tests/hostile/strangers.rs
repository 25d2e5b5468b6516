//! Floods, and people nobody asked for: bounded work, and not one frame in answer.

use chopar_engine::simulator::hostile::{
    ALICE, BOB, CAROL, RELAY, STRANGER, days, expect, hours, play, scenario, seeds, wait,
};
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

/// T-082, P-288: envelopes in the names of accounts that never were. Each is asked for once.
#[test]
fn senders_that_never_were_are_asked_for_once() {
    scenario(&[
        BOB.is_noted(),
        RELAY.makes_up_senders(BOB, 40),
        wait(hours(6)),
        expect(BOB.asked_for_at_most_since_noted(40)),
        expect(BOB.knows_at_most(0)),
        expect(BOB.sent_nothing_since_noted()),
    ]);
}

/// T-082, P-286: made-up people by the dozen, each with a session in order. So many are kept, the oldest go with all that is
/// kept of them, and whom Bob speaks with is not touched.
#[test]
fn made_up_people_are_bounded() {
    for seed in seeds(1, 1, 3) {
        play(
            seed,
            &[
                ALICE.says("good morning", BOB),
                BOB.opens(ALICE),
                BOB.is_noted(),
                STRANGER.and_others_write_to(BOB, 150),
                expect(BOB.knows_at_most(129)),
                wait(hours(1)),
                BOB.goes_away(),
                BOB.comes_back(),
                expect(BOB.knows_at_most(129)),
                ALICE.says("are you there", BOB),
                expect(BOB.reads(ALICE, &["good morning", "are you there"])),
            ],
        );
    }
}

/// P-286: somebody is pushed out by people whom the relay knows, so they are forgotten first. What they said is sent again, as nobody
/// acknowledged it, and is shown then.
#[test]
fn who_was_forgotten_is_heard_again() {
    scenario(&[
        CAROL.says("do you know me", BOB),
        expect(BOB.reads(CAROL, &["do you know me"])),
        STRANGER.and_other_members_write_to(BOB, 130),
        expect(BOB.reads(CAROL, &[])),
        wait(days(3)),
        expect(BOB.reads(CAROL, &["do you know me"])),
    ]);
}

/// P-286, P-170: no number of made-up people pushes a block out, nor what a blocked person said before.
#[test]
fn whoever_is_blocked_stays_blocked() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        CAROL.says("do you know me", BOB),
        BOB.blocks(ALICE),
        BOB.blocks(CAROL),
        STRANGER.and_others_write_to(BOB, 150),
        expect(BOB.knows_at_most(130)),
        wait(hours(1)),
        BOB.goes_away(),
        BOB.comes_back(),
        ALICE.says("are you there", BOB),
        CAROL.says("answer me", BOB),
        expect(BOB.reads(ALICE, &["good morning"])),
        expect(BOB.reads(CAROL, &["do you know me"])),
    ]);
}

/// P-286: a stranger who begins session after session has three that are kept.
/// P-055: somebody one speaks with has forty-one, and the one with the smallest hash sends.
#[test]
fn sessions_with_one_device_are_bounded() {
    for seed in seeds(1, 1, 3) {
        play(
            seed,
            &[
                STRANGER.and_others_write_to(BOB, 1),
                STRANGER.begins_again(BOB, 9),
                expect(BOB.keeps_sessions(3)),
                expect(BOB.sends_to_the_stranger_in_the_smallest()),
                STRANGER.is_opened_by(BOB),
                STRANGER.begins_again(BOB, 45),
                expect(BOB.keeps_sessions(41)),
                expect(BOB.sends_to_the_stranger_in_the_smallest()),
            ],
        );
    }
}

/// T-086, P-096, P-066: a thousand payloads that are rightly encrypted and make no sense, from a stranger and then from
/// somebody whose conversation was opened: nothing is shown, nothing is answered, nothing is asked.
#[test]
fn nonsense_is_unanswered() {
    for seed in seeds(1, 1, 3) {
        play(
            seed,
            &[
                ALICE.says("good morning", BOB),
                BOB.opens(ALICE),
                STRANGER.and_others_write_to(BOB, 1),
                wait(hours(1)),
                BOB.is_noted(),
                STRANGER.sends_nonsense(BOB, 1_000),
                wait(hours(1)),
                expect(BOB.sent_nothing_since_noted()),
                expect(BOB.asked_for_at_most_since_noted(0)),
                STRANGER.is_opened_by(BOB),
                wait(hours(1)),
                BOB.is_noted(),
                STRANGER.sends_nonsense(BOB, 1_000),
                wait(hours(1)),
                expect(BOB.sent_nothing_since_noted()),
                expect(BOB.asked_for_at_most_since_noted(0)),
                ALICE.says("are you there", BOB),
                expect(BOB.reads(ALICE, &["good morning", "are you there"])),
            ],
        );
    }
}

/// T-082, P-056, P-290: handshakes that come to nothing, more than are opened in a second. They wait aside; messages do not.
#[test]
fn a_flood_of_handshakes_holds_no_message_up() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.says("how are you", ALICE),
        CAROL.floods_with_handshakes(BOB, 200),
        ALICE.says("are you there", BOB),
        expect(BOB.reads(ALICE, &["good morning", "are you there"])),
        // And a new conversation in their midst is late, not lost.
        CAROL.says("me as well", BOB),
        wait(60_000),
        expect(BOB.reads(CAROL, &["me as well"])),
    ]);
}
