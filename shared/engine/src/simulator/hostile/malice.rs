//! Random scenarios: people talk, come and go, and the relay tells its lies, several at once, by lot. Not drawn is a
//! second history that an account's own device signed: nothing but its owner's word ends that, and it has scenarios of its own.
//!
//! After each step the promises are checked. At the end the relay is honest, a while passes, and what was said is shown or its
//! sender is told why not.

use chopar_wire::proto::relay::Reason;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::cast::{ALICE, BOB, CAROL, Who};
use super::log_answers::LogAnswer;
use super::log_lies::LogLie;
use super::prekey_lies::{LOW_ORDER, Place, PrekeyLie};
use super::relay_deeds::{EnvelopeLie, Order, RELAY};
use super::stage::Stage;
use super::step::{Step, days, hours, play, wait};

/// Everybody.
const CAST: [Who; 3] = [ALICE, BOB, CAROL];
/// The database the relay may go back to.
const COPY: &str = "some day";
/// How long an honest relay has to make everything good: several silences of a day, each of which doubles.
const AFTERWARDS_MS: u64 = days(20);

/// Plays so many deeds by lot.
///
/// # Panics
/// As [`play`]: with the play and the seed that plays it again.
#[track_caller]
pub fn malice(seed: u64, deeds: usize) -> Stage {
    let mut author = Author {
        rng: ChaCha8Rng::seed_from_u64(seed),
        away: [false; CAST.len()],
        copied: false,
        restored: false,
        texts: 0,
    };
    let mut steps: Vec<Step> = (0..deeds).flat_map(|_| author.deed()).map(kept).collect();
    steps.push(RELAY.is_honest());
    steps.extend(CAST.into_iter().flat_map(|who| author.back(who)));
    steps.push(kept(wait(AFTERWARDS_MS)));
    steps.push(Step::checked(
        "everything is shown, or its sender is told why not".to_owned(),
        all_is_accounted_for,
    ));
    play(seed, &steps)
}

/// Whoever writes the play.
struct Author {
    rng: ChaCha8Rng,
    away: [bool; CAST.len()],
    /// Whether the relay has a copy of its database.
    copied: bool,
    /// Whether it went back to it: a log that grows from then on contradicts what its owner's device signed before.
    restored: bool,
    texts: usize,
}

impl Author {
    fn below(&mut self, bound: usize) -> usize {
        (self.rng.next_u64() % bound.max(1) as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Two people.
    fn pair(&mut self) -> (Who, Who) {
        let one = self.below(CAST.len());
        let other = (one + 1 + self.below(CAST.len() - 1)) % CAST.len();
        (CAST[one], CAST[other])
    }

    /// Opens a browser that is closed.
    fn back(&mut self, who: Who) -> Option<Step> {
        std::mem::take(&mut self.away[who.0]).then(|| who.comes_back())
    }

    /// What happens next.
    fn deed(&mut self) -> Vec<Step> {
        let (who, other) = self.pair();
        let mut steps = Vec::new();
        match self.below(100) {
            0..40 => {
                self.texts += 1;
                steps.extend(self.back(who));
                steps.push(who.says(format!("text number {}", self.texts), other));
            }
            40..45 => {
                steps.extend(self.back(who));
                steps.push(who.opens(other));
            }
            45..51 => match self.back(who) {
                Some(back) => steps.push(back),
                None => {
                    self.away[who.0] = true;
                    steps.push(who.goes_away());
                }
            },
            51..54 => steps.push(who.reconnects()),
            54..59 => steps.push(wait(self.one_of(&[60_000, hours(1), hours(7), days(1)]))),
            59..62 if !self.restored => {
                let name = self.one_of(&["Laptop", "Telephone", "Borrowed"]);
                steps.push(who.renames_the_own_device(name));
            }
            62..72 => steps.push(RELAY.treats(who, self.envelope_lie(other))),
            72..75 => steps.push(RELAY.answers_for_the_log(who, other, self.log_answer())),
            75..76 => steps.push(self.rare_deed(who, other)),
            76..79 => {
                let order = self.one_of(&[Order::AsItCame, Order::Reversed, Order::ByLot]);
                steps.push(RELAY.lets_go(who, order));
            }
            79..81 => steps.push(RELAY.loses_the_queue_of(who)),
            81..83 => steps.push(RELAY.replays_everything_to(who)),
            83..85 => steps.push(RELAY.gives_everything_of(who, other)),
            85..86 => steps.push(RELAY.floods(who, 20)),
            86..91 => steps.push(RELAY.hands_out(who, self.prekey_lie(other))),
            91..93 => steps.push(RELAY.drains_the_pool_of(who)),
            93..95 => steps.push(RELAY.shows(who, other, self.log_lie(who))),
            95..96 => steps.push(self.rare_deed(who, other)),
            96..97 if self.copied => {
                self.restored = true;
                steps.push(RELAY.restores(COPY));
            }
            96..97 => {
                self.copied = true;
                steps.push(RELAY.remembers(COPY));
            }
            _ => steps.push(RELAY.is_honest()),
        }
        steps
    }

    /// What nobody but a relay, or somebody with made-up accounts, would do.
    fn rare_deed(&mut self, who: Who, other: Who) -> Step {
        match self.below(4) {
            0 => RELAY.says_it_has_bundle(who, self.one_of(&[2, 1_000, u64::MAX])),
            1 => RELAY.wants_pairs_of(who, 45),
            2 => other.forges(who, other, self.log_lie(other)),
            _ => RELAY.makes_up_senders(who, 30),
        }
    }

    fn log_answer(&mut self) -> LogAnswer {
        self.one_of(&[
            LogAnswer::OtherHead,
            LogAnswer::ShorterHead,
            LogAnswer::NoHead,
            LogAnswer::LongerHead,
            LogAnswer::Gap,
            LogAnswer::No(Reason::NoSuchAccount),
            LogAnswer::No(Reason::NotAllowed),
            LogAnswer::No(Reason::RateLimited),
            LogAnswer::No(Reason::ShuttingDown),
            LogAnswer::OtherKind,
            LogAnswer::Silence,
            LogAnswer::EmptyMismatch,
        ])
    }

    fn envelope_lie(&mut self, other: Who) -> EnvelopeLie {
        self.one_of(&[
            EnvelopeLie::Kept,
            EnvelopeLie::Held,
            EnvelopeLie::Twice,
            EnvelopeLie::Altered,
            EnvelopeLie::AlteredFirst,
            EnvelopeLie::CutShort,
            EnvelopeLie::GivenTo(other),
        ])
    }

    fn prekey_lie(&mut self, other: Who) -> PrekeyLie {
        let point = self.one_of(&LOW_ORDER);
        let place = self.one_of(&[Place::SignedPrekey, Place::SealingKey, Place::Pair]);
        if self.copied && self.below(12) == 0 {
            return PrekeyLie::BaseFrom(COPY);
        }
        self.one_of(&[
            PrekeyLie::BundleOf(other),
            PrekeyLie::BaseOf(other),
            PrekeyLie::PairOf(other),
            PrekeyLie::KemKeysOf(other),
            PrekeyLie::OwnKeys,
            PrekeyLie::BitOfSignature,
            PrekeyLie::LowOrder(place, point),
            PrekeyLie::WithoutKem(Place::LastResort),
            PrekeyLie::WithoutKem(Place::Pair),
            PrekeyLie::LowerSuite,
            PrekeyLie::WithoutPair,
            PrekeyLie::SamePair,
        ])
    }

    fn log_lie(&mut self, other: Who) -> LogLie {
        self.one_of(&[
            LogLie::Frozen,
            LogLie::First(1),
            LogLie::First(2),
            LogLie::ForgedDevice,
            LogLie::DeviceByStolenKey,
            LogLie::Of(other),
        ])
    }
}

/// The step, and the promises after it.
fn kept(step: Step) -> Step {
    let words = step.words().to_owned();
    Step::checked(words, move |stage| {
        step.take(stage)?;
        stage.promises()
    })
}

/// Where no alarm stands between two people, what one said to the other is shown there or said to be held.
fn all_is_accounted_for(stage: &mut Stage) -> Result<(), String> {
    let said: Vec<_> = stage
        .said
        .iter()
        .map(|said| (said.from, said.to, said.text.clone()))
        .collect();
    for (from, to, text) in said {
        let alarms = [(from, to), (to, from), (from, from), (to, to)];
        if alarms.iter().any(|(who, about)| stage.kept_alarm(*who, *about)) {
            continue;
        }
        let shown = stage.shown(to, from).contains(&text);
        let state = stage.own_state(from, &text);
        if !shown && state.is_none_or(|(_, held)| held.is_none()) {
            return Err(format!(
                "{from} said {text:?} to {to}: not shown, and it is {state:?}"
            ));
        }
    }
    Ok(())
}

impl Stage {
    /// Whether an alarm about an account, the own one too, stands with a person.
    fn kept_alarm(&self, who: Who, about: Who) -> bool {
        let engine = self.world.persons[who.0].engine.as_ref();
        let contact = engine.and_then(|engine| engine.contacts.get(&self.account(about)));
        contact.is_some_and(|contact| contact.alarm.is_some())
    }
}
