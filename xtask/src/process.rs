//! Child processes: shown before they run, their failure named after.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
};

use anyhow::{Context, Result, bail};

/// Runs `command` with our own output; an unsuccessful end is an error that names it.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    let shown = announce(command);
    let status = command.status().with_context(|| format!("starting {shown}"))?;
    succeeded(status, &shown)
}

/// Runs `command` silently; what it wrote to standard output, trimmed, if it ended well.
pub(crate) fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs `command`, shows every line it writes at once, and hands each to `line` as well.
pub(crate) fn watched(command: &mut Command, mut line: impl FnMut(&str)) -> Result<ExitStatus> {
    let shown = announce(command);
    let started = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.with_context(|| format!("starting {shown}"))?;
    let (sender, lines) = mpsc::channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|out| Box::new(out) as _),
        child.stderr.take().map(|err| Box::new(err) as _),
    ];
    for stream in streams.into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    drop(sender);
    let mut screen = std::io::stdout().lock();
    for bytes in lines {
        let text = String::from_utf8_lossy(&bytes);
        writeln!(screen, "{text}")?;
        line(&text);
    }
    child.wait().with_context(|| format!("waiting for {shown}"))
}

/// Runs `command` and compresses what it writes to standard output into a file; the same bytes for the same output.
pub(crate) fn into_gzip(command: &mut Command, file: std::fs::File) -> Result<()> {
    let shown = announce(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {shown}"))?;
    if let Some(mut output) = child.stdout.take() {
        let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::best());
        std::io::copy(&mut output, &mut gzip).with_context(|| format!("reading from {shown}"))?;
        gzip.finish()?.sync_all()?;
    }
    let status = child.wait().with_context(|| format!("waiting for {shown}"))?;
    succeeded(status, &shown)
}

/// Turns an unsuccessful end into an error.
pub(crate) fn succeeded(status: ExitStatus, shown: &str) -> Result<()> {
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn announce(command: &Command) -> String {
    let shown = shown(command);
    println!("  $ {shown}");
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let error = must(Command::new("sh").args(["-c", "exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("exit 3") && error.contains("sh"), "{error}");
        assert!(must(&mut Command::new("no-such-program-anywhere")).is_err());
    }

    #[test]
    fn every_line_of_both_streams_is_seen() {
        let mut seen = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; printf last; exit 1"]);
        let status = watched(&mut command, |line| seen.push(line.to_owned())).unwrap();
        seen.sort();
        assert_eq!(seen, ["err", "last", "out"]);
        assert!(!status.success());
    }
}
