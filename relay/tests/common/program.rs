//! The relay's real program, as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Client, Person};

/// The real program on a port of its own choosing.
pub struct Program {
    pub child: Child,
    /// 0 where it was given another origin than its own port's.
    pub port: u16,
    pub printed: String,
}

/// A port that was free a moment ago, for a program that must be told which.
pub fn free_port() -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

impl Program {
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, |_| {})
    }

    /// With its accounts and queues in another database where one is named, and without limits of rates.
    pub fn start_on(database: Option<&str>, data: &Path) -> Self {
        Self::start_with(data, |command| {
            command.arg("--no-rate-limits");
            if let Some(url) = database {
                command.args(["--database", url]);
            }
        })
    }

    /// The owner and a member, registered with a relay that has just been started.
    pub async fn ann_and_bob(&self) -> (Person, Person) {
        let token = self.printed.split("/join#").nth(1).unwrap().trim();
        let (ann, bob) = (Person::new(), Person::new());
        let mut a = Client::connect(self.port).await;
        a.register(&ann, token, "ann", "Ann").await.unwrap();
        let invite = super::relay::invite(&mut a, 1, 3600).await;
        let mut b = Client::connect(self.port).await;
        b.register(&bob, &invite, "bob", "Bob").await.unwrap();
        (ann, bob)
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
    }

    pub fn start_with(data: &Path, change: impl FnOnce(&mut Command)) -> Self {
        Self::start_at("127.0.0.1:0", data, change)
    }

    /// With these arguments and no others.
    pub fn start_led(change: impl FnOnce(&mut Command), arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chopar-relay"));
        command.args(arguments);
        Self::spawn(command, change)
    }

    /// Listening at an address.
    pub fn start_at(listen: &str, data: &Path, change: impl FnOnce(&mut Command)) -> Self {
        Self::run(
            Command::new(env!("CARGO_BIN_EXE_chopar-relay")),
            listen,
            data,
            change,
        )
    }

    /// By way of another program, which is given this one as its last argument and becomes it.
    pub fn start_through(outer: &[&str], data: &Path) -> Self {
        let mut command = Command::new(outer[0]);
        command.args(&outer[1..]).arg(env!("CARGO_BIN_EXE_chopar-relay"));
        Self::run(command, "127.0.0.1:0", data, |_| {})
    }

    fn run(mut command: Command, listen: &str, data: &Path, change: impl FnOnce(&mut Command)) -> Self {
        command.args(["serve", "--listen", listen, "--data"]).arg(data);
        Self::spawn(command, change)
    }

    fn spawn(mut command: Command, change: impl FnOnce(&mut Command)) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed = String::new();
        // The address, then the invite or that there is an owner.
        while !(printed.contains("/join#") || printed.contains("There is an owner")) {
            printed += &lines.next().expect("the relay says where it is").unwrap();
            printed.push('\n');
        }
        let port = printed.split("localhost:").nth(1).map_or(0, |after| {
            let digits = after.split(|c: char| !c.is_ascii_digit()).next();
            digits.unwrap().parse().unwrap()
        });
        Self { child, port, printed }
    }

    /// Ends it as a service manager would, and waits for an orderly end.
    pub fn terminate(mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success());
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    // A test that fails leaves no relay behind.
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}
