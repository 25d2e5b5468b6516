//! Everything that is done with messages, by everybody at once, while the network loses and doubles, browsers crash and the relay
//! restarts: in the end all devices of all people show the same.

use std::collections::BTreeMap;
use std::ops::Range;

use chopar_engine::simulator::Faults;
use chopar_engine::view::{Extra, Reference};

use super::*;
use crate::common::{delete, react, timer};

/// People in the group. The first has a second device, which is person [`SECOND`].
const PEOPLE: usize = 4;
const SECOND: usize = PEOPLE;
/// What is done in one run, by all together.
const DEEDS: u64 = 120;
const EMOJI: [&str; 4] = ["👍", "❤️", "🎉", ""];
const ROUGH: Faults = Faults {
    delay_ms: 300,
    drop_ms: 20_000,
    crash_ms: 30_000,
    restart_ms: 40_000,
    twice_percent: 5,
};

/// How many runs: few in an ordinary one, more where the whole is wanted.
fn size() -> u64 {
    if std::env::var_os("CHOPAR_FULL").is_some() {
        40
    } else {
        4
    }
}

/// P-160, P-165, P-166, P-168.
#[test]
fn all_come_to_show_the_same_whatever_happens() {
    for seed in 3_520..3_520 + size() {
        Run::begin(seed).play_out();
    }
}

/// A conversation of several people, and what was said in it.
struct Talk {
    /// Devices, and what each calls the conversation.
    devices: Vec<(usize, AccountId)>,
    said: Vec<Reference>,
}

struct Run {
    seed: u64,
    world: World,
    accounts: Vec<AccountId>,
    group: Talk,
    /// Between the second and the third.
    pair: Talk,
}

impl Run {
    fn begin(seed: u64) -> Self {
        let mut world = World::new(seed, PEOPLE + 1, crate::common::CALM);
        let accounts: Vec<AccountId> = (0..PEOPLE).map(|person| world.onboard(person)).collect();
        world.link(SECOND, 0);
        // The next sign-in tells the first device of the second.
        world.drop_connection(0);
        world.run_for(30_000);
        for other in 1..PEOPLE {
            open(&mut world, 0, other, accounts[other]);
            open(&mut world, other, 0, accounts[0]);
        }
        open(&mut world, 1, 2, accounts[2]);
        open(&mut world, 2, 1, accounts[1]);
        let talk = begin(&mut world, 0, 1, accounts[1..].to_vec());
        world.run_for(60_000);
        let said = Vec::new();
        let group = Talk {
            devices: (0..=PEOPLE).map(|device| (device, talk)).collect(),
            said: said.clone(),
        };
        let pair = Talk {
            devices: vec![(1, accounts[2]), (2, accounts[1])],
            said,
        };
        Self {
            seed,
            world,
            accounts,
            group,
            pair,
        }
    }

    fn play_out(mut self) {
        self.rough(0..DEEDS / 2);
        // From now on only admins write. The others still take back what they said.
        let talk = self.group.devices[0].1;
        assert!(change(&mut self.world, 0, talk, GroupChange::AdminsOnly(true)) == Answer::Done);
        self.world.run_for(60_000);
        self.rough(DEEDS / 2..DEEDS);
        for (device, conversation) in self.both() {
            let up_to = u64::MAX;
            let read = Intent::MarkRead { conversation, up_to };
            crate::common::done(&mut self.world, device, read);
        }
        self.world.run_for(3_600_000);
        self.check();
    }

    /// So much is done while everything goes wrong; then it is calm until nothing more comes.
    fn rough(&mut self, numbers: Range<u64>) {
        self.world.set_faults(ROUGH);
        let mut at = 0;
        for number in numbers {
            at += self.world.below(3_000);
            let in_group = self.world.below(3) > 0;
            let (device, intent) = self.deed(number, in_group);
            self.world.ask(device, at, intent);
        }
        self.world.run_for(at + 1_000);
        self.world.set_faults(Faults {
            delay_ms: 50,
            ..Faults::default()
        });
        self.world.run_for(2 * 24 * 3_600_000);
    }

    fn both(&self) -> Vec<(usize, AccountId)> {
        let talks = [&self.group, &self.pair].into_iter();
        talks.flat_map(|talk| talk.devices.clone()).collect()
    }

    fn account_of(&self, device: usize) -> AccountId {
        self.accounts[device % SECOND]
    }

    /// Something that some device does now.
    fn deed(&mut self, number: u64, in_group: bool) -> (usize, Intent) {
        let talk = if in_group { &self.group } else { &self.pair };
        let at = self.world.below(talk.devices.len() as u64) as usize;
        let (device, conversation) = talk.devices[at];
        let author = self.account_of(device);
        let some = match talk.said.len() {
            0 => None,
            said => Some(talk.said[self.world.below(said as u64) as usize]),
        };
        let own: Vec<Reference> = talk
            .said
            .iter()
            .copied()
            .filter(|of| of.author == author)
            .collect();
        let own = match own.len() {
            0 => None,
            count => Some(own[self.world.below(count as u64) as usize]),
        };
        let seconds = [0, 0, 0, 30, 300][self.world.below(5) as usize];
        let intent = match (self.world.below(20), some, own) {
            (0..=3, Some(message), _) => {
                let emoji = EMOJI[self.world.below(4) as usize];
                react(conversation, message, emoji)
            }
            (4..=7, _, Some(message)) => Intent::Edit {
                conversation,
                id: message.id,
                text: format!("{}: edited {number}", self.seed),
            },
            (8 | 9, _, Some(message)) => delete(conversation, message, true),
            (10, ..) if in_group => Intent::ChangeGroup {
                conversation,
                change: GroupChange::Timer(seconds),
            },
            (10, ..) => timer(conversation, seconds),
            (11, ..) => Intent::MarkRead {
                conversation,
                up_to: u64::MAX,
            },
            _ => return (device, self.say(conversation, author, number, some, in_group)),
        };
        (device, intent)
    }

    fn say(
        &mut self,
        conversation: AccountId,
        author: AccountId,
        number: u64,
        some: Option<Reference>,
        in_group: bool,
    ) -> Intent {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(number + 1).to_be_bytes());
        id[8..].copy_from_slice(&self.seed.to_be_bytes());
        let id = MessageId::new(id);
        let talk = if in_group { &mut self.group } else { &mut self.pair };
        talk.said.push(Reference { author, id });
        Intent::Send {
            conversation,
            id,
            text: format!("{}: said {number}", self.seed),
            reply_to: some.filter(|_| number.is_multiple_of(3)),
            forwarded: number.is_multiple_of(7),
        }
    }

    fn check(&mut self) {
        let (seed, mishaps) = (self.seed, self.world.mishaps);
        assert!(mishaps.iter().all(|count| *count > 0), "seed {seed}: {mishaps:?}");
        let (group, pair) = (self.group.devices.clone(), self.pair.devices.clone());
        let done = [self.agree(&group), self.agree(&pair)].concat();
        assert!(done.len() > 10, "seed {seed}: only {} are left", done.len());
        let any = |what: fn(&Extra) -> bool| done.iter().any(what);
        assert!(any(|extra| extra.edited), "seed {seed}: nothing was edited");
        assert!(any(|extra| extra.deleted), "seed {seed}: nothing was deleted");
        assert!(
            any(|extra| extra.reply_to.is_some()),
            "seed {seed}: nothing was answered"
        );
        assert!(
            any(|extra| !extra.reactions.is_empty()),
            "seed {seed}: nobody reacted"
        );
        for device in 0..=PEOPLE {
            let engine = self.world.persons[device].engine.as_ref().unwrap();
            assert!(engine.damage().is_empty(), "seed {seed}: damage at {device}");
        }
    }

    /// That all devices show the same of a conversation; gives what there is about its messages. One that was taken back before it
    /// came to a device was never there: all others say that it was deleted.
    fn agree(&mut self, devices: &[(usize, AccountId)]) -> Vec<Extra> {
        let seed = self.seed;
        let shown: Vec<BTreeMap<Reference, (String, Extra)>> = devices
            .iter()
            .map(|(device, conversation)| self.shown(*device, *conversation))
            .collect();
        let mut all: BTreeMap<Reference, (String, Extra)> = BTreeMap::new();
        all.extend(shown.iter().flatten().map(|(of, what)| (*of, what.clone())));
        for ((device, _), shown) in devices.iter().zip(&shown) {
            for (of, what) in &all {
                match shown.get(of) {
                    Some(here) => assert_eq!(here, what, "seed {seed}: {of:?} at {device}"),
                    None => assert!(
                        what.1.deleted,
                        "seed {seed}: {of:?} is missing at {device}: {what:?}"
                    ),
                }
            }
        }
        all.into_values().map(|(_, extra)| extra).collect()
    }

    /// Every message that a device shows, with what was done with it; without what differs between devices: places and ticks.
    fn shown(&mut self, device: usize, conversation: AccountId) -> BTreeMap<Reference, (String, Extra)> {
        let page = Intent::Page {
            conversation,
            before: None,
            limit: 500,
        };
        let Answer::Page { lines, more: false } = self.world.ask_now(device, page) else {
            panic!("all lines in one page")
        };
        let own = self.account_of(device);
        let count = lines.len();
        let all: BTreeMap<_, _> = lines
            .into_iter()
            .enumerate()
            .map(|(at, line)| match line.body {
                LineBody::Own { id, text, extra, .. } => (Ok(Reference { author: own, id }), (text, extra)),
                LineBody::Theirs { id, text, extra } => {
                    let author = line.author.unwrap_or(conversation);
                    (Ok(Reference { author, id }), (text, extra))
                }
                LineBody::Notice(_) => (Err(at), Default::default()),
            })
            .collect();
        assert_eq!(
            all.len(),
            count,
            "seed {}: one is there twice at {device}",
            self.seed
        );
        let messages = all.into_iter().filter_map(|(of, what)| Some((of.ok()?, what)));
        messages.collect()
    }
}
