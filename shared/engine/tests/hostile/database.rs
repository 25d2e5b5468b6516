//! The relay restores an old database: queues, logs, bundles and spent prekeys come back.

use chopar_engine::simulator::hostile::{ALICE, BOB, CAROL, RELAY, days, expect, hours, scenario, wait};
use chopar_engine::view::{Alarm, Held, SentState};

/// T-005: envelopes that were acknowledged wait again, and sequences begin again.
#[test]
fn restored_queues_show_nothing_twice() {
    scenario(&[
        BOB.goes_away(),
        ALICE.says("good morning", BOB),
        ALICE.says("are you there", BOB),
        RELAY.remembers("monday"),
        BOB.comes_back(),
        BOB.says("how are you", ALICE),
        ALICE.says("very well", BOB),
        RELAY.restores("monday"),
        expect(BOB.reads(ALICE, &["good morning", "are you there", "very well"])),
        BOB.says("as ever", ALICE),
        ALICE.says("good to hear", BOB),
        expect(BOB.reads(
            ALICE,
            &["good morning", "are you there", "very well", "good to hear"],
        )),
        expect(ALICE.reads(BOB, &["how are you", "as ever"])),
        expect(ALICE.is_not_warned(BOB)),
    ]);
}

/// T-003, P-024: the log has grown since the copy: who knows it is warned.
#[test]
fn a_restored_log_is_a_rollback() {
    scenario(&[
        RELAY.remembers("monday"),
        BOB.renames_the_own_device("Laptop"),
        ALICE.says("good morning", BOB),
        expect(BOB.reads(ALICE, &["good morning"])),
        RELAY.restores("monday"),
        ALICE.says("are you there", BOB),
        expect(ALICE.is_warned(BOB, Alarm::LogRolledBack)),
        expect(ALICE.sees("are you there", SentState::Waiting, Some(Held::Alarm))),
        wait(hours(1)),
        expect(ALICE.is_warned(BOB, Alarm::LogRolledBack)),
    ]);
}

/// T-007, P-053: spent one-time pairs are handed out again. Nobody reads what was sealed with them, and no tick says otherwise.
/// The other side's next word mends it where its session wins the tie of two first ones, else a day of silence does.
#[test]
fn restored_prekeys_open_nothing_a_second_time() {
    scenario(&[
        RELAY.remembers("monday"),
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        RELAY.restores("monday"),
        CAROL.says("me as well", BOB),
        expect(BOB.reads(CAROL, &[])),
        expect(CAROL.sees("me as well", SentState::Sent, None)),
        BOB.says("anybody there", CAROL),
        expect(CAROL.reads(BOB, &["anybody there"])),
        CAROL.says("yes of course", BOB),
        wait(days(2)),
        expect(BOB.reads_in_any_order(CAROL, &["me as well", "yes of course"])),
        BOB.says("how are you", ALICE),
        expect(ALICE.reads(BOB, &["how are you"])),
    ]);
}

/// T-001, P-040, P-042: bundles of the week before come back; their device notices and publishes a newer one.
#[test]
fn restored_bundles_are_replaced() {
    scenario(&[
        RELAY.remembers("the first week"),
        wait(days(8)),
        RELAY.restores("the first week"),
        wait(hours(1)),
        ALICE.says("good morning", BOB),
        expect(BOB.reads(ALICE, &["good morning"])),
        expect(ALICE.is_not_warned(BOB)),
    ]);
}
