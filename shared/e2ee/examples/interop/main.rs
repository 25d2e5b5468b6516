//! The other end of a conversation, for independent implementations to be run against.
//!
//! One JSON object a line on standard input, one a line on standard output, in order; bytes are lower-case hex. An error is
//! `{"error":kind,"detail":words}` and changes no state; end of input ends the program.
//!
//! ```text
//!  {"op":"configure","profile":"oracle",…}   bundle, initiate, accept, encrypt, decrypt, snapshot, restore   (oracle.rs)
//!  {"op":"configure","profile":"full"}       device, initiate, accept, encrypt, decrypt, snapshot, restore   (full.rs)
//!  either                                    safety-number
//! ```
//!
//! A thin shell: everything is computed by the library. Here are only names of sessions, and the private keys that the
//! caller chose.

mod fault;
mod full;
mod keys;
mod oracle;
mod request;

use std::io::{BufRead, Write};

use chopar_e2ee::safety_number::SafetyNumber;
use chopar_wire::Timestamp;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::full::Full;
use crate::oracle::Oracle;
use crate::request::Request;

/// The longest request in bytes: a megabyte of plaintext in hex, with its names. One without end would fill the memory.
const MAX_REQUEST: u64 = 4 << 20;

/// What the program has been configured to be. Configuring again forgets every session.
enum Program {
    Unconfigured,
    Oracle(Oracle),
    Full(Box<Full>),
}

impl Program {
    fn answer(&mut self, line: &[u8]) -> Result<Value, Fault> {
        let request = Request::parse(line)?;
        match (request.text("op")?, &mut *self) {
            ("configure", _) => {
                *self = configured(&request)?;
                Ok(json!({"ok": true}))
            }
            ("safety-number", _) => safety_number(&request),
            (_, Self::Unconfigured) => Err(Fault::new("unconfigured", "the first request is to configure")),
            (op, Self::Oracle(oracle)) => oracle.answer(op, &request),
            (op, Self::Full(full)) => full.answer(op, &request),
        }
    }
}

fn main() -> std::io::Result<()> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut program = Program::Unconfigured;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = std::io::Read::take(&mut input, MAX_REQUEST).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = match program.answer(&line) {
            Ok(answer) => answer,
            Err(fault) => fault.json(),
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
}

fn configured(request: &Request) -> Result<Program, Fault> {
    match request.text("profile")? {
        "oracle" => Ok(Program::Oracle(Oracle::new(request)?)),
        "full" => Ok(Program::Full(Box::default())),
        other => Err(Fault::malformed(format!("there is no profile {other}"))),
    }
}

fn safety_number(request: &Request) -> Result<Value, Fault> {
    let (a, b) = (request.object("a")?, request.object("b")?);
    let iterations = u32::try_from(request.number("iterations")?)
        .map_err(|_| Fault::malformed("more iterations than anyone computes"))?;
    let ((a_id, a_key), (b_id, b_key)) = (
        (a.bytes("id")?, a.bytes("key")?),
        (b.bytes("id")?, b.bytes("key")?),
    );
    let number =
        SafetyNumber::from_parts((&a_id, &a_key), (&b_id, &b_key), iterations).map_err(Fault::malformed)?;
    Ok(json!({"digits": number.digits(), "qr": hex::encode(number.qr())}))
}

/// The present moment: lifetimes of keys are counted as in the product.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
}
