//! Payloads of every kind, frames of every kind, records of every kind.

use std::collections::BTreeMap;

use chopar_engine::Kind;
use chopar_fuzz_targets::{ALONE, GROUP, SCENE};
use chopar_wire::frame;
use chopar_wire::prost::Message;
use chopar_wire::proto::content::{
    Copy, Introduction, Payload, Receipts, ResendRequest, Text, TransportAcks, Typing, copy, payload,
};
use chopar_wire::proto::group::{Again, Distribution, Request, request::Wanted};
use chopar_wire::proto::identity::LogHead;
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::proto::relay::{
    Accepted, ClaimedBundle, Deliver, DeliverSignal, DeviceMismatch, Done, GroupAccepted, GroupMismatch,
    Invites, Log, LogConflict, Members, OneTimeLow, People, Person, QueueEmpty, Reason, Refused, SignedIn,
};

use crate::write;

pub(crate) fn write_all() {
    payloads();
    frames();
    records();
}

fn payloads() {
    use payload::Content;
    let id = || vec![7; 16].into();
    let text = || Text {
        id: id(),
        text: "hello".to_owned(),
        ..Text::default()
    };
    let receipts = || Receipts {
        kind: 2,
        ids: vec![id()],
    };
    let introduction = || Introduction {
        handle: "alice".to_owned(),
        display_name: "Alice".to_owned(),
    };
    let kinds = [
        ("text", Content::Text(text())),
        ("receipts", Content::Receipts(receipts())),
        (
            "acks",
            Content::TransportAcks(TransportAcks {
                ids: vec![id()],
                receipts: vec![receipts()],
            }),
        ),
        ("introduction", Content::Introduction(introduction())),
        ("typing", Content::Typing(Typing { stopped: false })),
        (
            "resend",
            Content::ResendRequest(ResendRequest { ids: vec![id()] }),
        ),
        (
            "copy",
            Content::Copy(Copy {
                peer: vec![1; 32].into(),
                content: Some(copy::Content::Text(text())),
            }),
        ),
    ];
    for (name, content) in kinds.into_iter().chain(of_groups()) {
        let head = LogHead {
            length: 2,
            hash: vec![8; 32].into(),
        };
        let payload = Payload {
            own_log: Some(head.clone()),
            peer_log: Some(head),
            time: 1_800_000_000_000,
            generation: 1,
            presenting: Some(introduction()),
            content: Some(content),
        };
        write("payload", name, &payload.encode_to_vec());
    }
}

/// What members say of the group that Bob is in.
fn of_groups() -> [(&'static str, payload::Content); 4] {
    use payload::Content;
    let group = ALONE.group.as_bytes().to_vec();
    let said = Payload {
        time: 1_800_000_000_000,
        content: Some(Content::Text(Text {
            id: vec![9; 16].into(),
            text: "once more".to_owned(),
            ..Text::default()
        })),
        ..Payload::default()
    };
    let mut distribution = Distribution::decode(GROUP.distribution.as_slice()).unwrap();
    distribution.access.clone_from(&ALONE.update.access);
    [
        ("group_update", Content::GroupUpdate(ALONE.update.clone())),
        ("group_distribution", Content::GroupDistribution(distribution)),
        (
            "group_request",
            Content::GroupRequest(Request {
                group: group.clone().into(),
                wanted: Wanted::Entries.into(),
                from: 0,
            }),
        ),
        (
            "group_again",
            Content::GroupAgain(Again {
                group: group.into(),
                payload: said.encode_to_vec().into(),
            }),
        ),
    ]
}

/// One part of a script.
fn part(pick: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&[pick][..], &length.to_le_bytes(), bytes].concat()
}

fn frames() {
    let bob = &SCENE.bob;
    let log = Log {
        account: vec![3; 32].into(),
        from: 0,
        entries: SCENE.alice.log.entries(0).to_vec(),
        head: Some((&SCENE.alice.log.head()).into()),
    };
    let bundle = ClaimedBundle {
        device: (*bob.local.device()).into(),
        bundle: Some(bob.bundle(true)),
    };
    let refused = |reason: Reason| {
        Body::Refused(Refused {
            reason: reason.into(),
            detail: "no".to_owned(),
            retry_after_ms: 60_000,
        })
    };
    let people = People {
        people: vec![Person {
            account: vec![4; 32].into(),
            handle: "carol".to_owned(),
            display_name: "Carol".to_owned(),
        }],
    };
    let deliver = Deliver {
        seq: 9,
        id: vec![6; 16].into(),
        body: bob.sealed(&[0; 256], &mut chopar_e2ee::fixture::rng(3)).into(),
        accepted: 1,
    };
    let mismatch = DeviceMismatch {
        account: vec![3; 32].into(),
        entries: log.entries.clone(),
        from: 0,
    };
    let conflict = LogConflict {
        from: 0,
        entries: log.entries.clone(),
    };
    let answers: Vec<Body> = vec![
        Body::Log(log),
        Body::ClaimedBundle(bundle),
        Body::Accepted(Accepted { time: 1 }),
        Body::DeviceMismatch(mismatch),
        Body::LogConflict(conflict),
        Body::People(people),
        Body::Invites(Invites::default()),
        Body::Members(Members::default()),
        Body::SignedIn(SignedIn::default()),
        Body::Done(Done {}),
        refused(Reason::Storage),
        refused(Reason::NoSuchAccount),
    ];
    let told = vec![
        Body::Deliver(deliver),
        Body::DeliverSignal(DeliverSignal {
            body: vec![2; 80].into(),
        }),
        Body::OneTimeLow(OneTimeLow { left: 1 }),
        Body::QueueEmpty(QueueEmpty { up_to: 9 }),
    ];
    let mut script = Vec::new();
    for body in told {
        script.extend(part(0, &frame::relay(0, body)));
    }
    for (at, body) in answers.into_iter().enumerate() {
        // Each kind to every open request: what fits is taken, the rest is refused.
        let bytes = frame::relay(0, body);
        script.extend((1..=3).flat_map(|pick| part(pick, &bytes)));
        if at % 4 == 3 {
            write("engine_frames", &format!("answers_{at}"), &script);
            script = part(254, &[]);
        }
    }
    groups();
    let waits = [part(255, &[0; 60]), part(254, &[])].concat();
    write("engine_frames", "waits", &waits.repeat(3));
}

/// The group is renamed: as Alice says it, and as the relay shows it to whatever was asked for.
fn groups() {
    for (name, content) in of_groups() {
        let payload = Payload {
            time: 1_800_000_000_000,
            content: Some(content),
            ..Payload::default()
        };
        write("engine_frames", name, &part(253, &payload.encode_to_vec()));
    }
    // Each answer raises further requests, so a script asks far back.
    let to_all = |body: Body| {
        let bytes = frame::relay(0, body);
        (1..=30).flat_map(|pick| part(pick, &bytes)).collect::<Vec<u8>>()
    };
    let log = Body::OpaqueLog(ALONE.log.clone());
    write("engine_frames", "group_answers", &to_all(log));
    let accepted = to_all(Body::GroupAccepted(GroupAccepted::default()));
    let mismatch = to_all(Body::GroupMismatch(GroupMismatch::default()));
    write("engine_frames", "group_refusals", &[accepted, mismatch].concat());
    // A frame without a body, to each request.
    let empty: Vec<u8> = (0..=12).flat_map(|pick| part(pick, &[])).collect();
    write("engine_frames", "no_bodies", &empty);
}

/// The first record of each kind and partition length as it is, so that the fuzzer has every shape to begin with.
fn records() {
    let mut numbers = BTreeMap::<Kind, u8>::new();
    let mut shapes = BTreeMap::new();
    for record in ALONE.image.records() {
        let number = numbers.entry(record.key.kind).or_default();
        let shape = (
            record.key.kind,
            record.key.partition.len(),
            record.key.sequence.min(16),
        );
        shapes.entry(shape).or_insert((*number, record.value.to_vec()));
        *number = number.saturating_add(1);
    }
    for ((kind, partition, sequence), (number, value)) in shapes {
        let bytes = part(kind as u8, &[&[number][..], &value].concat());
        let name = format!("{kind:?}_{partition}_{sequence}").to_lowercase();
        write("engine_records", &name, &bytes);
    }
}
