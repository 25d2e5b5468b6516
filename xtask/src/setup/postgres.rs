//! The PostgreSQL whose servers the relay's tests start: each its own, in a temporary folder.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::packages;

/// The programs of a server; `initdb` tells them from those of a client.
const PACKAGES: [&str; 1] = ["postgresql"];
/// Where Debian keeps them, one folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Finds the programs or installs them; their folder.
pub(crate) fn prepare() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHOPAR_POSTGRES").map(PathBuf::from) {
        // What the person named is never replaced silently.
        if named.join("initdb").is_file() {
            return Ok(named);
        }
        bail!(
            "CHOPAR_POSTGRES names {}, and there is no initdb",
            named.display()
        );
    }
    if let Some(found) = find(Path::new(VERSIONS)) {
        return Ok(found);
    }
    packages::install(&PACKAGES, "a PostgreSQL")?;
    find(Path::new(VERSIONS))
        .with_context(|| format!("postgresql is installed, but there is no initdb in {VERSIONS}"))
}

/// The folder of the newest version's programs.
fn find(versions: &Path) -> Option<PathBuf> {
    let number = |folder: &Path| folder.file_name()?.to_str()?.parse::<u32>().ok();
    fs::read_dir(versions)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|version| version.join("bin/initdb").is_file())
        .max_by_key(|version| number(version))
        .map(|version| version.join("bin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_server_is_taken_and_a_client_alone_is_none() {
        let folder = env::temp_dir().join(format!("chopar-postgres-{}", std::process::id()));
        for version in ["9", "15", "17"] {
            fs::create_dir_all(folder.join(version).join("bin")).unwrap();
        }
        assert_eq!(find(&folder), None);
        for version in ["9", "15"] {
            fs::write(folder.join(version).join("bin/initdb"), "").unwrap();
        }
        assert_eq!(find(&folder), Some(folder.join("15/bin")));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(find(&folder), None);
    }
}
