//! The one thing that is under way with files of history. It goes on when somebody looks at another page meanwhile.

use std::sync::OnceLock;

use chopar_e2ee::history::OpenError;
use chopar_engine::{Answer, Failure};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::i18n::Texts;
use crate::platform::Exception;
use crate::ui::failure_text;

/// What is under way, and what came of the last. Clones share it.
#[derive(Clone)]
pub(super) struct Job {
    doing: ArcRwSignal<Option<Doing>>,
    said: ArcRwSignal<Option<Said>>,
    stopped: ArcRwSignal<bool>,
}

/// How far it is.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Doing {
    /// What it is.
    pub(super) what: What,
    /// In lines, or in parts of a file.
    pub(super) done: u64,
    /// Of how many, at most.
    pub(super) of: u64,
}

/// What can be under way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A file that the recovery key opens.
    Export,
    /// A copy that anybody reads.
    Copy,
    /// Reading such a file.
    Import,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// Of what.
    pub(super) what: What,
    /// Whether it went well.
    pub(super) well: bool,
    /// In words.
    pub(super) text: String,
}

/// Why it did not come to its end.
pub(super) enum Stop {
    /// A person wanted it.
    Wanted,
    /// The engine says why.
    Failed(Failure),
    /// The file is not what it should be; with what was read of it before.
    File(OpenError),
    /// The browser could not hold or read the file.
    Browser,
}

impl From<Exception> for Stop {
    fn from(_: Exception) -> Self {
        Self::Browser
    }
}

impl From<OpenError> for Stop {
    fn from(error: OpenError) -> Self {
        Self::File(error)
    }
}

/// An answer that was not the one that was asked for.
pub(super) fn failed(answer: &Answer) -> Stop {
    match answer {
        Answer::Failed(failure) => Stop::Failed(*failure),
        _ => Stop::Failed(Failure::Browser),
    }
}

impl Job {
    /// The one of this page.
    pub(super) fn of_page() -> Self {
        static JOB: OnceLock<Job> = OnceLock::new();
        JOB.get_or_init(|| Self {
            doing: ArcRwSignal::new(None),
            said: ArcRwSignal::new(None),
            stopped: ArcRwSignal::new(false),
        })
        .clone()
    }

    /// What is under way, tracked.
    pub(super) fn doing(&self) -> Option<Doing> {
        self.doing.get()
    }

    /// What came of the last of a kind, tracked.
    pub(super) fn said(&self, of: &[What]) -> Option<Said> {
        self.said.get().filter(|said| of.contains(&said.what))
    }

    /// Begins, unless something is under way; `run` gives the words for what came of it.
    pub(super) fn begin<F>(&self, what: What, texts: Texts, run: F)
    where
        F: AsyncFnOnce(&Self) -> Result<String, Stop> + 'static,
    {
        if self.doing.get_untracked().is_some() {
            return;
        }
        self.said.set(None);
        self.stopped.set(false);
        let (done, of) = (0, 0);
        self.doing.set(Some(Doing { what, done, of }));
        let job = self.clone();
        spawn_local(async move {
            let outcome = run(&job).await;
            job.doing.set(None);
            job.said.set(Some(Said {
                what,
                well: outcome.is_ok(),
                text: outcome.unwrap_or_else(|stop| stop.words(what, texts)),
            }));
        });
    }

    /// Says how far it is.
    ///
    /// # Errors
    /// [`Stop::Wanted`] where a person wants no more of it.
    pub(super) fn go_on(&self, done: u64, of: u64) -> Result<(), Stop> {
        if self.stopped.get_untracked() {
            return Err(Stop::Wanted);
        }
        self.doing.update(|doing| {
            if let Some(doing) = doing {
                (doing.done, doing.of) = (done, of);
            }
        });
        Ok(())
    }

    /// A person wants no more of it.
    pub(super) fn stop(&self) {
        self.stopped.set(true);
    }
}

impl Stop {
    fn words(&self, what: What, texts: Texts) -> String {
        let import = what == What::Import;
        match self {
            Self::Wanted if import => texts.history_stopped_import().to_owned(),
            Self::Wanted => texts.history_stopped().to_owned(),
            Self::Failed(Failure::HistoryOfOther) => texts.history_of_other().to_owned(),
            Self::Failed(Failure::HistoryForged) => texts.history_forged().to_owned(),
            Self::Failed(Failure::Browser) | Self::Browser if import => texts.history_not_kept().to_owned(),
            Self::Failed(failure) => failure_text(texts, *failure),
            Self::Browser => texts.failure_browser().to_owned(),
            Self::File(OpenError::NoHistory) => texts.history_no_history().to_owned(),
            Self::File(OpenError::Newer(_)) => texts.history_newer().to_owned(),
            Self::File(OpenError::OtherKey) => texts.history_other_key().to_owned(),
            Self::File(OpenError::Truncated) => texts.history_truncated().to_owned(),
            Self::File(_) => texts.history_altered().to_owned(),
        }
    }
}
