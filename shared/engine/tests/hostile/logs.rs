//! Lies about account logs: found out within one exchanged message, named, and nothing is encrypted to a device of the relay.

use chopar_engine::simulator::hostile::{
    ALICE, BOB, CAROL, LogAnswer, LogLie, RELAY, Step, days, expect, hours, play, scenario, seeds, wait,
};
use chopar_engine::view::{Alarm, Held, Notice, SentState};
use chopar_wire::proto::relay::Reason;

const fn minutes(minutes: u64) -> u64 {
    minutes * 60_000
}

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

/// T-003, P-024, P-280: a shorter log than was seen, until the pinned one is shown again.
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
        RELAY.is_honest(),
        wait(hours(1)),
        expect(ALICE.is_not_warned(BOB)),
        expect(BOB.reads(ALICE, &["good morning", "are you there"])),
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

/// T-004, P-284: two people are shown two histories of Bob; neither is in contact with the other. Bob's own device finds it
/// out from the first message either of them sends. It is said of the own log, and stops nothing: Alice has done nothing.
#[test]
fn a_fork_shown_to_somebody_else_is_found_by_its_owner() {
    scenario(&[
        BOB.has_two_histories(),
        RELAY.shows(ALICE, BOB, LogLie::OtherHistory),
        ALICE.says("good morning", BOB),
        expect(BOB.reads(ALICE, &["good morning"])),
        expect(BOB.is_warned_of_the_own_log(Some(Alarm::LogDisputed))),
        expect(BOB.is_not_warned(ALICE)),
        BOB.says("how are you", ALICE),
        expect(ALICE.reads(BOB, &["how are you"])),
        // What Bob decides reaches Alice, who follows; with her next word the dispute is over.
        RELAY.is_honest(),
        BOB.resolves_the_fork(),
        BOB.says("it was a thief", ALICE),
        wait(hours(1)),
        ALICE.says("what a day", BOB),
        expect(BOB.is_warned_of_the_own_log(None)),
        expect(ALICE.is_not_warned(BOB)),
    ]);
}

/// T-080, P-281: a member seals envelopes in the name of others with a log that nobody signed. Nothing is said about the
/// people it names, nothing is asked of the relay, and whom it means go on talking.
#[test]
fn a_member_cannot_silence_two_others() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.says("how are you", ALICE),
        wait(hours(1)),
        BOB.is_noted(),
        CAROL.forges(ALICE, BOB, LogLie::ForgedDevice),
        CAROL.forges(BOB, BOB, LogLie::ForgedDevice),
        CAROL.forges(ALICE, BOB, LogLie::Of(CAROL)),
        wait(hours(1)),
        expect(BOB.is_not_warned(ALICE)),
        expect(BOB.is_warned_of_the_own_log(None)),
        expect(BOB.asked_for_at_most_since_noted(0)),
        expect(BOB.sent_nothing_since_noted()),
        BOB.says("very well", ALICE),
        expect(ALICE.reads(BOB, &["how are you", "very well"])),
    ]);
}

/// P-281: two histories that the account's own keys signed are a fork, whoever shows the second.
#[test]
fn a_second_history_in_an_envelope_is_a_fork() {
    scenario(&[
        BOB.has_two_histories(),
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        CAROL.forges(BOB, ALICE, LogLie::OtherHistory),
        expect(ALICE.is_warned(BOB, Alarm::LogForked)),
    ]);
}

/// P-280: heads that nobody signed, with no entry to them. It is named, and it passes.
#[test]
fn bare_numbers_about_a_log_silence_nobody_for_ever() {
    for (answer, alarm) in [
        (LogAnswer::OtherHead, Alarm::LogForged),
        (LogAnswer::ShorterHead, Alarm::LogForged),
    ] {
        scenario(&[
            ALICE.says("good morning", BOB),
            BOB.opens(ALICE),
            RELAY.shows(ALICE, BOB, LogLie::Frozen),
            BOB.renames_the_own_device("Laptop"),
            RELAY.answers_for_the_log(ALICE, BOB, answer),
            BOB.says("how are you", ALICE),
            wait(hours(1)),
            expect(ALICE.is_warned(BOB, alarm)),
            ALICE.says("are you there", BOB),
            expect(ALICE.sees("are you there", SentState::Waiting, Some(Held::Alarm))),
            RELAY.is_honest(),
            wait(hours(1)),
            expect(ALICE.is_not_warned(BOB)),
            expect(BOB.reads(ALICE, &["good morning", "are you there"])),
        ]);
    }
}

/// P-280: to a submission the relay says that the devices are others, and shows none. The row waits, the log is asked for, and
/// as that is the pinned one nobody is accused.
#[test]
fn an_empty_mismatch_is_asked_about() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        ALICE.is_noted(),
        RELAY.answers_for_the_log(ALICE, BOB, LogAnswer::EmptyMismatch),
        ALICE.says("are you there", BOB),
        wait(hours(1)),
        expect(ALICE.is_not_warned(BOB)),
        RELAY.is_honest(),
        wait(hours(1)),
        expect(BOB.reads(ALICE, &["good morning", "are you there"])),
        expect(ALICE.sees("are you there", SentState::Delivered, None)),
    ]);
}

/// Bob's log has grown, his message says so, and the relay answers Alice anything but his entries: nothing more is encrypted to
/// the devices she knows, and it is named, by the end of `named` and not before `patient`. Both in milliseconds.
fn frozen(answer: LogAnswer, patient: u64, named: u64) {
    let begin = [
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        RELAY.shows(ALICE, BOB, LogLie::Frozen),
        BOB.renames_the_own_device("Laptop"),
        BOB.renames_the_own_device("Old laptop"),
        RELAY.answers_for_the_log(ALICE, BOB, answer),
        ALICE.is_noted(),
        BOB.says("how are you", ALICE),
        ALICE.says("are you there", BOB),
        expect(ALICE.sent_nothing_since_noted()),
    ];
    let put_off = [wait(patient), expect(ALICE.is_not_warned(BOB))];
    let end = [
        wait(named - patient),
        expect(ALICE.is_warned(BOB, Alarm::LogWithheld)),
        expect(ALICE.sees("are you there", SentState::Waiting, Some(Held::Alarm))),
        expect(ALICE.sent_nothing_since_noted()),
        wait(hours(1)),
        expect(ALICE.is_warned(BOB, Alarm::LogWithheld)),
        expect(ALICE.sent_nothing_since_noted()),
        expect(ALICE.reads(BOB, &["how are you"])),
        RELAY.is_honest(),
        wait(hours(1)),
        expect(ALICE.is_not_warned(BOB)),
        expect(BOB.reads(ALICE, &["good morning", "are you there"])),
    ];
    let put_off = put_off.into_iter().filter(|_| patient > 0);
    let steps: Vec<Step> = begin.into_iter().chain(put_off).chain(end).collect();
    for seed in seeds(1, 1, 10) {
        play(seed, &steps);
    }
}

/// T-081, T-003, P-282: every answer but the entries themselves. A definite one is named within two minutes.
#[test]
fn a_freeze_is_named_whatever_the_relay_says_instead() {
    for answer in [
        LogAnswer::NoHead,
        LogAnswer::LongerHead,
        LogAnswer::Gap,
        LogAnswer::OtherKind,
        LogAnswer::No(Reason::NoSuchAccount),
        LogAnswer::No(Reason::NotAllowed),
    ] {
        frozen(answer, 0, minutes(2));
    }
}

/// T-081, P-282: being put off is borne for five minutes, and named within seven.
#[test]
fn a_relay_that_only_puts_off_is_named_as_well() {
    for answer in [
        LogAnswer::No(Reason::RateLimited),
        LogAnswer::No(Reason::ShuttingDown),
        LogAnswer::Silence,
    ] {
        frozen(answer, minutes(4), minutes(7));
    }
}

/// T-081, P-282: the same about the own log, of which a contact knows more.
#[test]
fn a_freeze_of_the_own_log_is_named_too() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.says("how are you", ALICE),
        RELAY.shows(BOB, BOB, LogLie::Frozen),
        BOB.renames_the_own_device("Laptop"),
        RELAY.answers_for_the_log(BOB, BOB, LogAnswer::No(Reason::NotAllowed)),
        // The first submission tells Alice of the entry; her next message tells Bob.
        ALICE.says("very well", BOB),
        ALICE.says("are you there", BOB),
        wait(hours(1)),
        expect(BOB.is_warned_of_the_own_log(Some(Alarm::LogDisputed))),
        RELAY.is_honest(),
        wait(hours(1)),
        expect(BOB.is_warned_of_the_own_log(None)),
    ]);
}

/// T-004, P-283: signals carry heads too, and the relay can repeat them: an old one takes no alarm back.
#[test]
fn a_repeated_signal_ends_no_alarm() {
    scenario(&[
        ALICE.says("good morning", BOB),
        // Alice's acknowledgements are signals, with the head of today.
        BOB.says("how are you", ALICE),
        BOB.says("hello?", ALICE),
        RELAY.shows(BOB, BOB, LogLie::Frozen),
        BOB.renames_the_own_device("Laptop"),
        ALICE.says("very well", BOB),
        ALICE.says("are you there", BOB),
        wait(hours(1)),
        expect(BOB.is_warned_of_the_own_log(Some(Alarm::LogDisputed))),
        RELAY.replays_everything_to(BOB),
        expect(BOB.is_warned_of_the_own_log(Some(Alarm::LogDisputed))),
        RELAY.is_honest(),
        wait(hours(1)),
        expect(BOB.is_warned_of_the_own_log(None)),
    ]);
}

/// T-083, P-288, P-025: a revoked device, which the relay lets go on, begins a conversation with somebody who has never seen the
/// owner's log. It is found out within a minute, and not listened to any more.
#[test]
fn a_revoked_device_is_not_listened_to() {
    scenario(&[
        BOB.links(CAROL),
        // It does not learn of it itself.
        RELAY.shows(BOB, BOB, LogLie::Frozen),
        BOB.revokes_the_last_device(),
        CAROL.says("it is bob", ALICE),
        wait(hours(1)),
        expect(ALICE.is_told(
            BOB,
            Notice::DeviceRevoked {
                name: "Second".to_owned(),
            },
        )),
        CAROL.says("send me the key", ALICE),
        wait(hours(1)),
        expect(ALICE.reads(BOB, &["it is bob"])),
        BOB.says("good morning", ALICE),
        expect(ALICE.reads(BOB, &["it is bob", "good morning"])),
    ]);
}
