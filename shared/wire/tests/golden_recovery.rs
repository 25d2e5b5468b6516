//! The bytes of a recovery, pinned: see `golden.rs`.

use chopar_wire::prost::Message;
use chopar_wire::proto::identity::{Entry, Signed};
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{AdmitDevice, Recover, RecoverBody};
use chopar_wire::{AccountId, frame};

fn signed(byte: u8) -> Option<Signed> {
    Some(Signed {
        body: vec![byte; 3].into(),
        signature: vec![byte; 64].into(),
    })
}

#[test]
fn frames_of_a_recovery() {
    let body = RecoverBody {
        relay_name: "relay".into(),
        origin: "https://chat.example.org".into(),
        nonce: vec![7; 32].into(),
        expires: 1000,
        account: AccountId::new([1; 32]).into(),
    };
    let admit = AdmitDevice {
        entry: Some(Entry {
            body: vec![1, 2, 3].into(),
            signatures: Vec::new(),
        }),
        bundle: signed(2),
        proof: signed(3),
    };
    let lines = [
        ("recover_body", body.encode_to_vec()),
        (
            "recover",
            frame::client(7, Body::Recover(Recover { proof: signed(1) })),
        ),
        ("admit_device", frame::client(7, Body::AdmitDevice(admit))),
    ];
    let table: Vec<String> = lines
        .iter()
        .map(|(name, bytes)| format!("{name}: {}", hex::encode(bytes)))
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}
