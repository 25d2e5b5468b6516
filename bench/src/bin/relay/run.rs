//! One relay with its people, and where figures go.

use crate::crowd::Crowd;
use crate::options::{Options, Store};
use crate::report::{Goal, Report};
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
        self.report
            .add(self.store, self.server.tls.is_some(), figure, value, goal);
    }
}
