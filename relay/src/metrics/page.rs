//! The page of numbers.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::core::Core;
use crate::store::{FilesKept, sqlite};

/// A name, what it says, whether it only rises, its value.
type Line = (&'static str, &'static str, Kind, Option<u64>);

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

/// What holds now. Numbers that this machine, or the store just now, does not tell are left out.
pub(crate) fn page(core: &Core, files: Option<FilesKept>) -> String {
    let metrics = &core.metrics;
    let (connections, turned_away) = core.places.counts();
    let data = &core.config.data;
    let lines: [Line; 20] = [
        (
            "chopar_connections",
            "Connections, signed in or not.",
            Kind::Gauge,
            Some(connections),
        ),
        (
            "chopar_connections_max",
            "Connections that there is room for.",
            Kind::Gauge,
            Some(core.config.caps.connections as u64),
        ),
        (
            "chopar_connections_turned_away_total",
            "Connections that found no place.",
            Kind::Counter,
            Some(turned_away),
        ),
        (
            "chopar_devices",
            "Devices that are signed in.",
            Kind::Gauge,
            Some(core.registry.count() as u64),
        ),
        (
            "chopar_sign_ins_total",
            "Sign-ins of devices.",
            Kind::Counter,
            Some(metrics.sign_ins.value()),
        ),
        (
            "chopar_registrations_total",
            "Members who registered.",
            Kind::Counter,
            Some(metrics.registrations.value()),
        ),
        (
            "chopar_frames_total",
            "Frames of signed-in devices that were answered.",
            Kind::Counter,
            Some(metrics.frames.value()),
        ),
        (
            "chopar_refusals_total",
            "Answers that refused.",
            Kind::Counter,
            Some(metrics.refusals.value()),
        ),
        (
            "chopar_rate_limited_total",
            "Refusals for too much at once.",
            Kind::Counter,
            Some(metrics.rate_limited.value()),
        ),
        (
            "chopar_storage_refusals_total",
            "Refusals because the store could not write.",
            Kind::Counter,
            Some(metrics.storage_refusals.value()),
        ),
        (
            "chopar_messages_accepted_total",
            "Submissions that became durable.",
            Kind::Counter,
            Some(metrics.accepted.value()),
        ),
        (
            "chopar_messages_delivered_total",
            "Envelopes handed to devices; again after a connection that broke.",
            Kind::Counter,
            Some(metrics.delivered.value()),
        ),
        (
            "chopar_database_bytes",
            "Size of the embedded database.",
            Kind::Gauge,
            fs::metadata(sqlite::path(data)).ok().map(|file| file.len()),
        ),
        (
            "chopar_files",
            "Files, unfinished uploads included.",
            Kind::Gauge,
            files.map(|files| files.count),
        ),
        (
            "chopar_files_bytes",
            "Room that files take, unfinished uploads as large as they will be.",
            Kind::Gauge,
            files.map(|files| files.bytes),
        ),
        (
            "chopar_files_uploaded_total",
            "Uploads that became whole.",
            Kind::Counter,
            Some(metrics.files_uploaded.value()),
        ),
        (
            "chopar_file_bytes_received_total",
            "Bytes of uploads that became durable.",
            Kind::Counter,
            Some(metrics.file_bytes_received.value()),
        ),
        (
            "chopar_file_bytes_sent_total",
            "Bytes of files that were sent.",
            Kind::Counter,
            Some(metrics.file_bytes_sent.value()),
        ),
        (
            "chopar_disk_free_bytes",
            "Free room where the data is.",
            Kind::Gauge,
            free_bytes(data),
        ),
        (
            "process_resident_memory_bytes",
            "Memory of the process.",
            Kind::Gauge,
            resident_bytes(),
        ),
    ];
    let mut page = String::new();
    for (name, help, kind, value) in lines {
        let Some(value) = value else { continue };
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a string does not fail.
        let _ok = write!(
            page,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"
        );
    }
    let _ok = write!(
        page,
        "# HELP chopar_build_info The running version.\n# TYPE chopar_build_info gauge\n\
         chopar_build_info{{version=\"{}\"}} 1\n",
        env!("CARGO_PKG_VERSION")
    );
    page
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
