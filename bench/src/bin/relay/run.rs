//! One relay with its people, and where figures go.

use crate::crowd::Crowd;
use crate::options::{Options, Store};
use crate::report::{Goal, Report, Row};
use crate::server::Server;

pub(crate) struct Run<'a> {
    pub(crate) options: &'a Options,
    pub(crate) store: Store,
    pub(crate) server: Server,
    pub(crate) crowd: Crowd,
    pub(crate) report: &'a mut Report,
}

impl Run<'_> {
    pub(crate) fn tls(&self) -> bool {
        self.server.tls.is_some()
    }

    /// Notes a figure.
    pub(crate) fn note(&mut self, figure: impl Into<String>, value: f64, goal: Goal) {
        self.note_under(String::new(), figure, value, goal);
    }

    /// Notes a figure with the load under which it was measured, which its goal says nothing without.
    pub(crate) fn note_under(&mut self, load: String, figure: impl Into<String>, value: f64, goal: Goal) {
        self.report.add(Row {
            store: self.store,
            tls: self.server.tls.is_some(),
            figure: figure.into(),
            load,
            value,
            goal,
        });
    }
}
