//! A hostile relay, attack by attack: each test is a scenario of `simulator::hostile` and names the rules it proves.
//!
//! `CHOPAR_FULL=1` plays each under more seeds, `CHOPAR_SEED=<seed>` plays one again.

mod database;
mod envelopes;
mod logs;
mod malice;
mod prekeys;
mod strangers;
