use std::process::Command;

use super::*;

mod installed;

/// Says what a machine lacks for a test. A build machine is there to test: it may not pass this over.
fn missing(what: &str) {
    assert!(env::var_os("CI").is_none(), "{what}; this build machine needs it");
    println!("SKIPPED: {what}; nothing was tested");
}

/// Packages of a program that is only text: they hold it as it is.
fn packed() -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let relay = folder.path().join("relay");
    fs::write(&relay, "#!/bin/sh\necho relay\n").unwrap();
    packed_with(&relay)
}

/// Packages of a program.
fn packed_with(relay: &Path) -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("manifest");
    fs::write(&manifest, "{}").unwrap();
    let parts = Parts {
        relay: relay.to_owned(),
        manifest,
        version: "1.2.3".to_owned(),
    };
    let files = pack(&parts, &folder.path().join("out")).unwrap();
    (folder, files)
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn packages_are_whole() {
    if process::output_of(Command::new("dpkg-deb").arg("--version")).is_none() {
        return missing("there is no dpkg-deb on this machine");
    }
    let (folder, files) = packed();
    let out = folder.path().join("out");
    let debian = files.iter().find(|file| file.ends_with(".deb")).unwrap();
    let archive = files.iter().find(|file| file.ends_with(".tar.gz")).unwrap();
    run(Command::new("sha256sum")
        .current_dir(&out)
        .args(["--check", "--strict", SUMS]));
    assert_eq!(
        fs::read_dir(&out).unwrap().count(),
        files.len(),
        "nothing is left over"
    );

    let root = folder.path().join("root");
    run(Command::new("dpkg-deb")
        .arg("-x")
        .arg(out.join(debian))
        .arg(&root));
    assert_eq!(
        run(&mut Command::new(root.join("usr/bin/chopar-relay"))),
        "relay\n"
    );
    let configuration = fs::read_to_string(root.join("etc/chopar/relay.toml")).unwrap();
    assert!(configuration.contains("\ndata = \"/var/lib/chopar\"\n"));
    for document in ["operations.md", SBOM] {
        assert!(
            root.join("usr/share/doc/chopar-relay").join(document).is_file(),
            "{document}"
        );
    }
    let control = folder.path().join("control");
    run(Command::new("dpkg-deb")
        .arg("-e")
        .arg(out.join(debian))
        .arg(&control));
    for script in ["postinst", "prerm", "postrm"] {
        run(Command::new("sh").arg("-n").arg(control.join(script)));
    }
    let field = |name: &str| run(Command::new("dpkg-deb").arg("-f").arg(out.join(debian)).arg(name));
    assert_eq!(
        (field("Package").trim(), field("Version").trim()),
        ("chopar-relay", "1.2.3")
    );

    run(Command::new("tar")
        .current_dir(folder.path())
        .arg("-xzf")
        .arg(out.join(archive)));
    let bundle = folder.path().join(archive.trim_end_matches(".tar.gz"));
    assert_eq!(run(&mut Command::new(bundle.join("chopar-relay"))), "relay\n");
    for file in [
        "manifest.json",
        "sbom.cdx.json",
        "relay.toml",
        "Containerfile",
        "docs/operations.md",
    ] {
        assert!(bundle.join(file).is_file(), "{file}");
    }
}

/// With the program where the unit says it is, systemd has nothing to say against it.
#[test]
fn the_unit_is_right_and_hardened() {
    let unit = String::from_utf8(from_repository("packaging/chopar-relay.service").unwrap()).unwrap();
    for line in [
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
        "MemoryDenyWriteExecute=yes",
        "StateDirectory=chopar",
        "SystemCallFilter=~@privileged",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
    if process::output_of(Command::new("systemd-analyze").arg("--version")).is_none() {
        return missing("there is no systemd-analyze on this machine");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chopar-relay.service");
    fs::write(&path, unit.replace("/usr/bin/chopar-relay", "/bin/true")).unwrap();
    let output = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("chopar-relay"))
        .collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
}

/// No tool looks at container files here: the faults that matter are looked for by hand.
#[test]
fn the_container_file_has_no_obvious_fault() {
    let text = String::from_utf8(from_repository("packaging/Containerfile").unwrap()).unwrap();
    let joined = text.replace("\\\n", " ");
    let lines: Vec<(&str, &str)> = joined
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| line.split_once(' ').unwrap())
        .collect();
    let of = |word: &str| -> Vec<&str> {
        let found = lines.iter().filter(|(instruction, _)| *instruction == word);
        found.map(|(_, rest)| *rest).collect()
    };
    assert_eq!(lines[0].0, "FROM", "the first instruction");
    let (_, tag) = of("FROM")[0].rsplit_once(':').expect("the base has a version");
    assert_ne!(tag, "latest");
    assert!(
        of("ADD").is_empty(),
        "COPY takes what is there and unpacks nothing"
    );
    assert_eq!(of("USER"), ["chopar"], "not root");
    let user = lines
        .iter()
        .position(|(instruction, _)| *instruction == "USER")
        .unwrap();
    assert!(
        lines[user..].iter().all(|(instruction, _)| *instruction != "RUN"),
        "root's work comes first"
    );
    for word in ["ENTRYPOINT", "CMD"] {
        assert!(
            of(word)[0].starts_with('['),
            "{word} without a shell: signals reach the relay"
        );
    }
    for copied in of("COPY") {
        let source = copied.split(' ').next().unwrap();
        assert_eq!(source, "chopar-relay", "{source} is in the bundle");
    }
    let secrets = ["PASSWORD", "SECRET", "TOKEN"];
    assert!(
        of("ENV")
            .iter()
            .all(|line| secrets.iter().all(|secret| !line.contains(secret)))
    );
    assert_eq!(of("EXPOSE"), ["8443"], "what CHOPAR_LISTEN says");
}
