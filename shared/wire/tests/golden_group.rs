//! The bytes of groups, pinned, as in `golden`.

use chopar_wire::prost::Message;
use chopar_wire::proto::content::{Payload, payload};
use chopar_wire::proto::group::{self, entry_body};
use chopar_wire::proto::identity::{LogHead, Signed};
use chopar_wire::{AccountId, DeviceId, GroupId, OpaqueLogId};

fn head() -> group::Head {
    group::Head {
        length: 3,
        hash: vec![0xaa; 32].into(),
    }
}

fn signed() -> Signed {
    Signed {
        body: vec![1, 2, 3].into(),
        signature: vec![5; 64].into(),
    }
}

fn access() -> group::Access {
    group::Access {
        group: GroupId::new([7; 32]).into(),
        log: OpaqueLogId::new([8; 16]).into(),
        key_version: 2,
        key: vec![9; 32].into(),
        head: Some(head()),
    }
}

fn table(lines: &[(&str, Vec<u8>)]) -> String {
    let lines = lines
        .iter()
        .map(|(name, bytes)| format!("{name} {}", hex::encode(bytes)));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_members_say_to_each_other() {
    use payload::Content;
    let payload = |content| {
        Payload {
            content: Some(content),
            ..Payload::default()
        }
        .encode_to_vec()
    };
    let lines = [
        (
            "distribution",
            payload(Content::GroupDistribution(group::Distribution {
                access: Some(access()),
                generation: 4,
                chain_key: vec![1; 32].into(),
                header_key: vec![2; 32].into(),
                signing_key: vec![3; 32].into(),
                before: Some(group::Closed {
                    head: Some(head()),
                    generation: 3,
                    length: 17,
                }),
                first: 5,
            })),
        ),
        (
            "update",
            payload(Content::GroupUpdate(group::Update {
                access: Some(access()),
                from: 2,
                entries: vec![signed()],
            })),
        ),
        (
            "request",
            payload(Content::GroupRequest(group::Request {
                group: GroupId::new([7; 32]).into(),
                wanted: group::request::Wanted::Entries.into(),
                from: 2,
            })),
        ),
        (
            "again",
            payload(Content::GroupAgain(group::Again {
                group: GroupId::new([7; 32]).into(),
                payload: vec![1, 2].into(),
            })),
        ),
    ];
    insta::assert_snapshot!(table(&lines));
}

#[test]
fn entries_of_a_roster() {
    use entry_body::Act;
    let member = || group::Member {
        account: AccountId::new([2; 32]).into(),
        role: group::Role::Admin.into(),
        handle: "anvar".to_owned(),
        display_name: "Anvar".to_owned(),
    };
    let settings = || group::Settings {
        name: Some("Hisob".to_owned()),
        picture: Some(vec![1].into()),
        admins_only: Some(true),
        timer_seconds: Some(60),
    };
    let entry = |act| {
        group::EntryBody {
            suite: 1,
            group: GroupId::new([7; 32]).into(),
            position: 3,
            parent: vec![0xaa; 32].into(),
            time: 1000,
            account: AccountId::new([1; 32]).into(),
            device: DeviceId::new([4; 16]).into(),
            log: Some(LogHead {
                length: 2,
                hash: vec![0xbb; 32].into(),
            }),
            key: 2,
            act: Some(act),
        }
        .encode_to_vec()
    };
    let lines = [
        (
            "create",
            entry(Act::Create(group::Create {
                nonce: vec![6; 32].into(),
                settings: Some(settings()),
                members: vec![member()],
            })),
        ),
        (
            "add",
            entry(Act::Add(group::Add {
                members: vec![member()],
            })),
        ),
        (
            "remove",
            entry(Act::Remove(group::Remove {
                accounts: vec![AccountId::new([2; 32]).into()],
            })),
        ),
        ("leave", entry(Act::Leave(group::Leave {}))),
        (
            "set_role",
            entry(Act::SetRole(group::SetRole {
                account: AccountId::new([2; 32]).into(),
                role: group::Role::Member.into(),
            })),
        ),
        ("settings", entry(Act::Settings(settings()))),
        ("renew", entry(Act::Renew(group::Renew {}))),
        (
            "sealed",
            group::Sealed {
                entry: Some(signed()),
                key_before: vec![9; 32].into(),
            }
            .encode_to_vec(),
        ),
    ];
    insta::assert_snapshot!(table(&lines));
}
