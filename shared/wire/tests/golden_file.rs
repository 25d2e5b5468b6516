//! The bytes of what a message says of files, pinned, as in `golden`.

use chopar_wire::prost::Message;
use chopar_wire::proto::content;
use chopar_wire::{FileId, MessageId};

#[test]
fn what_a_message_says_of_a_file() {
    let picture = content::File {
        id: FileId::new([1; 16]).into(),
        key: vec![2; 32].into(),
        size: 300,
        digest: vec![3; 32].into(),
        name: "surat.jpg".to_owned(),
        media_type: "image/jpeg".to_owned(),
        thumbnail: vec![4; 3].into(),
        width: 640,
        height: 480,
        ..content::File::default()
    };
    let note = content::File {
        id: FileId::new([1; 16]).into(),
        duration_ms: 1500,
        waveform: vec![5; 3].into(),
        ..content::File::default()
    };
    let message = content::Text {
        id: MessageId::new([3; 16]).into(),
        files: vec![picture.clone()],
        ..content::Text::default()
    };
    let lines = [
        ("picture", picture.encode_to_vec()),
        ("voice_note", note.encode_to_vec()),
        ("message", message.encode_to_vec()),
    ]
    .map(|(name, bytes)| format!("{name} {}", hex::encode(bytes)));
    insta::assert_snapshot!(lines.join("\n"));
}
