//! What the directory says to what is being typed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chopar_engine::view::PersonFound;
use chopar_engine::{Answer, Failure, Intent};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::App;

/// How long typing must pause before the directory is asked.
const PAUSE: Duration = Duration::from_millis(200);

/// What was found.
#[derive(Clone, PartialEq)]
pub(crate) enum Found {
    /// Nothing was asked.
    Nothing,
    /// These people.
    People {
        /// By what.
        query: String,
        /// Maybe nobody.
        people: Vec<PersonFound>,
    },
    /// It could not be asked.
    Failed(Failure),
}

/// The directory, asked by one box; clones share it.
#[derive(Clone)]
pub(crate) struct Directory {
    app: App,
    found: ArcRwSignal<Found>,
    latest: Arc<AtomicU64>,
}

impl Directory {
    /// Not asked yet.
    pub(crate) fn new(app: App) -> Self {
        Self {
            app,
            found: ArcRwSignal::new(Found::Nothing),
            latest: Arc::default(),
        }
    }

    /// What was found.
    pub(crate) fn found(&self) -> ArcRwSignal<Found> {
        self.found.clone()
    }

    /// Asks, once typing pauses.
    pub(crate) fn ask(&self, query: String) {
        let asked = self.latest.fetch_add(1, Ordering::Relaxed) + 1;
        if query.trim().is_empty() {
            self.found.set(Found::Nothing);
            return;
        }
        let this = self.clone();
        set_timeout(
            move || {
                spawn_local(async move {
                    if this.latest.load(Ordering::Relaxed) != asked {
                        return;
                    }
                    let intent = Intent::FindPeople { query: query.clone() };
                    let answer = this.app.client.ask(intent).await;
                    // Answers may overtake each other: only the one to what stands in the box counts.
                    if this.latest.load(Ordering::Relaxed) == asked {
                        this.found.set(match answer {
                            Answer::People(people) => Found::People { query, people },
                            Answer::Failed(failure) => Found::Failed(failure),
                            _ => Found::Failed(Failure::Browser),
                        });
                    }
                });
            },
            PAUSE,
        );
    }
}
