//! Every lie at once, by lot.

use chopar_engine::simulator::hostile::{ALICE, BOB, LogLie, RELAY, expect, malice, scenario, seeds};
use chopar_engine::view::Notice;

/// T-092: and with it T-005, T-010.
#[test]
fn whatever_is_mixed_the_promises_hold() {
    for seed in seeds(1, 6, 400) {
        malice(seed, 40);
    }
}

/// T-002, and its limit: who has the recovery key lets a device in, and everybody is told.
#[test]
fn a_device_let_in_by_a_stolen_key_is_announced() {
    scenario(&[
        ALICE.says("good morning", BOB),
        BOB.opens(ALICE),
        RELAY.shows(ALICE, BOB, LogLie::DeviceByStolenKey),
        ALICE.says("are you there", BOB),
        expect(ALICE.is_told(
            BOB,
            Notice::DeviceAdded {
                name: "Ghost".to_owned(),
            },
        )),
        expect(ALICE.is_not_warned(BOB)),
    ]);
}
