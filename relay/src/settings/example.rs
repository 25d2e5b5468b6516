//! The commented example configuration: every setting explained, none of them set.

use super::keys::KEYS;
use super::layers::USUAL_FILE;

/// Text between the margins of a terminal.
const WIDTH: usize = 100;

/// The whole file. Each setting stands there with an example, commented out: as it is, it changes nothing.
pub(crate) fn example() -> String {
    let mut text = format!(
        "# Configuration of a Chopar relay: {USUAL_FILE}, or where --config or CHOPAR_CONFIG says.\n\
         # Every setting may stand here, in the environment (tls-cert is CHOPAR_TLS_CERT) or among the flags (--tls-cert);\n\
         # flags win over the environment, the environment over this file. `chopar-relay config show` says what holds and\n\
         # where it comes from, `chopar-relay config check` what is wrong. Without any of them the relay serves this machine.\n"
    );
    for key in KEYS {
        text += "\n";
        let help = key
            .help
            .split_whitespace()
            .fold(vec![String::from("#")], |mut lines, word| {
                match lines.last_mut() {
                    Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                        *line += " ";
                        *line += word;
                    }
                    _ => lines.push(format!("# {word}")),
                }
                lines
            });
        text += &help.join("\n");
        text += match key.default {
            "" => ".\n".to_owned(),
            default => format!(". Default: {default}\n"),
        }
        .as_str();
        text += &format!("# {} = {}\n", key.name, key.example);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::file;
    use super::*;

    /// Where the packages take it from.
    const COMMITTED: &str = include_str!("../../../packaging/relay.toml");

    #[test]
    fn the_example_in_the_repository_is_this_one_and_is_right() {
        assert_eq!(
            COMMITTED,
            example(),
            "write the output of `chopar-relay config show --example` there"
        );
        assert!(file::read(Path::new("relay.toml"), COMMITTED).unwrap().is_empty());
        let set: String = COMMITTED
            .lines()
            .filter_map(|line| line.strip_prefix("# ").filter(|line| line.contains(" = ")))
            .map(|line| format!("{line}\n"))
            .collect();
        let entries = file::read(Path::new("relay.toml"), &set).unwrap();
        assert_eq!(entries.len(), KEYS.len());
        assert!(entries.iter().all(Result::is_ok));
    }
}
