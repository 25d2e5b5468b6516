//! A relay that lies, in a small language: a scenario is a list of steps that reads like a play.
//!
//! ```
//! use chopar_engine::simulator::hostile::{ALICE, BOB, CAROL, PrekeyLie, RELAY, expect, hours, scenario, wait};
//! use chopar_engine::view::Alarm;
//!
//! scenario(&[
//!     RELAY.hands_out(BOB, PrekeyLie::BundleOf(CAROL)),
//!     ALICE.says("good morning", BOB),
//!     expect(ALICE.is_warned(BOB, Alarm::BundleForged)),
//!     expect(BOB.reads(ALICE, &[])),
//!     RELAY.is_honest(),
//!     wait(hours(1)),
//!     expect(ALICE.is_not_warned(BOB)),
//!     expect(BOB.reads(ALICE, &["good morning"])),
//! ]);
//! ```
//!
//! After every scenario the promises of [`promises`] are checked, whatever it was about. [`malice`] lets chance write the
//! scenarios. A failure prints the play up to the step that failed, and the seed that plays it again:
//! `CHOPAR_SEED=<seed> cargo test -p chopar-engine --test hostile <test>`.
//!
//! | module | holds |
//! |---|---|
//! | `cast` | the people, and what they do |
//! | `relay_deeds` | what the relay does to them |
//! | `lies` | what it does to single frames: envelopes and bundles |
//! | `prekey_lies`, `log_lies` | bundles and logs that are not so |
//! | `expectation` | what must hold then |
//! | `promises` | what must hold always |
//! | `stage`, `step` | the world of a scenario, and how it is played |
//! | `malice` | random scenarios |

mod cast;
mod expectation;
mod lies;
mod log_lies;
mod malice;
mod prekey_lies;
mod promises;
mod relay_deeds;
mod stage;
mod step;

pub use cast::{ALICE, BOB, CAROL, Who};
pub use expectation::{Expectation, expect};
pub use log_lies::LogLie;
pub use malice::malice;
pub use prekey_lies::{LOW_ORDER, Place, PrekeyLie};
pub use relay_deeds::{EnvelopeLie, Order, RELAY, TheRelay};
pub use stage::Stage;
pub use step::{Step, days, hours, play, scenario, seeds, wait};
