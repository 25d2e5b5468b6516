//! Debian packages: installed as root, else through `sudo` where it asks nothing, else named for the person to install.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{must, output_of};

/// Installs `packages`; `why` says in plain words what they are for.
pub(crate) fn install(packages: &[&str], why: &str) -> Result<()> {
    let list = packages.join(" ");
    if super::on_path("apt-get").is_none() {
        bail!(
            "{why} is missing, and this is no Debian or Ubuntu machine. Please install what these packages hold: {list}"
        );
    }
    let Some(prefix) = privilege() else {
        bail!(
            "{why} is missing, and installing it takes root. Please run:\n\n    sudo apt-get update && sudo apt-get install -y {list}\n\nand start again."
        );
    };
    println!("  installing {why}: {list}");
    // The lists of a fresh machine are those of the day its image was made: old ones install old versions without a word.
    must(&mut apt(prefix, "update", &[]))?;
    must(&mut apt(prefix, "install", packages))
}

/// The words before `apt-get`: none as root, `sudo -n` where that works.
fn privilege() -> Option<&'static [&'static str]> {
    if output_of(Command::new("id").arg("-u")).as_deref() == Some("0") {
        return Some(&[]);
    }
    output_of(Command::new("sudo").args(["-n", "true"])).map(|_| &["sudo", "-n"][..])
}

fn apt(prefix: &[&str], action: &str, packages: &[&str]) -> Command {
    // `env` carries the variable through sudo, which clears the environment.
    let call = [
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-q",
        "-y",
        action,
    ];
    let mut words = prefix.iter().copied().chain(call);
    let mut command = Command::new(words.next().unwrap_or("env"));
    command.args(words);
    if action == "install" {
        command
            .args(["--no-install-recommends", "-o", "Dpkg::Use-Pty=0"])
            .args(packages);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::shown;

    #[test]
    fn the_command_is_the_same_with_and_without_sudo() {
        let plain = shown(&apt(&[], "install", &["one", "two"]));
        assert!(
            plain.starts_with("env DEBIAN_FRONTEND=noninteractive apt-get -q -y install"),
            "{plain}"
        );
        assert!(plain.ends_with(" one two"), "{plain}");
        assert_eq!(
            shown(&apt(&["sudo", "-n"], "install", &["one", "two"])),
            format!("sudo -n {plain}")
        );
        assert!(!shown(&apt(&[], "update", &["one"])).contains("one"));
    }
}
