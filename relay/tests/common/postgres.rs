//! A PostgreSQL server of the test's own: its files in a temporary folder, reached by a socket there, gone with the test.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what tests share: a test fails by panicking, and not every test uses all of it"
)]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Longer than a start takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The user that owns the server's files where tests run as root: PostgreSQL refuses to run as root.
const USER: &str = "postgres";

/// Runs the server as a child, obeys a word on its input, and ends the server when the test does, however that ends.
const KEEPER: &str = r#"
"$0/postgres" -D "$1/data" -k "$1" >> "$1/log" 2>&1 &
server=$!
read -r word
case "$word" in
  stop) kill -INT $server; wait $server ;;
  kill) kill -KILL $server; wait $server 2>/dev/null ;;
  *) kill -QUIT $server; wait $server; rm -rf "$1" ;;
esac
"#;

const SETTINGS: &str = "
listen_addresses = ''
fsync = off
shared_buffers = 64MB
max_wal_size = 1GB
wal_level = minimal
max_wal_senders = 0
max_connections = 60
# A test that reads the server's log finds what a careless statement would leave there.
log_min_error_statement = error
";

/// A server that runs until this is dropped.
pub struct Cluster {
    folder: PathBuf,
    keeper: Option<(Child, ChildStdin)>,
}

/// The server that the tests of one process share. It ends with the process.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(Cluster::start)
}

impl Cluster {
    pub fn start() -> Self {
        Self::start_in(&std::env::temp_dir(), "")
    }

    /// With its files in a folder of `parent`; `settings` win over those of tests.
    pub fn start_in(parent: &Path, settings: &str) -> Self {
        let folder = tempfile::tempdir_in(parent).unwrap().keep();
        let data = folder.join("data");
        copy(&template(), &data);
        append(&data, settings);
        give(&folder);
        let mut cluster = Self { folder, keeper: None };
        cluster.run();
        cluster
    }

    /// The address of a fresh database.
    pub fn database(&self, name: &str) -> String {
        let made = self
            .client("createdb")
            .args(["-T", "template0", name])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        self.url(name)
    }

    pub fn url(&self, name: &str) -> String {
        format!("postgres://chopar@/{name}?host={}", self.folder.display())
    }

    /// What a statement prints, without decoration.
    pub fn ask(&self, database: &str, sql: &str) -> String {
        let said = self
            .client("psql")
            .args(["-XAtq", "-c", sql, database])
            .output()
            .unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    }

    /// Where its socket is.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Whether it takes connections.
    pub fn answers(&self) -> bool {
        self.client("pg_isready").arg("-q").status().unwrap().success()
    }

    /// Stops as an administrator would.
    pub fn stop(&mut self) {
        self.end("stop");
    }

    /// Stops as a power failure would, but for what the system had not written yet.
    pub fn kill(&mut self) {
        self.end("kill");
    }

    /// Starts again after `stop` or `kill`.
    pub fn run(&mut self) {
        let mut command = as_owner("sh");
        let mut keeper = command
            .args(["-c", KEEPER])
            .arg(programs())
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = keeper.stdin.take().unwrap();
        self.keeper = Some((keeper, input));
        let start = Instant::now();
        while !self.answers() {
            assert!(
                start.elapsed() < PATIENCE,
                "the server does not start: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn end(&mut self, word: &str) {
        if let Some((mut keeper, mut input)) = self.keeper.take() {
            writeln!(input, "{word}").unwrap();
            keeper.wait().unwrap();
        }
    }

    fn client(&self, name: &str) -> Command {
        let mut command = Command::new(programs().join(name));
        command.arg("-h").arg(&self.folder).args(["-U", "chopar"]);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some((mut keeper, input)) = self.keeper.take() {
            drop(input);
            // It has nothing more to do than to end.
            let _ended = keeper.wait();
        }
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// The folder of PostgreSQL's programs.
pub fn programs() -> PathBuf {
    if let Some(named) = std::env::var_os("CHOPAR_POSTGRES") {
        return named.into();
    }
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    versions
        .map(|version| version.path().join("bin"))
        .filter(|folder| folder.join("initdb").is_file())
        .max_by_key(|folder| {
            let version = folder.parent().and_then(Path::file_name);
            version.and_then(|name| name.to_str()?.parse::<u32>().ok())
        })
        .expect(
            "PostgreSQL's programs are not on this machine. Run `cargo xtask setup`, which installs them, or install Debian's \
             package postgresql, or name their folder in CHOPAR_POSTGRES",
        )
}

/// The files of an empty server, made once and copied from then on.
fn template() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let target = program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .expect("a program in cargo's target folder")
        .join("tmp");
    fs::create_dir_all(&target).unwrap();
    let lock = File::create(target.join("postgres.lock")).unwrap();
    lock.lock().unwrap();
    let version = Command::new(programs().join("postgres"))
        .arg("--version")
        .output()
        .unwrap();
    let version: String = String::from_utf8(version.stdout)
        .unwrap()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let kept = target.join(format!("postgres-{version}"));
    if !kept.exists() {
        let folder = tempfile::tempdir().unwrap();
        give(folder.path());
        let made = as_owner(programs().join("initdb").to_str().unwrap())
            .args([
                "-U",
                "chopar",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
                "--wal-segsize=1",
                "-D",
            ])
            .arg(folder.path().join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let half = target.join(format!("postgres-{version}.half"));
        let _left = fs::remove_dir_all(&half);
        copy(&folder.path().join("data"), &half);
        append(&half, SETTINGS);
        fs::rename(&half, &kept).unwrap();
    }
    kept
}

fn append(data: &Path, settings: &str) {
    let file = data.join("postgresql.conf");
    let mut file = File::options().append(true).open(file).unwrap();
    file.write_all(settings.as_bytes()).unwrap();
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-R").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

/// Makes files the server's own.
fn give(folder: &Path) {
    if is_root() {
        let owner = format!("{USER}:");
        let done = Command::new("chown")
            .args(["-R", &owner])
            .arg(folder)
            .status()
            .unwrap();
        assert!(done.success());
    }
    let data = folder.join("data");
    if data.exists() {
        let done = Command::new("chmod").arg("0700").arg(data).status().unwrap();
        assert!(done.success());
    }
}

fn as_owner(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups", program]);
    command
}

fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output().unwrap();
    said.stdout.starts_with(b"0\n")
}
