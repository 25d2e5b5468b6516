//! What a browser says while nobody asks: policy violations, errors, foreign requests, WebSocket frames.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::cdp::CdpEvent;

/// Captured frames are kept up to this many bytes for one browser: the longest test sends a few megabytes.
const FRAMES_BYTES_MAX: usize = 256 * 1024 * 1024;

/// One WebSocket message as it went over the wire.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Whether the page sent it.
    pub sent: bool,
    /// Its payload.
    pub bytes: Vec<u8>,
}

/// Everything one browser has said, in all its pages and workers.
#[derive(Default)]
pub struct Watch(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    violations: Vec<String>,
    errors: Vec<String>,
    requests: Vec<String>,
    frames: Vec<Frame>,
    frame_bytes: usize,
}

impl Watch {
    /// Violations of Content-Security-Policy, Trusted Types or Integrity-Policy.
    pub fn violations(&self) -> Vec<String> {
        self.seen().violations.clone()
    }

    /// Uncaught exceptions, crashes, and what the page's own code logged as an error.
    pub fn errors(&self) -> Vec<String> {
        self.seen().errors.clone()
    }

    /// The addresses that were asked for and belong to another origin than `origin`.
    pub fn foreign_requests(&self, origin: &str) -> Vec<String> {
        let socket = origin.replacen("http", "ws", 1);
        let own = |url: &String| {
            [origin, socket.as_str()]
                .iter()
                .any(|o| url.strip_prefix(o).is_some_and(|rest| rest.starts_with('/')))
                || ["data:", "blob:", "about:", "chrome"]
                    .iter()
                    .any(|scheme| url.starts_with(scheme))
        };
        self.seen()
            .requests
            .iter()
            .filter(|url| !own(url))
            .cloned()
            .collect()
    }

    /// The paths and addresses of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.seen().requests.clone()
    }

    /// The captured WebSocket messages, in order.
    pub fn frames(&self) -> Vec<Frame> {
        self.seen().frames.clone()
    }

    /// Forgets errors that a test has provoked and looked at.
    pub fn forgive_errors(&self) {
        self.seen().errors.clear();
    }

    /// Forgets violations that a test has provoked and looked at.
    pub fn forgive_violations(&self) {
        self.seen().violations.clear();
    }

    /// Notes a fault of the harness itself, so that no test passes over it.
    pub(crate) fn fault(&self, words: String) {
        self.seen().errors.push(words);
    }

    pub(crate) fn note(&self, event: &CdpEvent) {
        let params = &event.params;
        match event.method.as_str() {
            "Audits.issueAdded" => self.issue(&params["issue"]),
            "Log.entryAdded" => self.log_entry(&params["entry"]),
            "Runtime.exceptionThrown" => self.exception(&params["exceptionDetails"]),
            "Runtime.consoleAPICalled" => self.console(params),
            "Inspector.targetCrashed" => self.seen().errors.push("the page crashed".to_owned()),
            "Network.requestWillBeSent" => self.request(&params["request"]["url"]),
            "Network.webSocketCreated" => self.request(&params["url"]),
            "Network.webSocketFrameSent" => self.frame(true, &params["response"]),
            "Network.webSocketFrameReceived" => self.frame(false, &params["response"]),
            _ => {}
        }
    }

    fn issue(&self, issue: &Value) {
        let code = text(&issue["code"]);
        let policy = [
            "ContentSecurityPolicy",
            "SRI",
            "IntegrityPolicy",
            "UnencodedDigest",
        ];
        if policy.iter().any(|name| code.contains(name)) {
            self.seen()
                .violations
                .push(format!("{code}: {}", issue["details"]));
        }
    }

    fn log_entry(&self, entry: &Value) {
        let words = text(&entry["text"]);
        let line = format!("{} ({})", words, text(&entry["url"]));
        if is_policy(&words) {
            self.seen().violations.push(line);
        } else if entry["level"] == "error" && !is_network(entry) {
            // The network's own errors are what offline tests consist of; the page has to say them in its own words.
            self.seen().errors.push(line);
        }
    }

    fn exception(&self, details: &Value) {
        let description = text(&details["exception"]["description"]);
        let line = format!(
            "{} {} ({})",
            text(&details["text"]),
            description,
            text(&details["url"])
        );
        let mut seen = self.seen();
        if is_policy(&line) {
            seen.violations.push(line.clone());
        }
        seen.errors.push(line);
    }

    fn console(&self, params: &Value) {
        let words: Vec<String> = params["args"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|arg| {
                if arg["value"].is_null() {
                    text(&arg["description"])
                } else {
                    text(&arg["value"])
                }
            })
            .collect();
        let line = words.join(" ");
        if is_policy(&line) {
            self.seen().violations.push(line);
        } else if params["type"] == "error" || params["type"] == "assert" {
            self.seen().errors.push(format!("console.error: {line}"));
        }
    }

    fn request(&self, url: &Value) {
        self.seen().requests.push(text(url));
    }

    fn frame(&self, sent: bool, response: &Value) {
        let payload = text(&response["payloadData"]);
        let bytes = if response["opcode"] == 2 {
            BASE64_STANDARD.decode(payload).unwrap_or_default()
        } else {
            payload.into_bytes()
        };
        let mut seen = self.seen();
        seen.frame_bytes += bytes.len();
        if seen.frame_bytes <= FRAMES_BYTES_MAX {
            seen.frames.push(Frame { sent, bytes });
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Chromium's words for the three policies, in exceptions and in the log alike.
fn is_policy(words: &str) -> bool {
    [
        "Content Security Policy",
        "Content-Security-Policy",
        "Integrity-Policy",
        "Integrity Policy",
        "TrustedHTML",
        "TrustedScript",
    ]
    .iter()
    .any(|phrase| words.contains(phrase))
}

/// What Chromium says of its own accord when a server cannot be reached.
fn is_network(entry: &Value) -> bool {
    entry["source"] == "network" || text(&entry["text"]).starts_with("WebSocket connection to ")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
