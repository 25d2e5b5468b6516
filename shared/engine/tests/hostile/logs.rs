//! Lies about account logs: found out within one exchanged message, named, and nothing is encrypted to a device of the relay.

use chopar_engine::simulator::hostile::{
    ALICE, BOB, CAROL, LogLie, RELAY, days, expect, hours, scenario, wait,
};
use chopar_engine::view::{Alarm, Held, SentState};

/// T-002, P-021, P-025: a device of the relay's making, shown when Alice first looks.
#[test]
fn a_ghost_device_in_a_first_log_is_refused() {
    scenario(&[
        RELAY.shows(ALICE, BOB, LogLie::ForgedDevice),
        ALICE.is_noted(),
        ALICE.says("good morning", BOB),
        expect(ALICE.is_warned(BOB, Alarm::LogForged)),
        expect(ALICE.sees("good morning", SentState::Waiting, Some(Held::Alarm))),
        expect(ALICE.sent_nothing_since_noted()),
        RELAY.is_honest(),
        wait(hours(1)),
        expect(ALICE.is_not_warned(BOB)),
        expect(BOB.reads(ALICE, &["good morning"])),
    ]);
}

/// T-002, P-021, P-023: a device of the relay's making, added to a log that is known.
#[test]
fn a_ghost_device_in_a_known_log_is_refused() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        RELAY.shows(ALICE, BOB, LogLie::ForgedDevice),
        ALICE.says("are you there", BOB),
        expect(ALICE.is_warned(BOB, Alarm::LogForged)),
        expect(ALICE.sees("are you there", SentState::Waiting, Some(Held::Alarm))),
        // Receiving goes on.
        BOB.says("how are you", ALICE),
        expect(ALICE.reads(BOB, &["how are you"])),
        RELAY.is_honest(),
        wait(hours(1)),
        expect(ALICE.is_not_warned(BOB)),
        expect(BOB.reads(ALICE, &["good morning", "are you there"])),
    ]);
}

/// T-002, P-012: somebody else's log under Bob's account.
#[test]
fn the_log_of_another_account_is_refused() {
    scenario(&[
        RELAY.shows(ALICE, BOB, LogLie::Of(CAROL)),
        ALICE.says("good morning", BOB),
        expect(ALICE.is_warned(BOB, Alarm::LogForged)),
        expect(CAROL.knows_nobody()),
        RELAY.is_honest(),
        wait(hours(1)),
        expect(BOB.reads(ALICE, &["good morning"])),
    ]);
}

/// T-003, P-024: a shorter log than was seen.
#[test]
fn a_rolled_back_log_is_named_and_stops_sending() {
    scenario(&[
        BOB.renames_the_own_device("Laptop"),
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        RELAY.shows(ALICE, BOB, LogLie::First(2)),
        ALICE.says("are you there", BOB),
        expect(ALICE.is_warned(BOB, Alarm::LogRolledBack)),
        expect(ALICE.sees("are you there", SentState::Waiting, Some(Held::Alarm))),
        expect(BOB.reads(ALICE, &["good morning"])),
        BOB.says("how are you", ALICE),
        expect(ALICE.reads(BOB, &["how are you"])),
    ]);
}

/// T-004, P-024: Bob's device signed two histories; Alice is shown one, Bob has the other. His next message finds it out;
/// his recovery key ends it.
#[test]
fn a_forked_log_is_named_and_its_owner_ends_it() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        BOB.has_two_histories(),
        RELAY.shows(ALICE, BOB, LogLie::OtherHistory),
        ALICE.says("are you there", BOB),
        BOB.says("how are you", ALICE),
        expect(ALICE.is_warned(BOB, Alarm::LogForked)),
        expect(ALICE.reads(BOB, &["how are you"])),
        ALICE.says("very well", BOB),
        expect(ALICE.sees("very well", SentState::Waiting, Some(Held::Alarm))),
        RELAY.is_honest(),
        wait(days(1)),
        expect(ALICE.is_warned(BOB, Alarm::LogForked)),
        BOB.resolves_the_fork(),
        BOB.says("it was a thief", ALICE),
        wait(hours(1)),
        expect(ALICE.is_not_warned(BOB)),
        expect(BOB.reads(ALICE, &["good morning", "are you there", "very well"])),
    ]);
}

/// T-004: two people are shown two histories of Bob; neither is in contact with the other. Bob's own device finds it out
/// from the first message either of them sends.
#[test]
fn a_fork_shown_to_somebody_else_is_found_by_its_owner() {
    scenario(&[
        BOB.has_two_histories(),
        RELAY.shows(ALICE, BOB, LogLie::OtherHistory),
        ALICE.says("good morning", BOB),
        expect(BOB.reads(ALICE, &["good morning"])),
        expect(BOB.is_warned(ALICE, Alarm::LogForked)),
    ]);
}
