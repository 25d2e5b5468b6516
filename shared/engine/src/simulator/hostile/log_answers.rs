//! Answers to who asks for a log, or submits to its account, that are no answers.

use core::fmt;

use chopar_wire::proto::identity::LogHead;
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::proto::relay::{DeviceMismatch, Done, Reason, Refused};

use super::cast::Who;
use super::stage::Stage;

/// Something done to answers; `false` keeps one back.
pub(super) type Answering = Box<dyn FnMut(&mut Body) -> bool>;

/// What is said in place of a log's entries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LogAnswer {
    /// No entries, and a head of the known length with another hash.
    OtherHead,
    /// No entries, and a head of one entry that never was.
    ShorterHead,
    /// No entries and no head.
    NoHead,
    /// No entries, and a head beyond all that is known.
    LongerHead,
    /// The last entry of the true log alone.
    Gap,
    /// No, for this reason.
    No(Reason),
    /// Something else.
    OtherKind,
    /// Nothing at all.
    Silence,
    /// To a submission: that the devices are others, without a single entry.
    EmptyMismatch,
}

impl fmt::Display for LogAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherHead => f.write_str("a head of another log"),
            Self::ShorterHead => f.write_str("a head of one entry that never was"),
            Self::NoHead => f.write_str("no head"),
            Self::LongerHead => f.write_str("a longer head and no entries"),
            Self::Gap => f.write_str("the last entry alone"),
            Self::No(reason) => write!(f, "a refusal, {}", reason.as_str_name()),
            Self::OtherKind => f.write_str("something else"),
            Self::Silence => f.write_str("silence"),
            Self::EmptyMismatch => f.write_str("a mismatch without entries"),
        }
    }
}

impl LogAnswer {
    /// The answer about `whose` log, as it is now.
    pub(super) fn about(self, whose: Who, stage: &Stage) -> Answering {
        let account = stage.account(whose);
        let last = stage.log(whose).entries(0).last().cloned();
        Box::new(move |body| {
            match body {
                Body::Accepted(_) if self == Self::EmptyMismatch => {
                    *body = Body::DeviceMismatch(DeviceMismatch {
                        account: account.into(),
                        entries: Vec::new(),
                        from: 0,
                    });
                }
                Body::Log(log) if log.account.as_ref() == account.as_bytes() => {
                    let known = log.head.clone().unwrap_or_default().length;
                    let head = |length| {
                        Some(LogHead {
                            length,
                            hash: vec![7; 32].into(),
                        })
                    };
                    match self {
                        Self::EmptyMismatch => return true,
                        Self::Silence => return false,
                        Self::No(reason) => {
                            *body = Body::Refused(Refused {
                                reason: reason.into(),
                                ..Refused::default()
                            });
                            return true;
                        }
                        Self::OtherKind => {
                            *body = Body::Done(Done {});
                            return true;
                        }
                        Self::Gap => log.entries = last.iter().cloned().collect(),
                        _ => log.entries = Vec::new(),
                    }
                    match self {
                        Self::OtherHead => log.head = head(known),
                        Self::ShorterHead => log.head = head(1),
                        Self::LongerHead | Self::Gap => log.head = head(200),
                        Self::NoHead => log.head = None,
                        _ => {}
                    }
                }
                _ => {}
            }
            true
        })
    }
}
