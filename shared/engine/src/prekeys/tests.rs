use chopar_e2ee::handshake::HandshakeHeader;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// The header of a handshake that uses the last-resort key with this id, another one for each number.
fn header(id: u32, number: u32) -> HandshakeHeader {
    let mut bytes = vec![0, 1];
    bytes.extend(number.to_be_bytes());
    // Its last byte has no high bit: a canonical point.
    bytes.extend([9; 28]);
    bytes.extend(id.to_be_bytes());
    bytes.push(2);
    bytes.extend(id.to_be_bytes());
    bytes.extend([7; 1568]);
    HandshakeHeader::parse(&bytes).unwrap()
}

fn account(number: u16) -> AccountId {
    let mut id = [0; 32];
    id[..2].copy_from_slice(&number.to_be_bytes());
    AccountId::new(id)
}

fn with_bundle(sequence: u64, id: u32, cx: &mut Context<'_>) -> Prekeys {
    let mut prekeys = Prekeys::default();
    let draft = BundleDraft::new(account(0), DeviceId::new([1; 16]), sequence, id, cx);
    prekeys.take_bundle(draft, [0; 64], cx);
    prekeys
}

/// P-041, P-287: one account has 64 uses of a last-resort key, strangers together 1,024, and all together 2,048.
#[test]
fn a_last_resort_key_serves_so_often_and_not_more() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut cx = Context::new(NOW, &mut rng);
    let mut prekeys = with_bundle(1, 1, &mut cx);
    // Accounts below a thousand are strangers.
    let speaks = |user: &UserId| u16::from_be_bytes([user[0], user[1]]) >= 1_000;
    let mut number = 0;
    let mut uses = |prekeys: &mut Prekeys, by: u16, cx: &mut Context<'_>| {
        let mut served = 0;
        loop {
            number += 1;
            let header = header(1, number);
            match prekeys.named_by(&header, &account(by), speaks) {
                Ok(_) => prekeys.used(&header, &account(by), cx),
                Err(refusal) => {
                    assert_eq!(refusal, Refusal::PrekeyExhausted);
                    return served;
                }
            }
            let again = prekeys.named_by(&header, &account(by), speaks).err();
            assert_eq!(again, Some(Refusal::HandshakeReplayed));
            served += 1;
        }
    };
    for stranger in 1..=16 {
        assert_eq!(uses(&mut prekeys, stranger, &mut cx), MAX_USES_OF_ONE);
    }
    assert_eq!(uses(&mut prekeys, 17, &mut cx), 0, "strangers had their share");
    for known in 1_000..1_016 {
        assert_eq!(uses(&mut prekeys, known, &mut cx), MAX_USES_OF_ONE);
    }
    assert_eq!(uses(&mut prekeys, 1_016, &mut cx), 0, "all are used");
}

/// P-287: by whom each use was comes back from the record; of a record that does not say, it was a stranger's.
#[test]
fn uses_come_back_from_the_record() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut cx = Context::new(NOW, &mut rng);
    let mut prekeys = with_bundle(1, 1, &mut cx);
    for number in 0..MAX_USES_OF_ONE as u32 {
        prekeys.used(&header(1, number), &account(7), &mut cx);
    }
    let value = cx.step.persist.writes.iter().rev().find_map(|write| match write {
        crate::effect::Write::Put(record) => Some(record.value.clone()),
        crate::effect::Write::Delete(_) => None,
    });
    let value = value.unwrap();
    let exhausted = |value: &[u8], by: u16| {
        let mut loaded = Prekeys::default();
        loaded.load(BUNDLES, 1, value).unwrap();
        let header = header(1, 5_000);
        loaded.named_by(&header, &account(by), |_| true).err()
    };
    assert_eq!(exhausted(&value, 7), Some(Refusal::PrekeyExhausted));
    assert_eq!(exhausted(&value, 8), None);
    let mut old = BundleRecord::read(&value).unwrap();
    old.last_resort_users.clear();
    let old = prost::Message::encode_to_vec(&old);
    assert_eq!(exhausted(&old, 7), None);
    assert_eq!(
        exhausted(&old, 0),
        Some(Refusal::PrekeyExhausted),
        "counted all the same"
    );
}

/// P-285: ids of keys do not follow the relay's numbers, rise, and begin again where they end.
#[test]
fn ids_of_bundle_keys_are_their_own() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut cx = Context::new(NOW, &mut rng);
    let device = DeviceId::new([1; 16]);
    let mut prekeys = with_bundle(1, 1, &mut cx);
    for (said, sequence) in [(u64::MAX, 2), (1 << 32, 3), (1_027, 1_028), (1_028, 1_029)] {
        prekeys.relay_has(None, Some(said));
        let draft = prekeys.draft_bundle(account(0), device, &mut cx).unwrap();
        assert_eq!(draft.sequence, sequence);
        prekeys.take_bundle(draft, [0; 64], &mut cx);
    }
    let ids: Vec<u32> = prekeys.bundles.values().map(|b| b.signed_prekey.id).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    prekeys.next_key = u32::MAX;
    for id in [u32::MAX, 6, 7] {
        let draft = prekeys.draft_bundle(account(0), device, &mut cx).unwrap();
        assert_eq!(draft.secrets.last_resort.id, id);
        prekeys.take_bundle(draft, [0; 64], &mut cx);
    }
    let mut last = with_bundle(u64::MAX, 1, &mut cx);
    last.relay_has(None, Some(u64::MAX));
    assert!(
        last.draft_bundle(account(0), device, &mut cx).is_none(),
        "and no more"
    );
}

/// P-290: at most 40 uploads in a day, whatever the relay says; as many again when the day is over.
#[test]
fn a_day_has_so_many_uploads_and_not_more() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut cx = Context::new(NOW, &mut rng);
    let device = DeviceId::new([1; 16]);
    let mut prekeys = with_bundle(1, 1, &mut cx);
    for (after, granted) in [(0, UPLOADS_PER_DAY), (DAY_MS - 1, 0), (DAY_MS, UPLOADS_PER_DAY)] {
        cx.now = NOW.plus_ms(after);
        let uploads = (0..100).filter(|_| {
            // One short of the pool: each upload is of one pair.
            prekeys.relay_has(Some(limits::ONE_TIME_POOL as u32 - 1), None);
            prekeys.draft_pairs(&device, &mut cx).is_some()
        });
        assert_eq!(uploads.count(), granted, "after {after} ms");
    }
}

/// P-290: the private halves of 10,000 pairs are kept, the oldest go first, from the vault too.
#[test]
fn so_many_private_pairs_are_kept_and_not_more() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut cx = Context::new(NOW, &mut rng);
    let device = DeviceId::new([1; 16]);
    let mut prekeys = with_bundle(1, 1, &mut cx);
    let pair = OneTimeSecret::random(0, NOW, cx.rng).encode();
    for id in 1..=MAX_PAIRS as u32 {
        // Form, id, and what all of them have alike.
        let record = OneTimeRecord {
            schema: SCHEMA,
            pair: [&pair[..1], &id.to_be_bytes(), &pair[5..]].concat(),
        };
        let value = prost::Message::encode_to_vec(&record);
        prekeys.load(ONE_TIME, u64::from(id), &value).unwrap();
    }
    assert_eq!(prekeys.one_time.len(), MAX_PAIRS);
    prekeys.relay_has(Some(limits::ONE_TIME_POOL as u32 - 3), None);
    let draft = prekeys.draft_pairs(&device, &mut cx).unwrap();
    let published = prekeys.take_pairs(draft, &[[0; 64]; 3], &mut cx);
    assert_eq!((published.len(), prekeys.one_time.len()), (3, MAX_PAIRS));
    let ids = (
        prekeys.one_time.first_key_value().map(|(id, _)| *id),
        prekeys.one_time.last_key_value().map(|(id, _)| *id),
    );
    assert_eq!(ids, (Some(4), Some(MAX_PAIRS as u32 + 4)));
    let deleted = cx.step.persist.writes.iter().filter_map(|write| match write {
        crate::effect::Write::Delete(key) => Some(key.sequence),
        crate::effect::Write::Put(_) => None,
    });
    assert_eq!(deleted.collect::<Vec<_>>(), [1, 2, 3]);
}
