//! Independent implementations of X3DH and of the Double Ratchet, which the ratchet's tests talk with: Python packages, in a
//! folder of their own.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::process::{must, output_of};

/// Rises with the list of packages, so that an older folder is not taken for the new one. The test that uses the folder looks
/// for it under the same name.
const NAME: (&str, &str) = ("interop", "1");
/// Names the packages and their versions.
const LIST: &str = "e2e-tests/interop/requirements.txt";

/// Makes the folder where it is missing; its interpreter.
pub(super) fn prepare() -> Result<PathBuf> {
    let folder = super::programs::folder(NAME.0, NAME.1)?;
    let python = folder.join("bin/python");
    if is_whole(&python) {
        return Ok(python);
    }
    println!(
        "  installing independent implementations of the protocol (once on this machine, half a minute)"
    );
    let environment = |python3: &str| must(Command::new(python3).args(["-m", "venv"]).arg(&folder));
    environment("python3").or_else(|_| {
        super::packages::install(&["python3", "python3-venv"], "Python with its own environments")?;
        environment("python3")
    })?;
    let list = crate::workspace::root().join(LIST);
    must(&mut pip(&python, &list)).with_context(|| format!("installing what {LIST} names"))?;
    Ok(python)
}

fn pip(python: &Path, list: &Path) -> Command {
    let mut command = Command::new(python);
    command
        .args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(list);
    command
}

/// Whether the interpreter is there and has both packages; an installation that was broken off has not.
fn is_whole(python: &Path) -> bool {
    python.is_file() && output_of(Command::new(python).args(["-c", "import x3dh, doubleratchet"])).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_of_the_list_has_a_version() {
        let list = std::fs::read_to_string(crate::workspace::root().join(LIST)).unwrap();
        let mut packages = list.lines().filter(|line| !line.starts_with('#')).peekable();
        assert!(packages.peek().is_some());
        assert!(packages.all(|package| package.contains("==")), "{list}");
    }

    #[test]
    fn a_folder_without_the_packages_is_not_whole() {
        assert!(!is_whole(Path::new("no-such-folder/bin/python")));
        assert!(!is_whole(Path::new("/bin/false")));
    }
}
