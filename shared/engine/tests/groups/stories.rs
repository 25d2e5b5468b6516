//! What people do in groups when nothing goes wrong.

use chopar_engine::view::{GroupDeed, SentState};

use super::*;

/// P-140, P-141: one upload for everybody, everybody reads it, and who wrote what is right.
#[test]
fn a_group_talks() {
    let (mut world, accounts, talk) = group(1, 4);
    for person in 0..4 {
        assert_eq!(groups(&world, person), [talk], "person {person}");
        let view = view(&mut world, person, talk);
        assert_eq!((view.name.as_str(), view.members.len()), ("Hisob-kitob", 4));
        let admins = view.members.iter().filter(|member| member.admin);
        assert_eq!(
            admins.map(|member| member.account).collect::<Vec<_>>(),
            [accounts[0]]
        );
    }
    say(&mut world, 0, talk, "salom hammaga");
    assert_eq!(world.relay.group_bodies, 1);
    say(&mut world, 2, talk, "vaalaykum");
    say(&mut world, 0, talk, "boshladik");
    assert_eq!(world.relay.group_bodies, 3);
    let all = [(0, "salom hammaga"), (2, "vaalaykum"), (0, "boshladik")];
    for person in 0..4 {
        let expected: Vec<_> = all
            .iter()
            .filter(|(who, _)| *who != person)
            .map(|(who, text)| (*who, (*text).to_owned()))
            .collect();
        assert_eq!(
            reads(&world, person, &talk, &accounts),
            expected,
            "person {person}"
        );
        assert_eq!(world.persons[person].engine.as_ref().unwrap().quarantined(), 0);
    }
    assert_eq!(world.relay.waiting(), 0);
}

/// P-143: ticks say what the slowest says, and each member's can be seen.
#[test]
fn ticks_are_kept_for_each_member() {
    let (mut world, accounts, talk) = group(2, 3);
    let id = id_of("kim o'qidi");
    let seen = |world: &mut World| {
        let (own, _) = state_of(world, talk, id);
        match world.ask_now(
            0,
            Intent::MessageStates {
                conversation: talk,
                id,
            },
        ) {
            Answer::MessageStates(states) => (own, states),
            _ => panic!("states"),
        }
    };
    // One is away.
    world.switch_off(2);
    say(&mut world, 0, talk, "kim o'qidi");
    let (own, states) = seen(&mut world);
    assert_eq!(own, SentState::Sent);
    let of = |account: AccountId, states: &[chopar_engine::view::MemberState]| {
        states
            .iter()
            .find(|state| state.account == account)
            .unwrap()
            .state
    };
    assert_eq!(of(accounts[1], &states), SentState::Delivered);
    assert_eq!(of(accounts[2], &states), SentState::Sent);
    let read = |world: &mut World, person| {
        let intent = Intent::MarkRead {
            conversation: talk,
            up_to: u64::MAX,
        };
        world.ask_now(person, intent);
        world.run_for(SETTLE);
    };
    read(&mut world, 1);
    let (own, states) = seen(&mut world);
    assert_eq!(
        (own, of(accounts[1], &states)),
        (SentState::Sent, SentState::Read)
    );
    world.switch_on(2);
    world.run_for(SETTLE);
    assert_eq!(seen(&mut world).0, SentState::Delivered);
    read(&mut world, 2);
    assert_eq!(seen(&mut world).0, SentState::Read);
}

fn state_of(world: &mut World, talk: AccountId, id: MessageId) -> (SentState, bool) {
    let own = lines(world, 0, talk)
        .into_iter()
        .find_map(|line| match line.body {
            LineBody::Own { id: own, state, .. } if own == id => Some((state, true)),
            _ => None,
        });
    own.expect("an own message")
}

/// P-121, P-138, T-033: who comes later reads nothing from before, who goes nothing from after; everybody is told who did what.
#[test]
fn people_come_and_go() {
    let (mut world, accounts, talk) = group(3, 5);
    // Person 4 is not in yet.
    let other = begin(&mut world, 0, 7, accounts[1..4].to_vec());
    assert_ne!(other, talk);
    assert_eq!(groups(&world, 4), [talk]);
    say(&mut world, 1, other, "before the fourth");
    assert!(change(&mut world, 0, other, add(vec![accounts[4]])) == Answer::Done);
    assert!(groups(&world, 4).contains(&other));
    say(&mut world, 1, other, "with the fourth");
    say(&mut world, 4, other, "I am here");
    assert!(change(&mut world, 0, other, GroupChange::Remove(vec![accounts[2]])) == Answer::Done);
    say(&mut world, 1, other, "without the second");
    assert_eq!(
        read_texts(&world, 4, &other, &accounts),
        ["with the fourth", "without the second"]
    );
    assert_eq!(
        read_texts(&world, 2, &other, &accounts),
        ["before the fourth", "with the fourth", "I am here"]
    );
    assert_eq!(
        read_texts(&world, 3, &other, &accounts),
        [
            "before the fourth",
            "with the fourth",
            "I am here",
            "without the second"
        ]
    );
    assert!(view(&mut world, 2, other).over);
    assert!(try_say(&mut world, 2, other, "let me in") == NOT_ALLOWED);
    let (by, who) = (accounts[0], accounts[2]);
    for person in [1, 2, 3, 4] {
        let told = is_told(&mut world, person, other, |notice| {
            *notice
                == Notice::Group {
                    by,
                    deed: GroupDeed::Removed(vec![who]),
                }
        });
        assert!(told, "person {person}");
    }
    // Leaving renews the key as well, and a name changes for everybody.
    assert!(change(&mut world, 3, other, GroupChange::Leave) == Answer::Done);
    assert!(change(&mut world, 0, other, GroupChange::Name("Yangi nom".to_owned())) == Answer::Done);
    world.run_for(120_000);
    assert_eq!(view(&mut world, 4, other).name, "Yangi nom");
    assert_eq!(view(&mut world, 1, other).members.len(), 3);
    say(&mut world, 4, other, "three of us");
    assert_eq!(
        read_texts(&world, 1, &other, &accounts).last().unwrap(),
        "three of us"
    );
    assert!(!read_texts(&world, 3, &other, &accounts).contains(&"three of us".to_owned()));
}

/// P-121: roles, admin-only writing, the last admin.
#[test]
fn admins_decide() {
    let (mut world, accounts, talk) = group(4, 3);
    let name = |name: &str| GroupChange::Name(name.to_owned());
    assert!(change(&mut world, 1, talk, name("Mine")) == NOT_ALLOWED);
    let leave = change(&mut world, 0, talk, GroupChange::Leave);
    assert!(leave == Answer::Failed(Failure::LastAdmin));
    let role = GroupChange::Role {
        account: accounts[1],
        admin: true,
    };
    assert!(change(&mut world, 0, talk, role) == Answer::Done);
    assert!(change(&mut world, 1, talk, name("Ours")) == Answer::Done);
    assert!(change(&mut world, 1, talk, GroupChange::AdminsOnly(true)) == Answer::Done);
    assert!(try_say(&mut world, 2, talk, "may I") == NOT_ALLOWED);
    say(&mut world, 1, talk, "only we");
    assert_eq!(read_texts(&world, 2, &talk, &accounts), ["only we"]);
    assert!(change(&mut world, 0, talk, GroupChange::Leave) == Answer::Done);
    assert!(change(&mut world, 1, talk, GroupChange::Timer(3600)) == Answer::Done);
    let shown = view(&mut world, 2, talk);
    assert_eq!((shown.members.len(), shown.timer_seconds), (2, 3600));
    assert!(shown.admins_only && shown.name == "Ours");
}

/// Who is named on a line is called by name, without the whole group being asked for.
#[test]
fn one_name_is_asked_for_by_itself() {
    let (mut world, accounts, _) = group(6, 3);
    let stranger = AccountId::new([3; 32]);
    let asked = Intent::Names {
        accounts: vec![accounts[1], stranger],
    };
    let Answer::Names(names) = world.ask_now(2, asked) else {
        panic!("names")
    };
    assert_eq!(names, [(accounts[1], "Person 1".to_owned())]);
}

/// P-137, P-140: everything goes on after every browser was closed and opened.
#[test]
fn groups_survive_restarts() {
    let (mut world, accounts, talk) = group(5, 3);
    say(&mut world, 0, talk, "one");
    say(&mut world, 1, talk, "two");
    for person in 0..3 {
        world.switch_off(person);
        world.switch_on(person);
    }
    world.run_for(SETTLE);
    say(&mut world, 2, talk, "three");
    say(&mut world, 0, talk, "four");
    assert_eq!(read_texts(&world, 1, &talk, &accounts), ["one", "three", "four"]);
    assert_eq!(read_texts(&world, 2, &talk, &accounts), ["one", "two", "four"]);
    for person in 0..3 {
        assert!(world.persons[person].engine.as_ref().unwrap().damage().is_empty());
        assert_eq!(view(&mut world, person, talk).members.len(), 3);
    }
}

/// P-025, P-138: a member's new device gets what is said from then on, a revoked one nothing.
#[test]
fn devices_of_members_come_and_go() {
    let (mut world, accounts, talk) = group(6, 4);
    say(&mut world, 0, talk, "first");
    // Person 3 becomes person 1's second device.
    world.reset(3);
    world.link(3, 1);
    world.drop_connection(1);
    world.run_for(30_000);
    let device = world.relay.log(&accounts[1]).active_devices()[1].id;
    say(&mut world, 0, talk, "second");
    world.run_for(60_000);
    // The new device knows the group by what its senders hand over.
    assert_eq!(read_texts(&world, 3, &talk, &accounts), ["second"]);
    say(&mut world, 3, talk, "from the new one");
    assert_eq!(
        read_texts(&world, 0, &talk, &accounts).last().unwrap(),
        "from the new one"
    );
    assert!(world.ask_now(1, Intent::RevokeDevice { device }) == Answer::Done);
    world.run_for(SETTLE);
    say(&mut world, 0, talk, "third");
    assert_eq!(
        read_texts(&world, 1, &talk, &accounts),
        ["first", "second", "third"]
    );
    assert!(!read_texts(&world, 3, &talk, &accounts).contains(&"third".to_owned()));
}
