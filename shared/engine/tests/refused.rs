//! What the relay does not take: it is said on the line, tried again rarely, and goes out in order when it can.

mod common;

use chopar_engine::view::{Held, SentState};
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::proto::relay::{Reason, Refused};

use crate::common::{friends, send, shown, state};

const MINUTE: u64 = 60_000;

#[test]
fn a_relay_without_room_is_said_and_sending_goes_on_by_itself() {
    let (mut world, accounts) = friends(61);
    world.relay.full = true;
    for number in 1..=3 {
        send(&mut world, 0, accounts[1], number);
    }
    world.run_for(5_000);
    for number in 1..=3 {
        let waiting = (SentState::Waiting, Some(Held::RelayStorage));
        assert_eq!(state(&mut world, 0, accounts[1], number), waiting, "{number}");
    }
    let before = world.steps;
    world.run_for(60 * MINUTE);
    let steps = world.steps - before;
    assert!(
        steps < 1_000,
        "{steps} steps in an hour: the relay is not pressed"
    );
    assert_eq!(shown(&world, 1, &accounts[0]), ["message 101"]);
    // A restart of the browser in between changes nothing of it.
    world.crash(0);
    world.run_for(MINUTE);
    assert_eq!(state(&mut world, 0, accounts[1], 1).1, Some(Held::RelayStorage));

    world.relay.full = false;
    world.run_for(15 * MINUTE);
    assert_eq!(
        shown(&world, 1, &accounts[0]),
        ["message 101", "message 1", "message 2", "message 3"]
    );
    for number in 1..=3 {
        assert_eq!(
            state(&mut world, 0, accounts[1], number),
            (SentState::Delivered, None)
        );
    }
}

#[test]
fn what_the_relay_refuses_as_it_is_does_not_wait_in_silence() {
    for (seed, reason, said) in [
        (62, Reason::TooLarge, Some(Held::Refused)),
        (63, Reason::Malformed, Some(Held::Refused)),
        (64, Reason::NotAllowed, Some(Held::Refused)),
        (65, Reason::Unspecified, Some(Held::Refused)),
        (66, Reason::RateLimited, None),
        (67, Reason::ShuttingDown, None),
    ] {
        let (mut world, accounts) = friends(seed);
        world.tamper = Some(Box::new(move |person, body| {
            if person == 0 && matches!(body, Body::Accepted(_)) {
                *body = Body::Refused(Refused {
                    reason: reason.into(),
                    ..Refused::default()
                });
            }
            true
        }));
        send(&mut world, 0, accounts[1], 1);
        world.run_for(2_000);
        assert_eq!(
            state(&mut world, 0, accounts[1], 1),
            (SentState::Waiting, said),
            "case {seed}"
        );
        world.tamper = None;
        world.run_for(MINUTE);
        assert_eq!(
            state(&mut world, 0, accounts[1], 1),
            (SentState::Delivered, None),
            "case {seed}"
        );
        assert_eq!(
            shown(&world, 1, &accounts[0]),
            ["message 101", "message 1"],
            "once"
        );
    }
}
