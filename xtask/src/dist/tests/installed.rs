//! The package installed, used and purged in another root: this machine's own files below, seen and not touched, and what is
//! written on a file system in memory above them. So the package's scripts run as they run on a real machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Stdio};

use super::*;

/// Gone with this, and with it all that was installed.
struct Root {
    memory: tempfile::TempDir,
}

impl Root {
    /// `None` where this machine lets nobody mount one.
    fn mount() -> Option<Self> {
        let memory = tempfile::tempdir().unwrap();
        let mount = |words: &[&str], at: &Path| {
            let done = Command::new("mount").args(words).arg(at).output();
            done.is_ok_and(|done| done.status.success())
        };
        if !mount(&["-t", "tmpfs", "-o", "size=1g", "tmpfs"], memory.path()) {
            return None;
        }
        let root = Self { memory };
        let part = |name: &str| {
            let part = root.memory.path().join(name);
            fs::create_dir(&part).unwrap();
            part
        };
        let (upper, work, merged) = (part("upper"), part("work"), part("root"));
        let layers = format!(
            "lowerdir=/,upperdir={},workdir={}",
            upper.display(),
            work.display()
        );
        if !mount(&["-t", "overlay", "-o", &layers, "overlay"], &merged) {
            return None;
        }
        assert!(mount(&["--bind", "/dev"], &merged.join("dev")));
        // The scripts must not speak to this machine's systemd; where there is none they speak to nobody.
        match fs::remove_dir_all(merged.join("run/systemd")) {
            Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => panic!("{fault}"),
            _ => {}
        }
        Some(root)
    }

    fn path(&self) -> PathBuf {
        self.memory.path().join("root")
    }

    /// dpkg, in this root.
    fn dpkg(&self, action: &str, what: &Path) -> String {
        run(Command::new("dpkg")
            .arg(format!("--root={}", self.path().display()))
            .args(["--force-confold", action])
            .arg(what)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DEBIAN_FRONTEND", "noninteractive"))
    }

    /// The installed program, as the unit starts it: by its user, who has no other rights.
    fn relay(&self, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command
            .arg(self.path())
            .args(["setpriv", "--reuid=chopar", "--regid=chopar", "--clear-groups"])
            .args(["--no-new-privs", "/usr/bin/chopar-relay"])
            .args(words)
            .current_dir("/");
        command
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let done = Command::new("umount")
            .args(["-R", "-l"])
            .arg(self.memory.path())
            .status();
        assert!(done.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// A test that fails leaves no relay behind.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[test]
fn the_package_is_installed_used_and_purged() {
    let relay = workspace::native_target().join("debug/chopar-relay");
    if !relay.is_file() {
        return missing("the relay was not built: `cargo build --workspace` does");
    }
    if process::output_of(Command::new("dpkg").arg("--version")).is_none() {
        return missing("there is no dpkg on this machine");
    }
    let Some(root) = Root::mount() else {
        return missing("another root cannot be mounted here (it takes root)");
    };
    // Without what only a debugger needs: the package would be ten times as large.
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("chopar-relay");
    run(Command::new("strip").arg("-o").arg(&small).arg(&relay));
    let (packages, files) = packed_with(&small);
    let debian = files.iter().find(|file| file.ends_with(".deb")).unwrap();
    let there = |path: &str| root.path().join(path);

    let said = root.dpkg("--install", &packages.path().join("out").join(debian));
    assert!(said.contains("systemctl enable --now chopar-relay"), "{said}");
    let status = root.dpkg("--status", Path::new("chopar-relay"));
    assert!(status.contains("Status: install ok installed"), "{status}");
    let data = fs::metadata(there("var/lib/chopar")).unwrap();
    assert_eq!(data.mode() & 0o7777, 0o700, "the data is its user's alone");
    assert_ne!(data.uid(), 0);
    let users = fs::read_to_string(there("etc/passwd")).unwrap();
    assert!(
        users
            .lines()
            .any(|line| line.starts_with("chopar:") && line.contains(&format!(":{}:", data.uid())))
    );
    for document in ["operations.md", "sbom.cdx.json", "copyright"] {
        assert!(
            there("usr/share/doc/chopar-relay").join(document).is_file(),
            "{document}"
        );
    }

    // It serves as it was installed, by the file that the package brought.
    run(&mut root.relay(&["config", "check"]));
    let shown = run(&mut root.relay(&["config", "show"]));
    assert!(shown.contains("/etc/chopar/relay.toml"), "{shown}");
    let mut serving = Serving(
        root.relay(&["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let lines = BufReader::new(serving.0.stdout.take().unwrap()).lines();
    let port: u16 = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("Chopar is at http://localhost:")?.parse().ok())
        .expect("the relay says where it is");
    let mut line = TcpStream::connect(("127.0.0.1", port)).unwrap();
    line.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    run(Command::new("kill").arg("-TERM").arg(serving.0.id().to_string()));
    assert!(serving.0.wait().unwrap().success());

    // Purged, its settings are gone and the organisation's data is not.
    root.dpkg("--purge", Path::new("chopar-relay"));
    for gone in [
        "usr/bin/chopar-relay",
        "etc/chopar/relay.toml",
        "lib/systemd/system/chopar-relay.service",
    ] {
        assert!(!there(gone).exists(), "{gone}");
    }
    assert_eq!(
        fs::metadata(there("var/lib/chopar/relay.db")).unwrap().uid(),
        data.uid()
    );
    assert!(
        !Path::new("/etc/chopar").exists() || Path::new("/usr/bin/chopar-relay").exists(),
        "this machine is as it was"
    );
}
