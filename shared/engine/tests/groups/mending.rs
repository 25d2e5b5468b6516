//! What is lost comes again; what collides converges.

use chopar_engine::Kind;

use super::*;

/// P-124, P-127: two admins change the group in the same moment; who is second does it again on top of the first.
#[test]
fn changes_of_two_admins_converge() {
    let (mut world, accounts, talk) = group(40, 4);
    let role = GroupChange::Role {
        account: accounts[1],
        admin: true,
    };
    assert!(change(&mut world, 0, talk, role) == Answer::Done);
    for round in 0..5u8 {
        let ask = |world: &mut World, person: usize, change| {
            world.ask(
                person,
                0,
                Intent::ChangeGroup {
                    conversation: talk,
                    change,
                },
            )
        };
        let one = ask(&mut world, 0, GroupChange::Name(format!("By the first {round}")));
        let other = ask(&mut world, 1, GroupChange::Timer(60 + u32::from(round)));
        world.run_for(30_000);
        assert!(world.persons[0].answers[&one] == Answer::Done);
        assert!(world.persons[1].answers[&other] == Answer::Done);
    }
    // One removes the other, who does something in the same moment: whatever came first, all see the same.
    world.ask(
        0,
        0,
        Intent::ChangeGroup {
            conversation: talk,
            change: GroupChange::Remove(vec![accounts[1]]),
        },
    );
    world.ask(
        1,
        0,
        Intent::ChangeGroup {
            conversation: talk,
            change: GroupChange::Name("Last word".to_owned()),
        },
    );
    world.run_for(60_000);
    let seen: Vec<_> = [0, 2, 3]
        .into_iter()
        .map(|person| {
            let view = view(&mut world, person, talk);
            (view.name, view.timer_seconds, view.members.len(), view.trouble)
        })
        .collect();
    assert!(seen.iter().all(|one| *one == seen[0]), "{:?}", seen.len());
    assert_eq!((seen[0].1, seen[0].2, &seen[0].3), (64, 3, &None));
    say(&mut world, 2, talk, "still here");
    assert_eq!(read_texts(&world, 3, &talk, &accounts), ["still here"]);
}

/// P-142: epochs that a browser lost, with every session, come again by themselves.
#[test]
fn a_lost_epoch_comes_again() {
    let (mut world, accounts, talk) = group(41, 3);
    say(&mut world, 0, talk, "one");
    for damaged in [Kind::GroupEpoch, Kind::Session] {
        world.switch_off(1);
        assert!(world.persons[1].vault.damage(|key| key.kind == damaged) > 0);
        world.switch_on(1);
        world.run_for(SETTLE);
        say(&mut world, 0, talk, &format!("after {damaged:?}"));
        world.run_for(2 * 3_600_000);
    }
    assert_eq!(
        read_texts(&world, 1, &talk, &accounts),
        ["one", "after GroupEpoch", "after Session"]
    );
}

/// P-142: a message that the relay lost is asked for and comes again, shown once.
#[test]
fn a_lost_message_comes_again() {
    let (mut world, accounts, talk) = group(42, 3);
    say(&mut world, 0, talk, "one");
    world.switch_off(2);
    say(&mut world, 0, talk, "lost");
    world.relay.lose_waiting();
    world.switch_on(2);
    world.run_for(SETTLE);
    say(&mut world, 0, talk, "three");
    world.run_for(10 * 60_000);
    let mut read = read_texts(&world, 2, &talk, &accounts);
    read.sort();
    assert_eq!(read, ["lost", "one", "three"]);
    assert_eq!(read_texts(&world, 1, &talk, &accounts), ["one", "lost", "three"]);
}
