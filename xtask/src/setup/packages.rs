//! Debian packages: installed as root, else through `sudo` where it asks nothing, else named for the person to install.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{must, output_of, shown};

/// Installs `packages`; `why` says in plain words what they are for.
pub(crate) fn install(packages: &[&str], why: &str) -> Result<()> {
    let list = packages.join(" ");
    if super::on_path("apt-get").is_none() {
        bail!(
            "{why} is missing, and this is no Debian or Ubuntu machine. Please install what these packages hold: {list}"
        );
    }
    let Some(prefix) = privilege() else {
        bail!(by_hand(packages, why, super::on_path("sudo").is_some()));
    };
    println!("  installing {why}: {list}");
    // The lists of a fresh machine are those of the day its image was made: old ones install old versions without a word.
    must(&mut apt(prefix, "update", &[]))?;
    must(&mut apt(prefix, "install", packages))
}

/// The very commands that would have been run, for a person who may run them.
fn by_hand(packages: &[&str], why: &str, sudo: bool) -> String {
    let (prefix, who): (&[&str], _) = if sudo { (&["sudo"], "") } else { (&[], " as root") };
    let (update, install) = (apt(prefix, "update", &[]), apt(prefix, "install", packages));
    format!(
        "{why} is missing, and installing it takes root. Please run{who}:\n\n    {} && {}\n\nand start again.",
        shown(&update),
        shown(&install)
    )
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

    #[test]
    fn without_root_the_very_commands_are_said() {
        let install = |prefix: &[&str]| shown(&apt(prefix, "install", &["one", "two"]));
        let with = by_hand(&["one", "two"], "a browser", true);
        assert!(
            with.contains(&install(&["sudo"])) && with.contains("a browser is missing"),
            "{with}"
        );
        let without = by_hand(&["one", "two"], "a browser", false);
        assert!(
            without.contains("run as root:") && !without.contains("sudo"),
            "{without}"
        );
        assert!(without.contains(&install(&[])), "{without}");
    }
}
