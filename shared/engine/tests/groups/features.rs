//! What is done with messages, where a group carries them.

use chopar_engine::view::{Extra, Reference, SentState, Setting};

use super::*;
use crate::common::{delete, done, hold, keep, react, timer};

fn what(world: &mut World, person: usize, talk: AccountId, id: MessageId) -> Option<(String, Extra)> {
    lines(world, person, talk)
        .into_iter()
        .find_map(|line| match line.body {
            LineBody::Own {
                id: own, text, extra, ..
            } if own == id => Some((text, extra)),
            LineBody::Theirs {
                id: their,
                text,
                extra,
            } if their == id => Some((text, extra)),
            _ => None,
        })
}

/// P-160, P-161, P-162, P-163, P-164: the rules know nothing of what carries them.
#[test]
fn what_is_done_with_messages_of_a_group_is_seen_by_all_members() {
    let (mut world, accounts, talk) = group(61, 3);
    say(&mut world, 0, talk, "ertaga soat beshda");
    let id = id_of("ertaga soat beshda");
    let message = Reference {
        author: accounts[0],
        id,
    };
    let edit = Intent::Edit {
        conversation: talk,
        id,
        text: "ertaga soat oltida".to_owned(),
    };
    done(&mut world, 0, edit);
    done(&mut world, 1, react(talk, message, "👍"));
    let answer = Intent::Send {
        conversation: talk,
        id: id_of("bo'ladi"),
        text: "bo'ladi".to_owned(),
        reply_to: Some(message),
        forwarded: false,
    };
    done(&mut world, 2, answer);
    world.run_for(SETTLE);
    for person in 0..3 {
        let (text, extra) = what(&mut world, person, talk, id).expect("the message");
        assert_eq!(text, "ertaga soat oltida", "person {person}");
        assert!(extra.edited && extra.reactions[0].by == [accounts[1]]);
        let (_, answer) = what(&mut world, person, talk, id_of("bo'ladi")).expect("the answer");
        assert_eq!(answer.reply_to, Some(message));
    }
    // Nobody edits or takes back what somebody else said.
    let foreign = Intent::Edit {
        conversation: talk,
        id,
        text: "hech qachon".to_owned(),
    };
    assert!(world.ask_now(1, foreign) == Answer::Failed(Failure::NotFound));
    assert!(world.ask_now(1, delete(talk, message, true)) == NOT_ALLOWED);
    done(&mut world, 0, delete(talk, message, true));
    world.run_for(SETTLE);
    for person in 0..3 {
        let (text, extra) = what(&mut world, person, talk, id).expect("its line");
        assert!(text.is_empty() && extra.deleted, "person {person}");
    }
    for text in ["ertaga soat beshda", "ertaga soat oltida"] {
        assert!(hold(&world, text).is_empty(), "{text} is kept somewhere");
    }
    // Whose it was is still known.
    assert!(reads(&world, 1, &talk, &accounts).contains(&(0, String::new())));
}

/// P-167, P-168: how long messages of a group stay is for its roster to say, and they go from all members.
#[test]
fn messages_of_a_group_disappear_after_the_time_of_its_roster() {
    let (mut world, accounts, talk) = group(64, 3);
    let change = |seconds| Intent::ChangeGroup {
        conversation: talk,
        change: GroupChange::Timer(seconds),
    };
    done(&mut world, 0, change(60));
    world.run_for(SETTLE);
    say(&mut world, 1, talk, "tez unutiladi");
    world.run_for(10_000);
    for person in 0..3 {
        let (_, extra) = what(&mut world, person, talk, id_of("tez unutiladi")).expect("the message");
        assert_eq!(extra.lifetime, 60, "person {person}");
    }
    for person in [0, 2] {
        let up_to = u64::MAX;
        done(
            &mut world,
            person,
            Intent::MarkRead {
                conversation: talk,
                up_to,
            },
        );
    }
    world.run_for(120_000);
    assert!(hold(&world, "tez unutiladi").is_empty());
    done(&mut world, 0, change(0));
    world.run_for(SETTLE);
    say(&mut world, 2, talk, "qoladi");
    world.run_for(120_000);
    assert_eq!(
        reads(&world, 0, &talk, &accounts).last(),
        Some(&(2, "qoladi".to_owned()))
    );
}

/// P-162: taken back before it left, and after it left for a member who does not come.
#[test]
fn what_is_taken_back_waits_in_no_row() {
    let (mut world, accounts, talk) = group(62, 3);
    world.switch_off(2);
    say(&mut world, 0, talk, "noto'g'ri guruhga yozildi");
    world.crash(0);
    world.run_for(SETTLE);
    let message = Reference {
        author: accounts[0],
        id: id_of("noto'g'ri guruhga yozildi"),
    };
    done(&mut world, 0, delete(talk, message, true));
    world.run_for(SETTLE);
    assert!(hold(&world, "noto'g'ri guruhga yozildi").is_empty());
    world.switch_on(2);
    world.run_for(SETTLE);
    assert_eq!(read_texts(&world, 2, &talk, &accounts), [""]);
    assert!(hold(&world, "noto'g'ri guruhga yozildi").is_empty());
    say(&mut world, 0, talk, "kechirasiz");
    assert_eq!(read_texts(&world, 2, &talk, &accounts), ["", "kechirasiz"]);
}

/// P-350: also past a text that waits and may not go any more, and for who was not there.
#[test]
fn where_only_admins_write_everybody_takes_back_their_own_words() {
    let (mut world, accounts, talk) = group(350, 3);
    say(&mut world, 1, talk, "bu yerga yozish kerak emas edi");
    let message = Reference {
        author: accounts[1],
        id: id_of("bu yerga yozish kerak emas edi"),
    };
    // What is written while away meets a group that has become quiet.
    world.set_up(false);
    assert!(try_say(&mut world, 1, talk, "kechikib yozilgan gap") == Answer::Done);
    world.switch_off(1);
    world.set_up(true);
    world.run_for(SETTLE);
    assert!(change(&mut world, 0, talk, GroupChange::AdminsOnly(true)) == Answer::Done);
    world.switch_off(2);
    world.switch_on(1);
    world.run_for(SETTLE);
    let edit = Intent::Edit {
        conversation: talk,
        id: message.id,
        text: "boshqacha".to_owned(),
    };
    assert!(world.ask_now(1, edit) == NOT_ALLOWED);
    assert!(world.ask_now(1, react(talk, message, "👍")) == NOT_ALLOWED);
    let foreign = Reference {
        author: accounts[0],
        ..message
    };
    assert!(world.ask_now(1, delete(talk, foreign, true)) == NOT_ALLOWED);
    done(&mut world, 1, delete(talk, message, true));
    world.run_for(SETTLE);
    let (text, extra) = what(&mut world, 0, talk, message.id).expect("its line");
    assert!(text.is_empty() && extra.deleted, "{text}");
    world.switch_on(2);
    world.run_for(SETTLE);
    let (text, extra) = what(&mut world, 2, talk, message.id).expect("its line");
    assert!(text.is_empty() && extra.deleted, "{text}");
    assert!(hold(&world, "bu yerga yozish kerak emas edi").is_empty());
    assert_eq!(
        hold(&world, "kechikib yozilgan gap"),
        [1],
        "it waits, and says why"
    );
    // Nobody is in it any more: nothing is said there.
    assert!(change(&mut world, 0, talk, GroupChange::Remove(vec![accounts[1]])) == Answer::Done);
    let late = Reference {
        author: accounts[1],
        id: id_of("kechikib yozilgan gap"),
    };
    assert!(world.ask_now(1, delete(talk, late, true)) == NOT_ALLOWED);
}

/// P-169, P-170: a group is muted, pinned and archived as any conversation. Whoever is blocked stays a member; their own
/// conversation stays silent.
#[test]
fn a_blocked_member_is_still_a_member() {
    let (mut world, accounts, talk) = group(63, 3);
    for setting in [Setting::Muted, Setting::Pinned, Setting::Archived] {
        done(&mut world, 1, keep(talk, setting, true));
    }
    let row = &world.persons[1].rows[&talk];
    assert!(row.muted && row.pinned && row.archived);
    // People are blocked; a group is left. Its timer is in its roster.
    assert!(world.ask_now(1, keep(talk, Setting::Blocked, true)) == NOT_ALLOWED);
    assert!(world.ask_now(1, timer(talk, 60)) == NOT_ALLOWED);
    done(&mut world, 1, keep(accounts[0], Setting::Blocked, true));
    say(&mut world, 0, talk, "hammaga");
    assert_eq!(read_texts(&world, 1, &talk, &accounts), ["hammaga"]);
    say(&mut world, 1, talk, "eshitdim");
    assert_eq!(read_texts(&world, 0, &talk, &accounts), ["eshitdim"]);
    // The keys of a new epoch, and changes of the roster, come through too.
    assert!(change(&mut world, 0, talk, GroupChange::Remove(vec![accounts[2]])) == Answer::Done);
    say(&mut world, 0, talk, "ikkimiz qoldik");
    assert_eq!(
        read_texts(&world, 1, &talk, &accounts),
        ["hammaga", "ikkimiz qoldik"]
    );
    crate::common::send(&mut world, 0, accounts[1], 9);
    world.run_for(SETTLE);
    assert!(crate::common::shown(&world, 1, &accounts[0]).is_empty());
    let (state, _) = crate::common::state(&mut world, 0, accounts[1], 9);
    assert_eq!(state, SentState::Sent);
}

/// P-340, P-344.
#[test]
fn files_go_to_a_group_and_away_with_their_message() {
    let (mut world, accounts, conversation) = group(4_901, 3);
    let content: Vec<u8> = (0..200_000u32).map(|at| (at >> 3) as u8).collect();
    let sealed = world.seal(0, &content, "a.bin", "");
    let id = MessageId::new([77; 16]);
    let send = Intent::SendFiles {
        conversation,
        id,
        text: String::new(),
        reply_to: None,
        files: vec![sealed.said],
    };
    assert!(world.ask_now(0, send) == Answer::Done);
    world.run_for(60_000);
    let message = chopar_engine::view::Reference {
        author: accounts[0],
        id,
    };
    for person in 0..3 {
        let fetch = Intent::FetchFile {
            conversation,
            message,
            file: sealed.mark,
        };
        assert!(world.ask_now(person, fetch) == Answer::Done, "{person}");
        assert!(world.persons[person].fetched(&sealed.mark) == Some(&content));
    }
    let delete = Intent::Delete {
        conversation,
        message,
        everyone: true,
    };
    assert!(world.ask_now(0, delete) == Answer::Done);
    world.run_for(60_000);
    for person in 0..3 {
        assert!(world.persons[person].fetched.is_empty(), "{person}");
    }
}
