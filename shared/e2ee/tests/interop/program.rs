//! The program as a child process.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// The example that cargo built beside this test.
pub(crate) fn path() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().unwrap().parent().unwrap().join("examples/interop");
    assert!(
        path.is_file(),
        "there is no {}; `cargo build -p chopar-e2ee --example interop` makes it",
        path.display()
    );
    path
}

/// A running program.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Program {
    /// Starts it and says which profile it is to have.
    pub(crate) fn configured(request: &Value) -> Self {
        let mut command = Command::new(path());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut program = Self { child, input, output };
        assert_eq!(program.ask(request)["ok"], true);
        program
    }

    /// One request and its answer.
    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        self.say(&request.to_string())
    }

    /// One line, whatever it holds, and its answer.
    pub(crate) fn say(&mut self, line: &str) -> Value {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// Ends its input; it must end well by itself.
    pub(crate) fn end(mut self) {
        drop(self.input.take());
        assert!(self.child.wait().unwrap().success());
    }
}

/// What a failed test leaves running.
impl Drop for Program {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
