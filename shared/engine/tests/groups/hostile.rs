//! A relay, or a member in league with it, that lies about groups.

use std::cell::RefCell;
use std::rc::Rc;

use chopar_e2ee::group::roster::{Act, NewMember, Role};
use chopar_engine::simulator::hostile::seeds;
use chopar_engine::view::GroupTrouble;
use chopar_wire::proto::relay::Deliver;
use chopar_wire::proto::relay::relay_frame::Body;

use super::*;

/// Plays a story under a few seeds, as scenarios are; the one that fails is printed.
fn under_seeds(first: u64, story: impl Fn(u64)) {
    for seed in seeds(first, 2, 10) {
        println!("CHOPAR_SEED={seed}");
        story(seed);
    }
}

fn ghost(account: AccountId) -> Act {
    Act::Add(vec![NewMember {
        account,
        role: Role::Member,
        handle: String::new(),
        display_name: String::new(),
    }])
}

/// T-030: the relay lets its own person in: it has neither the log key nor an admin's device, so nothing of it counts.
#[test]
fn the_relay_adds_a_member() {
    under_seeds(50, |seed| {
        let (mut world, accounts, talk) = group(seed, 4);
        let small = begin(&mut world, 0, 8, accounts[1..3].to_vec());
        // The best it can do: an entry of its own making at the end of the log, and the queue of its person filled.
        world.relay.append_noise();
        world.run_for(SETTLE);
        for person in 0..3 {
            world.drop_connection(person);
        }
        world.run_for(30_000);
        say(&mut world, 1, small, "among us");
        for person in 0..3 {
            assert_eq!(view(&mut world, person, small).members.len(), 3);
        }
        assert!(!groups(&world, 3).contains(&small));
        assert_eq!(read_texts(&world, 0, &small, &accounts), ["among us"]);
        assert_eq!(read_texts(&world, 2, &small, &accounts), ["among us"]);
        let _ = talk;
    });
}

/// P-126, T-036: the relay keeps a removal from somebody: their messages wait, nobody who was removed gets them, and the group says why.
#[test]
fn the_relay_drops_a_removal() {
    under_seeds(51, |seed| {
        let (mut world, accounts, talk) = group(seed, 4);
        say(&mut world, 1, talk, "before");
        // Person 1 is shown the log as it is now, and gets nothing of person 0.
        world.relay.freeze_opaque(accounts[1]);
        let kept: Rc<RefCell<Vec<Deliver>>> = Rc::default();
        let (keeps, from_now) = (kept.clone(), Rc::new(RefCell::new(true)));
        let on = from_now.clone();
        world.tamper = Some(Box::new(move |person, body| match body {
            Body::Deliver(deliver) if person == 1 && *on.borrow() => {
                keeps.borrow_mut().push(deliver.clone());
                false
            }
            _ => true,
        }));
        assert!(change(&mut world, 0, talk, GroupChange::Remove(vec![accounts[3]])) == Answer::Done);
        // It cannot keep everything back for ever: person 2 writes, under the roster without person 3.
        *from_now.borrow_mut() = false;
        assert!(try_say(&mut world, 1, talk, "to whom does this go") == Answer::Done);
        say(&mut world, 2, talk, "under the new roster");
        world.run_for(60_000);
        assert!(is_told(&mut world, 1, talk, |notice| *notice == Notice::GroupWithheld));
        // The relay still shows the old log; the entries came in the session with person 2, who was asked.
        let shown = view(&mut world, 1, talk);
        assert_eq!((shown.trouble, shown.members.len()), (None, 3));
        assert_eq!(read_texts(&world, 1, &talk, &accounts), ["under the new roster"]);
        // What was written before that was known: nobody who was in it then is shut out, and nothing goes there afterwards.
        say(&mut world, 1, talk, "among ourselves");
        assert!(read_texts(&world, 2, &talk, &accounts).contains(&"among ourselves".to_owned()));
        assert!(!read_texts(&world, 3, &talk, &accounts).contains(&"among ourselves".to_owned()));
        world.relay.thaw_opaque(&accounts[1]);
        world.tamper = None;
        world.drop_connection(1);
        world.run_for(10 * 60_000);
        assert_eq!(view(&mut world, 1, talk).trouble, None);
        say(&mut world, 1, talk, "and on");
        assert!(read_texts(&world, 0, &talk, &accounts).contains(&"and on".to_owned()));
    });
}

/// T-031, P-125: an admin's device signs two rosters, the relay shows each to some. The first message finds it out; the group stops,
/// says who signed, and begins anew with the same people in one step.
#[test]
fn the_relay_shows_two_rosters() {
    under_seeds(52, |seed| {
        let (mut world, accounts, talk) = group(seed, 4);
        say(&mut world, 2, talk, "all is well");
        world.sign_second_roster(0, talk, &ghost(AccountId::new([6; 32])), 2);
        assert!(
            change(
                &mut world,
                0,
                talk,
                GroupChange::Name("For the others".to_owned())
            ) == Answer::Done
        );
        // Person 2 hears of the one from the admin's honest browser, and is shown the other by the relay.
        world.drop_connection(2);
        world.run_for(60_000);
        let _ = try_say(&mut world, 1, talk, "from the other side");
        world.run_for(10 * 60_000);
        let stopped = view(&mut world, 2, talk);
        let Some(GroupTrouble::Forked { signers }) = stopped.trouble else {
            panic!("the fork was not found out: {:?}", stopped.trouble)
        };
        assert_eq!(signers, [accounts[0], accounts[0]]);
        let told = is_told(&mut world, 2, talk, |notice| {
            matches!(notice, Notice::GroupForked { .. })
        });
        assert!(told);
        // Nothing more goes out from there.
        let _ = try_say(&mut world, 2, talk, "into the fork");
        world.run_for(60_000);
        for person in [0, 1, 3] {
            assert!(!read_texts(&world, person, &talk, &accounts).contains(&"into the fork".to_owned()));
        }
        let restart = Intent::RestartGroup {
            wish: [77; 16],
            conversation: talk,
        };
        let Answer::GroupBegun(fresh) = world.ask_now(2, restart) else {
            panic!("the group was not begun anew")
        };
        assert!(fresh != talk);
        world.run_for(60_000);
        say(&mut world, 2, fresh, "again together");
        for person in [0, 1, 3] {
            assert_eq!(read_texts(&world, person, &fresh, &accounts), ["again together"]);
        }
    });
}

/// T-032: everything that was ever delivered comes again, after the epoch has changed: shown once.
#[test]
fn the_relay_replays_an_old_epoch() {
    under_seeds(53, |seed| {
        let (mut world, accounts, talk) = group(seed, 3);
        let heard: Rc<RefCell<Vec<Deliver>>> = Rc::default();
        let ear = heard.clone();
        world.tamper = Some(Box::new(move |person, body| {
            if let (2, Body::Deliver(deliver)) = (person, &*body) {
                ear.borrow_mut().push(deliver.clone());
            }
            true
        }));
        say(&mut world, 0, talk, "one");
        say(&mut world, 0, talk, "two");
        assert!(change(&mut world, 0, talk, GroupChange::Name("Other keys".to_owned())) == Answer::Done);
        say(&mut world, 0, talk, "three");
        world.tamper = None;
        let mut number = 0u8;
        for deliver in heard.borrow().iter() {
            // Under its own id, and under a new one.
            for fresh in [false, true] {
                let mut again = deliver.clone();
                number = number.wrapping_add(1);
                again.seq = (1 << 40) + u64::from(number);
                if fresh {
                    again.id = vec![number; 16].into();
                }
                world.inject_to(2, Body::Deliver(again));
            }
        }
        world.run_for(SETTLE);
        assert_eq!(read_texts(&world, 2, &talk, &accounts), ["one", "two", "three"]);
        assert_eq!(world.persons[2].engine.as_ref().unwrap().quarantined(), 0);
    });
}

/// T-037, P-142: the keys of a new epoch are withheld: the message waits, nothing is lost when they come.
#[test]
fn the_relay_withholds_a_rekey() {
    under_seeds(54, |seed| {
        let (mut world, accounts, talk) = group(seed, 3);
        say(&mut world, 0, talk, "one");
        let kept: Rc<RefCell<Vec<Deliver>>> = Rc::default();
        let keeps = kept.clone();
        // Session messages to person 2 are kept; a group's body is longer than the keys, and passes.
        let mut seen = 0;
        world.tamper = Some(Box::new(move |person, body| match body {
            Body::Deliver(deliver) if person == 2 => {
                seen += 1;
                let keys = seen <= 2;
                if keys {
                    keeps.borrow_mut().push(deliver.clone());
                }
                !keys
            }
            _ => true,
        }));
        assert!(change(&mut world, 0, talk, GroupChange::Name("New keys".to_owned())) == Answer::Done);
        say(&mut world, 0, talk, "two");
        assert_eq!(kept.borrow().len(), 2);
        assert_eq!(read_texts(&world, 2, &talk, &accounts), ["one"]);
        assert!(world.persons[2].engine.as_ref().unwrap().quarantined() > 0);
        world.tamper = None;
        world.drop_connection(2);
        world.run_for(2 * 3_600_000);
        assert_eq!(read_texts(&world, 2, &talk, &accounts), ["one", "two"]);
        assert_eq!(world.persons[2].engine.as_ref().unwrap().quarantined(), 0);
    });
}

/// T-033: a removed member goes on with a copy of its whole browser of before the removal: nothing new opens.
#[test]
fn a_removed_member_with_everything_reads_nothing() {
    under_seeds(55, |seed| {
        let (mut world, accounts, talk) = group(seed, 4);
        for person in 0..4 {
            say(&mut world, person, talk, &format!("said by {person}"));
        }
        let copy = world.copy_browser(3);
        world.relay.freeze_opaque(accounts[3]);
        let heard: Rc<RefCell<Vec<Deliver>>> = Rc::default();
        let ear = heard.clone();
        world.tamper = Some(Box::new(move |person, body| {
            if let (1, Body::Deliver(deliver)) = (person, &*body) {
                ear.borrow_mut().push(deliver.clone());
            }
            true
        }));
        assert!(change(&mut world, 0, talk, GroupChange::Remove(vec![accounts[3]])) == Answer::Done);
        say(&mut world, 0, talk, "secret of the first");
        say(&mut world, 2, talk, "secret of the third");
        world.tamper = None;
        // The relay gives it everything, and its browser does not know of the removal.
        world.switch_off(3);
        world.persons[3].vault = copy;
        world.relay.lose_waiting();
        world.switch_on(3);
        world.run_for(SETTLE);
        for deliver in heard.borrow().iter() {
            world.inject_to(3, Body::Deliver(deliver.clone()));
        }
        world.run_for(SETTLE);
        let read = read_texts(&world, 3, &talk, &accounts);
        assert!(!read.iter().any(|text| text.starts_with("secret")), "{read:?}");
        // And nothing of it is taken.
        let _ = try_say(&mut world, 3, talk, "I am still here");
        world.run_for(60_000);
        for person in 0..3 {
            assert!(!read_texts(&world, person, &talk, &accounts).contains(&"I am still here".to_owned()));
        }
    });
}
