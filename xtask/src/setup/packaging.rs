//! What the tests of packages and of a machine without a network take: a machine of Debian's kind has it, or installs it.

use anyhow::Result;

use super::{on_path, packages};

/// Programs, each with the package that holds it.
const NEEDED: [(&str, &str); 6] = [
    ("dpkg", "dpkg"),
    ("dpkg-deb", "dpkg"),
    ("strip", "binutils"),
    ("systemd-analyze", "systemd"),
    ("ip", "iproute2"),
    ("setpriv", "util-linux"),
];

/// Installs what is missing. A machine of another kind goes without: the tests that need it say that they were skipped, and fail on
/// a build machine.
pub(crate) fn prepare() -> Result<()> {
    let missing = missing(|program| on_path(program).is_some());
    if missing.is_empty() {
        return Ok(());
    }
    if on_path("apt-get").is_none() {
        println!(
            "  packages: {} are missing, what needs them is skipped",
            missing.join(", ")
        );
        return Ok(());
    }
    packages::install(&missing, "what installs and looks at packages")
}

/// Packages of the programs that are not there, each once.
fn missing(is_there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut packages: Vec<&str> = NEEDED
        .iter()
        .filter(|(program, _)| !is_there(program))
        .map(|(_, package)| *package)
        .collect();
    packages.dedup();
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed_and_once() {
        assert!(missing(|_| true).is_empty());
        assert_eq!(missing(|program| !program.starts_with("dpkg")), ["dpkg"]);
        assert_eq!(missing(|program| program != "ip"), ["iproute2"]);
        assert_eq!(missing(|_| false).len(), NEEDED.len() - 1);
    }
}
