//! What makes no sense, or is nobody's right.

use super::*;

/// P-121, P-144: refused by name, and nothing changed.
#[test]
fn what_no_group_can_be_is_refused() {
    let (mut world, accounts, talk) = group(30, 3);
    let create = |name: String, members: Vec<AccountId>| Intent::CreateGroup {
        wish: [9; 16],
        name,
        members: members.into_iter().map(Invitee::from).collect(),
    };
    for name in ["x".repeat(10_000), String::new(), "a\u{202e}b".to_owned()] {
        let refused = world.ask_now(0, create(name.clone(), vec![accounts[1]]));
        assert!(refused == Answer::Failed(Failure::NameInvalid));
        let refused = change(&mut world, 0, talk, GroupChange::Name(name));
        assert!(refused == Answer::Failed(Failure::NameInvalid));
    }
    let crowd = |count: u16| -> Vec<AccountId> {
        (0..count)
            .map(|number| {
                let mut id = [1; 32];
                id[..2].copy_from_slice(&number.to_be_bytes());
                AccountId::new(id)
            })
            .collect()
    };
    let too_many = Answer::Failed(Failure::GroupTooLarge);
    assert!(world.ask_now(0, create("All".to_owned(), crowd(1000))) == too_many);
    assert!(change(&mut world, 0, talk, add(crowd(998))) == too_many);
    assert!(change(&mut world, 0, talk, GroupChange::Picture(vec![0; 60_000])) == too_many);
    let twice = vec![accounts[1], accounts[1]];
    assert!(change(&mut world, 0, talk, GroupChange::Remove(twice)) != Answer::Done);
    assert!(
        change(&mut world, 0, talk, GroupChange::Remove(vec![])) == Answer::Done,
        "nothing is to be done"
    );
    assert!(change(&mut world, 0, talk, GroupChange::Remove(crowd(1))) != Answer::Done);
    assert!(change(&mut world, 1, talk, add(crowd(1))) == NOT_ALLOWED);
    // A group that nobody knows, and a person who is no group.
    let nobody = Answer::Failed(Failure::NotFound);
    assert!(change(&mut world, 0, AccountId::new([3; 32]), GroupChange::Leave) == nobody);
    assert!(change(&mut world, 0, accounts[1], GroupChange::Leave) == nobody);
    assert!(
        world.ask_now(
            0,
            Intent::Group {
                conversation: accounts[1]
            }
        ) == nobody
    );
    assert!(world.ask_now(0, Intent::Person { peer: talk }) == nobody);
    assert_eq!(view(&mut world, 2, talk).members.len(), 3);
    say(&mut world, 2, talk, "as before");
    assert_eq!(read_texts(&world, 0, &talk, &accounts), ["as before"]);
}

/// P-140: asked twice by a tab that lost the answer, one group begins.
#[test]
fn a_wish_begins_one_group() {
    let (mut world, accounts, _) = group(31, 2);
    let create = || Intent::CreateGroup {
        wish: [5; 16],
        name: "Once".to_owned(),
        members: vec![accounts[1].into()],
    };
    assert!(matches!(world.ask_now(0, create()), Answer::GroupBegun(_)));
    assert!(world.ask_now(0, create()) == Answer::Done);
    world.run_for(SETTLE);
    assert_eq!(groups(&world, 0).len(), 2);
    assert_eq!(groups(&world, 1).len(), 2);
}
