//! A record for people, and as a line of JSON that holds what is needed to verify it elsewhere.

use chopar_wire::proto::audit::{Kind, Record};
use prost::Message;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::chain::Row;
use super::node::NodeId;
use crate::store::Role;

/// `2026-11-27T13:15:22Z`.
fn moment(millis: u64) -> String {
    let seconds = i64::try_from(millis / 1000).unwrap_or(i64::MAX);
    let Ok(at) = OffsetDateTime::from_unix_timestamp(seconds) else {
        return format!("{millis} ms");
    };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// What a record says, by name, in order; empty fields are left out.
fn facts(record: &Record) -> Vec<(&'static str, String)> {
    let number = |number: u64| {
        if number == 0 {
            String::new()
        } else {
            number.to_string()
        }
    };
    let role = match Role::from_number(record.role.into()) {
        Some(Role::Member) => "member",
        Some(Role::Owner) => "owner",
        Some(Role::Auditor) => "auditor",
        None => "",
    };
    let facts = [
        ("by", hex::encode(&record.by)),
        ("handle", record.handle.clone()),
        ("account", hex::encode(&record.account)),
        ("device", hex::encode(&record.device)),
        ("role", role.to_owned()),
        ("invite", hex::encode(&record.invite)),
        ("count", number(record.count)),
        (
            "until",
            if record.until == 0 {
                String::new()
            } else {
                moment(record.until)
            },
        ),
        ("version", record.version.clone()),
        ("key", hex::encode(&record.key)),
    ];
    facts.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// `KIND_MEMBER_DISABLED` as `member-disabled`.
fn kind(record: &Record) -> String {
    match Kind::try_from(record.kind) {
        Ok(kind) => kind
            .as_str_name()
            .trim_start_matches("KIND_")
            .to_ascii_lowercase()
            .replace('_', "-"),
        Err(_) => format!("kind {}", record.kind),
    }
}

/// One line for a terminal.
pub(crate) fn line(row: &Row) -> String {
    let Ok(record) = Record::decode(row.record.clone()) else {
        return format!("{:>8}  cannot be read", row.number);
    };
    let mut line = format!("{:>8}  {}  {}", row.number, moment(record.time), kind(&record));
    for (name, value) in facts(&record) {
        line += &format!("  {name} {value}");
    }
    line
}

/// One line of an export.
pub(crate) fn json_line(node: NodeId, row: &Row) -> String {
    let mut object = Map::new();
    object.insert("node".into(), json!(node.to_string()));
    object.insert("number".into(), json!(row.number));
    if let Ok(record) = Record::decode(row.record.clone()) {
        object.insert("time".into(), json!(moment(record.time)));
        object.insert("kind".into(), json!(kind(&record)));
        for (name, value) in facts(&record) {
            object.insert(name.into(), json!(value));
        }
    }
    object.insert("record".into(), json!(hex::encode(&row.record)));
    object.insert("hash".into(), json!(hex::encode(row.hash)));
    Value::Object(object).to_string()
}

/// Reads a line of an export back: whose chain, and the row.
pub(crate) fn from_json_line(line: &str) -> Option<(NodeId, Row)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| value.get(name)?.as_str();
    let row = Row {
        number: value.get("number")?.as_u64()?,
        record: hex::decode(text("record")?).ok()?.into(),
        hash: hex::decode(text("hash")?).ok()?.try_into().ok()?,
    };
    Some((NodeId::parse(text("node")?)?, row))
}
