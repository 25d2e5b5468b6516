//! The bytes of groups, pinned: a change here is a change of the protocol.

use sha2::{Digest, Sha256};

use super::super::LogKey;
use super::*;

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// P-120, P-123, P-131, P-132, P-133.
#[test]
fn the_same_keys_make_the_same_bytes() {
    let people = People::new(3);
    let mut roster = people.group(&[1]);
    let (_, first) = people.create(0, &[1]);
    people
        .does(0, &Act::Add(vec![people.member(2, Role::Admin)]), &mut roster)
        .unwrap();
    people
        .does(2, &Act::Remove(vec![people.id(1)]), &mut roster)
        .unwrap();
    let key = LogKey::first(&mut rng(60));
    let sealed = key.seal(roster.group(), &first, None, &mut rng(61)).unwrap();
    let id = EpochId {
        group: *roster.group(),
        account: people.id(0),
        device: people.device(0),
        head: roster.head(),
        generation: 3,
    };
    let mut epoch = SendingEpoch::begin(id, NOW, &mut rng(62));
    let distribution = epoch.distribution(None);
    let messages: Vec<String> = (0..2)
        .map(|_| hex::encode(epoch.encrypt(b"Assalomu alaykum", &mut rng(63)).unwrap()))
        .collect();
    let lines = [
        format!("group     {}", hex::encode(roster.group().as_bytes())),
        format!("first     {}", hex::encode(&first.body)),
        format!("head      {}", hex::encode(roster.head().hash)),
        format!("log key   {}", hex::encode(key.as_bytes())),
        format!("write key {}", hex::encode(key.write_key().as_bytes())),
        format!("sealed    {} {}", sealed.len(), hash(&sealed)),
        format!("context   {}", hex::encode(id.context_of(0))),
        format!("chain     {}", hex::encode(distribution.chain.as_bytes())),
        format!("header    {}", hex::encode(distribution.header_key.as_bytes())),
        format!("signing   {}", hex::encode(distribution.signing_key.as_bytes())),
        format!("message 0 {}", messages[0]),
        format!("message 1 {}", messages[1]),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}
