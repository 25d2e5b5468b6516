//! Lies about envelopes: lost, late, in another order, again, altered, given to others.

use chopar_engine::simulator::hostile::{
    ALICE, BOB, CAROL, EnvelopeLie, Order, RELAY, days, expect, hours, scenario, wait,
};
use chopar_engine::view::{Held, SentState};

/// T-012, P-095: what is kept back is seen as not delivered, and comes when it is let through.
#[test]
fn dropped_envelopes_come_later_and_no_tick_lies() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        RELAY.treats(BOB, EnvelopeLie::Kept),
        ALICE.says("are you there", BOB),
        ALICE.says("anybody", BOB),
        expect(BOB.reads(ALICE, &["good morning"])),
        expect(ALICE.sees("anybody", SentState::Sent, None)),
        RELAY.is_honest(),
        BOB.reconnects(),
        expect(BOB.reads(ALICE, &["good morning", "are you there", "anybody"])),
        expect(ALICE.sees("anybody", SentState::Delivered, None)),
    ]);
}

/// T-012, P-095: the relay said that it has a message, and lost it. No tick says that it arrived, and after a day of silence
/// it is sent again in a fresh session.
/// P-098.
#[test]
fn a_lost_queue_is_never_called_delivered() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        BOB.goes_away(),
        ALICE.says("are you there", BOB),
        RELAY.loses_the_queue_of(BOB),
        BOB.comes_back(),
        expect(BOB.reads(ALICE, &["good morning"])),
        expect(ALICE.sees("are you there", SentState::Sent, None)),
        wait(days(2)),
        expect(BOB.reads(ALICE, &["good morning", "are you there"])),
        expect(ALICE.sees("are you there", SentState::Delivered, None)),
    ]);
}

/// T-012, P-095: and where the relay loses it for a month, it is said that it did not arrive, and it can be sent again.
#[test]
fn what_never_arrives_is_said_to_have_expired() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        BOB.goes_away(),
        ALICE.says("are you there", BOB),
        wait(days(31)),
        RELAY.loses_the_queue_of(BOB),
        expect(ALICE.sees("are you there", SentState::Sent, Some(Held::Expired))),
        BOB.comes_back(),
        ALICE.retries("are you there"),
        expect(BOB.reads(ALICE, &["good morning", "are you there"])),
        expect(ALICE.sees("are you there", SentState::Delivered, None)),
    ]);
}

/// P-065, P-067, P-093: held for hours and let go in any order: all of it is shown, once.
#[test]
fn delayed_and_reordered_envelopes_are_all_shown() {
    for order in [Order::AsItCame, Order::Reversed, Order::ByLot] {
        scenario(&[
            ALICE.says("good morning", BOB),
            BOB.says("how are you", ALICE),
            RELAY.treats(BOB, EnvelopeLie::Held),
            ALICE.says("very well", BOB),
            BOB.says("hello?", ALICE),
            ALICE.says("well I said", BOB),
            ALICE.says("can you hear me", BOB),
            BOB.says("no answer", ALICE),
            ALICE.says("seems not", BOB),
            wait(hours(3)),
            RELAY.lets_go(BOB, order),
            expect(BOB.reads_in_any_order(
                ALICE,
                &[
                    "good morning",
                    "very well",
                    "well I said",
                    "can you hear me",
                    "seems not",
                ],
            )),
            expect(ALICE.sees("seems not", SentState::Delivered, None)),
        ]);
    }
}

/// P-052, P-093: the very first messages, in the order the relay likes: each carries the handshake.
#[test]
fn reordered_first_messages_are_all_shown() {
    for order in [Order::Reversed, Order::ByLot] {
        scenario(&[
            RELAY.treats(BOB, EnvelopeLie::Held),
            ALICE.says("first word", BOB),
            ALICE.says("second word", BOB),
            ALICE.says("third word", BOB),
            RELAY.lets_go(BOB, order),
            expect(BOB.reads_in_any_order(ALICE, &["first word", "second word", "third word"])),
        ]);
    }
}

/// T-005, P-068: every envelope twice, in handshake form and in session form.
#[test]
fn doubled_envelopes_are_shown_once() {
    scenario(&[
        RELAY.treats(BOB, EnvelopeLie::Twice),
        RELAY.treats(ALICE, EnvelopeLie::Twice),
        ALICE.says("good morning", BOB),
        BOB.says("how are you", ALICE),
        ALICE.says("very well", BOB),
        expect(BOB.reads(ALICE, &["good morning", "very well"])),
        expect(ALICE.reads(BOB, &["how are you"])),
        expect(ALICE.is_not_warned(BOB)),
    ]);
}

/// T-005, P-068: everything ever seen, in random order, under old and new ids, after turns, restarts and a week.
#[test]
fn everything_replayed_changes_nothing() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.says("how are you", ALICE),
        ALICE.says("very well", BOB),
        BOB.says("good to hear", ALICE),
        ALICE.says("and you", BOB),
        CAROL.says("me as well", BOB),
        BOB.opens(CAROL),
        wait(hours(1)),
        BOB.is_noted(),
        RELAY.replays_everything_to(BOB),
        expect(BOB.has_the_same_sessions_since_noted()),
        expect(BOB.sent_nothing_since_noted()),
        BOB.goes_away(),
        wait(days(7)),
        BOB.comes_back(),
        BOB.is_noted(),
        RELAY.replays_everything_to(BOB),
        expect(BOB.has_the_same_sessions_since_noted()),
        expect(BOB.reads(ALICE, &["good morning", "very well", "and you"])),
        expect(BOB.reads(CAROL, &["me as well"])),
        BOB.says("as ever", ALICE),
        expect(ALICE.reads(BOB, &["how are you", "good to hear", "as ever"])),
    ]);
}

/// T-010, P-064, P-066: one bit of each envelope is another, first in handshake form, then in session form: nothing is
/// shown, nothing is sent, no session changes, and the true ones still open.
#[test]
fn altered_envelopes_are_refused_and_change_nothing() {
    scenario(&[
        RELAY.treats(BOB, EnvelopeLie::AlteredFirst),
        ALICE.says("good morning", BOB),
        expect(BOB.reads(ALICE, &["good morning"])),
        BOB.says("how are you", ALICE),
        ALICE.says("very well", BOB),
        expect(BOB.reads(ALICE, &["good morning", "very well"])),
        BOB.is_noted(),
        RELAY.treats(BOB, EnvelopeLie::Altered),
        ALICE.says("are you there", BOB),
        expect(BOB.has_the_same_sessions_since_noted()),
        expect(BOB.sent_nothing_since_noted()),
        expect(ALICE.sees("are you there", SentState::Sent, None)),
    ]);
}

/// T-010, P-082: an altered first message makes no conversation.
#[test]
fn an_altered_first_message_makes_no_conversation() {
    scenario(&[
        RELAY.treats(BOB, EnvelopeLie::Altered),
        BOB.is_noted(),
        ALICE.says("good morning", BOB),
        expect(BOB.knows_nobody()),
        expect(BOB.has_the_same_sessions_since_noted()),
        expect(BOB.sent_nothing_since_noted()),
        RELAY.is_honest(),
        ALICE.says("once more", BOB),
        expect(BOB.reads(ALICE, &["once more"])),
    ]);
}

/// T-010, P-083: cut anywhere.
#[test]
fn envelopes_cut_short_are_refused_and_change_nothing() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.says("how are you", ALICE),
        BOB.is_noted(),
        RELAY.treats(BOB, EnvelopeLie::CutShort),
        ALICE.says("very well", BOB),
        ALICE.says("are you there", BOB),
        expect(BOB.has_the_same_sessions_since_noted()),
        expect(BOB.sent_nothing_since_noted()),
        RELAY.is_honest(),
        ALICE.says("once more", BOB),
        expect(BOB.reads(ALICE, &["good morning", "once more"])),
    ]);
}

/// T-006, P-051, P-082: what is for Bob is given to Carol: first messages and later ones.
#[test]
fn envelopes_given_to_somebody_else_do_not_open() {
    scenario(&[
        CAROL.is_noted(),
        RELAY.treats(BOB, EnvelopeLie::GivenTo(CAROL)),
        ALICE.says("good morning", BOB),
        RELAY.is_honest(),
        ALICE.says("once more", BOB),
        BOB.says("how are you", ALICE),
        RELAY.treats(BOB, EnvelopeLie::GivenTo(CAROL)),
        ALICE.says("very well", BOB),
        expect(CAROL.knows_nobody()),
        expect(CAROL.has_the_same_sessions_since_noted()),
        expect(CAROL.sent_nothing_since_noted()),
        RELAY.gives_everything_of(BOB, CAROL),
        expect(CAROL.knows_nobody()),
        expect(CAROL.sent_nothing_since_noted()),
        expect(BOB.reads(ALICE, &["once more"])),
    ]);
}

/// P-283: signals present nobody, so an old name does not come back with one.
#[test]
fn a_repeated_signal_brings_no_old_name_back() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.says("how are you", ALICE),
        ALICE.is_called("Alice One"),
        BOB.says("hello?", ALICE),
        BOB.says("are you there", ALICE),
        ALICE.is_called("Alice Two"),
        ALICE.says("yes of course", BOB),
        expect(BOB.calls(ALICE, "Alice Two")),
        RELAY.replays_everything_to(BOB),
        expect(BOB.calls(ALICE, "Alice Two")),
    ]);
}

/// T-006: what is for one device of Bob is given to the other, which has sessions with Alice of its own.
#[test]
fn envelopes_given_to_another_device_do_not_open() {
    scenario(&[
        BOB.links(CAROL),
        ALICE.says("good morning", BOB),
        BOB.says("how are you", ALICE),
        ALICE.says("very well", BOB),
        wait(hours(1)),
        CAROL.is_noted(),
        RELAY.gives_everything_of(BOB, CAROL),
        expect(CAROL.has_the_same_sessions_since_noted()),
        expect(CAROL.reads(ALICE, &["good morning", "very well"])),
        expect(BOB.reads(ALICE, &["good morning", "very well"])),
    ]);
}
