//! Two people, from their invites to read ticks.

use chopar_engine::simulator::{Faults, World};
use chopar_engine::view::{LineBody, SentState};
use chopar_engine::{Answer, Intent};
use chopar_wire::MessageId;

/// P-096.
#[test]
fn two_people_talk() {
    let mut world = World::new(
        1,
        2,
        Faults {
            delay_ms: 50,
            ..Faults::default()
        },
    );
    let alice = world.onboard(0);
    let bob = world.onboard(1);
    let Answer::People(found) = world.ask_now(
        0,
        Intent::FindPeople {
            query: "person1".into(),
        },
    ) else {
        panic!("people")
    };
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].account, bob);
    let open = Intent::OpenConversation {
        peer: bob,
        handle: found[0].handle.clone(),
        display_name: found[0].display_name.clone(),
    };
    assert!(matches!(world.ask_now(0, open), Answer::Conversation(_)));
    let id = MessageId::new([1; 16]);
    let send = Intent::Send {
        conversation: bob,
        id,
        text: "Salom".into(),
        reply_to: None,
        forwarded: false,
    };
    assert!(world.ask_now(0, send.clone()) == Answer::Done);
    assert!(world.ask_now(0, send) == Answer::Done, "sending twice sends once");
    assert!(world.run_until(10_000, |w| !w.persons[1].theirs(&alice).is_empty()));
    world.run_for(10_000);
    assert_eq!(world.persons[1].theirs(&alice), [(id, "Salom".to_owned())]);
    let row = &world.persons[1].rows[&alice];
    assert_eq!(
        (row.name.as_str(), row.handle.as_str(), row.unread),
        ("Person 0", "", 1),
        "the handle waits for the directory's word"
    );
    assert_eq!(
        world.persons[0].own_states(&bob),
        [("Salom".to_owned(), 1)],
        "a stranger's tick stays at sent"
    );

    let last = row.last.as_ref().unwrap().sequence;
    assert!(
        world.ask_now(
            1,
            Intent::MarkRead {
                conversation: alice,
                up_to: last
            }
        ) == Answer::Done
    );
    world.run_for(10_000);
    assert_eq!(world.persons[0].own_states(&bob), [("Salom".to_owned(), 3)]);

    let answer = Intent::Send {
        conversation: alice,
        id: MessageId::new([2; 16]),
        text: "Vaalaykum".into(),
        reply_to: None,
        forwarded: false,
    };
    assert!(world.ask_now(1, answer) == Answer::Done);
    world.run_for(10_000);
    let Answer::Page { lines, more } = world.ask_now(
        0,
        Intent::Page {
            conversation: bob,
            before: None,
            limit: 50,
        },
    ) else {
        panic!("a page")
    };
    assert!(!more);
    assert!(matches!(lines[0].body, LineBody::Notice(_)));
    assert!(matches!(&lines[1].body, LineBody::Own { text, state: SentState::Read, .. } if text == "Salom"));
    assert!(matches!(&lines[2].body, LineBody::Theirs { text, .. } if text == "Vaalaykum"));
}
