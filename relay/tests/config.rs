//! Configuration from file, environment and flags: what holds, where it comes from, and every mistake by name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::Program;

fn relay(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap() + &String::from_utf8_lossy(&output.stderr)
}

fn write(folder: &Path, text: &str) -> String {
    let path = folder.join("relay.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn every_value_is_shown_with_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(
        folder.path(),
        "\nname = \"Bank\"\nlisten = \"127.0.0.1:9\"\nconnections = 7\n",
    );
    let shown = relay(
        &["config", "show", "--config", &file, "--connections", "8"],
        &[("CHOPAR_LISTEN", "127.0.0.1:10")],
    );
    assert!(shown.status.success());
    let shown = said(&shown);
    for line in [
        format!("# {file} was read.\n"),
        format!("name = \"Bank\"  # {file}, line 2\n"),
        "listen = \"127.0.0.1:10\"  # environment CHOPAR_LISTEN\n".to_owned(),
        "connections = \"8\"  # flag --connections\n".to_owned(),
        "tls = \"auto\"  # default\n".to_owned(),
        "# origin is not set\n".to_owned(),
    ] {
        assert!(shown.contains(&line), "{line} is not in {shown}");
    }
}

#[test]
fn mistakes_are_named_with_where_they_were_made_and_serve_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = write(folder.path(), "lsiten = \"127.0.0.1:0\"\nconnections = \"few\"\n");
    let environment = [("CHOPAR_CONFIG", &*file), ("CHOPAR_ORIGN", "https://a.example")];
    let checked = relay(&["config", "check"], &environment);
    assert!(!checked.status.success());
    let checked = said(&checked);
    for line in [
        format!("{file}, line 1: lsiten is no setting; did you mean listen?"),
        format!("connections = \"few\" (from {file}, line 2): it is a number above zero"),
        "environment CHOPAR_ORIGN sets nothing; did you mean CHOPAR_ORIGIN?".to_owned(),
    ] {
        assert!(checked.contains(&line), "{line} is not in {checked}");
    }
    let served = relay(&["serve", "--data", data.to_str().unwrap()], &environment);
    assert!(!served.status.success() && said(&served).contains("did you mean listen?"));
    assert!(!data.exists(), "nothing was made");

    let missing = relay(&["config", "check", "--config", "/nowhere/relay.toml"], &[]);
    assert!(said(&missing).contains("/nowhere/relay.toml (from flag --config) cannot be read"));
    let flag = relay(&["serve", "--lisen", "127.0.0.1:0"], &[]);
    assert!(said(&flag).contains("--listen"), "clap names the nearest flag");
}

#[test]
fn check_finds_what_a_start_would_find() {
    let folder = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        let file = write(folder.path(), text);
        let checked = relay(&["config", "check", "--config", &file], &[]);
        (checked.status.success(), said(&checked))
    };
    assert!(check("").0, "the defaults are right");
    let (right, open) = check("listen = \"0.0.0.0:8080\"\ntls = \"off\"\n");
    assert!(
        !right && open.contains("plain HTTP is for this machine only"),
        "{open}"
    );
    let (right, origin) = check("origin = \"chat.example.org\"\n");
    assert!(
        !right && origin.contains("is not where a page can be"),
        "{origin}"
    );
    let (right, certificate) = check(
        "tls-cert = \"/nowhere/cert.pem\"\ntls-key = \"/nowhere/key.pem\"\norigin = \"https://a.example\"\n",
    );
    assert!(
        !right && certificate.contains("/nowhere/cert.pem cannot be read"),
        "{certificate}"
    );
}

#[test]
fn a_relay_is_led_by_its_file_and_commands_beside_it_find_it_there() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = write(
        folder.path(),
        &format!(
            "data = {:?}\nname = \"From a file\"\norigin = [\"http://localhost:1\"]\n",
            data
        ),
    );
    let command = |command: &mut Command| {
        command.env("CHOPAR_CONFIG", &file);
    };
    let program = Program::start_led(command, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(
        program.printed.contains("http://localhost:1"),
        "{}",
        program.printed
    );
    assert!(data.join("relay.db").exists());
    let invite = relay(&["invite"], &[("CHOPAR_CONFIG", &file)]);
    assert!(
        said(&invite).starts_with("http://localhost:1/join#"),
        "{}",
        said(&invite)
    );
    program.kill();
}

#[test]
fn a_newer_database_is_refused_by_every_command_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    Program::start(folder.path()).kill();
    let path = folder.path().join("relay.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(db);
    let before = fs::read(&path).unwrap();
    let data = folder.path().to_str().unwrap();
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["invite"],
        &["member", "list"],
        &["audit", "verify"],
        &["backup", "/nowhere/copy"],
        &["doctor", "--listen", "127.0.0.1:0"],
    ] {
        let refused = relay(&[arguments, &["--data", data]].concat(), &[]);
        assert!(!refused.status.success(), "{arguments:?}");
        assert!(
            said(&refused).contains("use a newer relay"),
            "{arguments:?}: {}",
            said(&refused)
        );
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}
