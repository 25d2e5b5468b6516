//! Backups of a relay that runs, put back elsewhere; and what a relay serves against a manifest.
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

use chopar_relay::WebSource;
use chopar_wire::proto::relay::{AddOneTime, ClaimBundle, client_frame as c, relay_frame::Body};
use common::client::kind;
use common::{Client, Person, Program, TestRelay};
use sha2::{Digest, Sha256};

fn relay(arguments: &[&str], data: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chopar-relay"));
    command.args(arguments);
    if let Some(data) = data {
        command.arg("--data").arg(data);
    }
    command.output().unwrap()
}

fn well(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(output: &Output, word: &str) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains(word), "{said}");
}

async fn claim(client: &mut Client, person: &Person) -> bool {
    let claim = ClaimBundle {
        account: person.account.into(),
        device: person.devices[0].id.into(),
    };
    match client.ask(c::Body::ClaimBundle(claim)).await {
        Body::ClaimedBundle(claimed) => claimed.bundle.unwrap().one_time.is_some(),
        other => panic!("{}", kind(&other)),
    }
}

/// P-229.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_relay_is_copied_and_lives_on_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let first = path("first");
    let program = Program::start(&first);
    let token = program.printed.rsplit('#').next().unwrap().trim().to_owned();
    let (boss, mut owner) = (Person::new(), Client::connect(program.port).await);
    owner.register(&boss, &token, "boss", "Boss").await.unwrap();
    let link = well(&relay(&["invite", "--uses", "9"], Some(&first)));
    let token = link.rsplit('#').next().unwrap().trim().to_owned();
    let (person, mut client) = (Person::new(), Client::connect(program.port).await);
    client
        .register(&person, &token, "person", "Person")
        .await
        .unwrap();
    let one_time = vec![person.devices[0].one_time(1), person.devices[0].one_time(2)];
    let added = client.ask(c::Body::AddOneTime(AddOneTime { one_time })).await;
    assert!(matches!(added, Body::Done(_)), "{}", kind(&added));
    assert!(claim(&mut owner, &person).await, "one of two");
    drop(client);
    owner.submit(&person, b"waiting").await;

    let copy = path("copy");
    well(&relay(&["backup", copy.to_str().unwrap()], Some(&first)));
    refused(
        &relay(&["backup", copy.to_str().unwrap()], Some(&first)),
        "nothing is overwritten",
    );
    well(&relay(&["restore", copy.to_str().unwrap(), "--check"], None));
    program.kill();

    let second = path("second");
    well(&relay(&["restore", copy.to_str().unwrap()], Some(&second)));
    refused(
        &relay(&["restore", copy.to_str().unwrap()], Some(&second)),
        "nothing is overwritten",
    );
    assert!(well(&relay(&["audit", "verify"], Some(&second))).starts_with("ok"));
    let shown = well(&relay(&["audit", "show"], Some(&second)));
    assert!(
        shown.contains("backed-up") && shown.contains("restored"),
        "{shown}"
    );

    let program = Program::start(&second);
    assert!(program.printed.contains("There is an owner"));
    let mut client = Client::signed_in(program.port, &person, 0).await;
    assert_eq!(&client.delivery().await.body[..], b"waiting");
    let mut owner = Client::signed_in(program.port, &boss, 0).await;
    assert!(
        !claim(&mut owner, &person).await,
        "the other one may have been handed out since"
    );
    let mut late = Client::connect(program.port).await;
    let refusal = late.register(&Person::new(), &token, "late", "Late").await;
    assert_eq!(refusal, Err(common::Reason::InviteUnknown));
    program.kill();
}

#[test]
fn a_damaged_backup_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let data = path("data");
    Program::start(&data).kill();
    let copy = path("copy");
    well(&relay(&["backup", copy.to_str().unwrap()], Some(&data)));
    let try_restore = |word: &str| {
        let target = path("target");
        refused(&relay(&["restore", copy.to_str().unwrap()], Some(&target)), word);
        assert!(!target.exists());
    };
    let key = copy.join("audit.key");
    let good = fs::read(&key).unwrap();
    fs::write(&key, "0".repeat(64)).unwrap();
    try_restore("audit.key is not what the backup was made with");
    fs::write(&key, good).unwrap();
    let database = copy.join("relay.db");
    let good = fs::read(&database).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 0xff;
    fs::write(&database, bad).unwrap();
    try_restore("relay.db is not what the backup was made with");
    fs::write(&database, good).unwrap();
    let manifest = copy.join("backup.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("audit.key", "../audit.key")).unwrap();
    try_restore("is no backup");
    fs::remove_file(&manifest).unwrap();
    try_restore("is no backup");
    refused(
        &relay(
            &["backup", path("other").to_str().unwrap()],
            Some(&path("nothing")),
        ),
        "holds no relay's data",
    );
}

#[cfg(unix)]
#[test]
fn a_backup_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    Program::start_with(&data, |command| {
        command.args(["--tls", "own"]);
    })
    .kill();
    let copy = folder.path().join("copy");
    well(&relay(&["backup", copy.to_str().unwrap()], Some(&data)));
    for name in [
        "relay.db",
        "audit.key",
        "backup.json",
        "tls/authority.key",
        "tls/server.crt",
    ] {
        let mode = fs::metadata(copy.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o700);
}

/// T-052: one byte of one form is enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_served_is_compared_with_a_manifest() {
    let dist = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(dist.path().join(name), bytes).unwrap();
    let files = [
        ("index.html", &b"<!doctype html>"[..]),
        ("boot.js", b"plain script"),
    ];
    let mut listed = Vec::new();
    for (name, bytes) in files {
        put(name, bytes);
        listed.push(format!(
            "{name:?}: {{ \"sha256\": \"{}\" }}",
            hex::encode(Sha256::digest(bytes))
        ));
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, files[1].1).unwrap();
    put("boot.js.gz", &gzip.finish().unwrap());
    let manifest = dist.path().join("manifest.json");
    fs::write(
        &manifest,
        format!("{{ \"version\": 1, \"files\": {{ {} }} }}", listed.join(", ")),
    )
    .unwrap();

    let web = dist.path().to_owned();
    let served = TestRelay::start_over_tls(|config| config.web = WebSource::Folder(web)).await;
    let origin = format!("https://localhost:{}", served.port);
    let ca = served.data().join("tls/authority.crt");
    let verify = async |ca: &Path| {
        let (origin, ca, manifest) = (origin.clone(), ca.to_owned(), manifest.clone());
        tokio::task::spawn_blocking(move || {
            Command::new(env!("CARGO_BIN_EXE_chopar-relay"))
                .args(["verify-client", &origin, "--manifest"])
                .arg(manifest)
                .arg("--ca")
                .arg(ca)
                .output()
                .unwrap()
        })
        .await
        .unwrap()
    };
    assert!(well(&verify(&ca).await).starts_with("ok"));

    let mut other = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut other, b"plain scripT").unwrap();
    put("boot.js.gz", &other.finish().unwrap());
    let found = verify(&ca).await;
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(!found.status.success());
    assert_eq!(said, "WRONG  /boot.js is another one (asked for as gzip)\n");

    fs::remove_file(dist.path().join("boot.js")).unwrap();
    let said = String::from_utf8(verify(&ca).await.stdout).unwrap();
    assert!(
        said.contains("WRONG  /boot.js is not served (asked for as identity)"),
        "{said}"
    );
    let stranger = common::tls::Authority::new();
    let other = dist.path().join("other.pem");
    fs::write(&other, stranger.pem()).unwrap();
    refused(
        &verify(&other).await,
        "with a certificate that this machine trusts",
    );
    served.stop().await;
}
