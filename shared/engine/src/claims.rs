//! What the relay claims about people and invites, parsed and bounded before anything of it is kept or shown.
//!
//! A name that is no name is not shown: a person in a list is left out with it, the own names stay what they were. Lists hold
//! each id once and no more rows than a page can use.

use chopar_identity::{DisplayName, Handle};
use chopar_wire::ids::InviteId;
use chopar_wire::proto::relay::{Invite, Invites, Member, Members, Person};
use chopar_wire::{AccountId, Timestamp, limits};

use crate::own::role_from;
use crate::set::Set;
use crate::view::{InviteView, MemberView};

/// Members in one answer: ten times what a relay of this version sends.
const MAX_MEMBERS: usize = 1_000;
/// Open invites in one answer, as many as a relay of this version keeps.
const MAX_INVITES: usize = 1_000;
/// An invite's token in characters: twice what a relay of this version makes, and short enough for a link.
const MAX_TOKEN: usize = 64;

/// Somebody as the directory names them.
pub(crate) struct Named {
    pub(crate) account: AccountId,
    pub(crate) handle: String,
    pub(crate) display_name: String,
}

/// A handle in its one form; `None`: it is none.
pub(crate) fn handle(claim: &str) -> Option<String> {
    Handle::parse(claim).ok().map(|handle| handle.as_str().to_owned())
}

/// A display name, trimmed; `None`: it is none.
pub(crate) fn display_name(claim: &str) -> Option<String> {
    DisplayName::parse(claim)
        .ok()
        .map(|name| name.as_str().to_owned())
}

/// The organisation's name, under the rules for a person's: it stands in the same places.
pub(crate) fn organisation(claim: &str) -> Option<String> {
    display_name(claim)
}

/// An invite's token, which the page puts behind the `#` of a link: letters, digits, `-` and `_`.
pub(crate) fn token(claim: &str) -> Option<String> {
    let fits = (1..=MAX_TOKEN).contains(&claim.len());
    let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    (fits && claim.bytes().all(plain)).then(|| claim.to_owned())
}

/// The people of a directory's answer.
pub(crate) fn people(people: &[Person]) -> Vec<Named> {
    let named = |person: &Person| {
        Some(Named {
            account: AccountId::try_from(person.account.as_ref()).ok()?,
            handle: handle(&person.handle)?,
            display_name: display_name(&person.display_name)?,
        })
    };
    let mut known = Set::new();
    people
        .iter()
        .filter_map(named)
        .filter(|named| known.insert(named.account))
        .take(limits::FIND_RESULTS)
        .collect()
}

/// A page of members.
pub(crate) fn members(members: &Members) -> Vec<MemberView> {
    let view = |member: &Member| {
        Some(MemberView {
            account: AccountId::try_from(member.account.as_ref()).ok()?,
            handle: handle(&member.handle)?,
            display_name: display_name(&member.display_name)?,
            role: role_from(member.role),
            joined: Timestamp(member.joined),
            disabled: member.disabled,
            devices: member.devices,
        })
    };
    let mut known = Set::new();
    members
        .members
        .iter()
        .filter_map(view)
        .filter(|member| known.insert(member.account))
        .take(MAX_MEMBERS)
        .collect()
}

/// The open invites.
pub(crate) fn invites(invites: &Invites) -> Vec<InviteView> {
    let view = |invite: &Invite| {
        Some(InviteView {
            id: InviteId::try_from(invite.id.as_ref()).ok()?,
            role: role_from(invite.role),
            uses_left: invite.uses_left,
            expires: Timestamp(invite.expires),
        })
    };
    let mut known = Set::new();
    invites
        .invites
        .iter()
        .filter_map(view)
        .filter(|invite| known.insert(invite.id))
        .take(MAX_INVITES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(account: u8, handle: &str, display_name: &str) -> Person {
        Person {
            account: vec![account; 32].into(),
            handle: handle.to_owned(),
            display_name: display_name.to_owned(),
        }
    }

    #[test]
    fn people_without_a_valid_name_are_left_out_and_the_others_stand_once() {
        let mut claimed = vec![
            person(1, "anvar", "Anvar"),
            person(2, "a\u{202e}b", "Right to left"),
            person(3, "bek", "Bek\u{7}"),
            person(4, &"x".repeat(200), "Long"),
            person(5, "aб", "Mixed"),
            person(6, "vali", &"x".repeat(65)),
            person(7, "", "Nobody"),
            person(1, "anvar2", "Anvar again"),
            person(8, "Gulnora", "  Gulnora  "),
        ];
        claimed.push(Person {
            account: vec![9; 31].into(),
            ..person(9, "short", "Short id")
        });
        let shown: Vec<(String, String)> = people(&claimed)
            .into_iter()
            .map(|named| (named.handle, named.display_name))
            .collect();
        let expected = [("anvar", "Anvar"), ("gulnora", "Gulnora")];
        assert_eq!(shown, expected.map(|(h, n)| (h.to_owned(), n.to_owned())));
        let crowd: Vec<Person> = (0..=255).map(|n| person(n, &format!("p{n}"), "P")).collect();
        assert_eq!(people(&crowd).len(), limits::FIND_RESULTS);
    }

    #[test]
    fn a_token_fits_into_a_link_and_nothing_else_is_one() {
        assert!(token(&"0123456789abcdef".repeat(2)).is_some());
        assert!(token("aZ-_09").is_some());
        for bad in ["", "a b", "a#b", "a/b", "тест", "<b>", &"x".repeat(65)] {
            assert!(token(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn lists_of_members_and_invites_hold_each_once() {
        let member = |account: u8, handle: &str| Member {
            account: vec![account; 32].into(),
            handle: handle.to_owned(),
            display_name: "Name".to_owned(),
            ..Member::default()
        };
        let page = Members {
            members: vec![
                member(1, "anvar"),
                member(1, "anvar"),
                member(2, "b\nb"),
                member(3, "bek"),
            ],
            more: true,
        };
        let handles: Vec<String> = members(&page).into_iter().map(|m| m.handle).collect();
        assert_eq!(handles, ["anvar", "bek"]);
        let invite = |id: u8| Invite {
            id: vec![id; 16].into(),
            ..Invite::default()
        };
        let list = Invites {
            invites: vec![invite(1), invite(1), invite(2), Invite::default()],
        };
        assert_eq!(invites(&list).len(), 2);
    }
}
