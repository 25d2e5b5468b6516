//! Everything that can be set, in one table: flags, environment, file, help and the example are made from it.

/// One setting. Its name is the same everywhere: `tls-cert` in the file is the flag `--tls-cert` and `CHOPAR_TLS_CERT` in
/// the environment.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// What its value is called in help; empty for a switch.
    pub(crate) value: &'static str,
    /// Whether it may be given several times; a list in the file, commas in the environment.
    pub(crate) many: bool,
    /// Whether it may hold a password: its value is printed nowhere.
    pub(crate) secret: bool,
    /// What holds where nobody says anything; empty: nothing.
    pub(crate) default: &'static str,
    /// A value for the example file, as TOML.
    pub(crate) example: &'static str,
    pub(crate) help: &'static str,
}

impl Key {
    /// Its name in the environment.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('-', "_").to_ascii_uppercase())
    }

    pub(crate) fn is_switch(&self) -> bool {
        self.value.is_empty()
    }
}

/// What the names of the environment begin with.
pub(crate) const PREFIX: &str = "CHOPAR_";

/// All settings, in the order in which the example explains them.
pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "data",
        value: "DIR",
        many: false,
        secret: false,
        default: "data",
        example: "\"/var/lib/chopar\"",
        help: "Folder of the relay's data; made if it is missing, readable for the relay's user alone",
    },
    Key {
        name: "database",
        value: "URL",
        many: false,
        secret: true,
        default: "",
        example: "\"postgres://chopar@/chopar?host=/run/postgresql\"",
        help: "A PostgreSQL database in place of the one in the data folder, for several relays of one organisation. Where it \
               holds a password, say it in the environment, or in a file that only the relay's user can read: flags are seen \
               by everybody on the machine",
    },
    Key {
        name: "database-ca",
        value: "FILE",
        many: false,
        secret: false,
        default: "",
        example: "\"/etc/chopar/database-ca.pem\"",
        help: "Authority of that database's certificate in PEM form: the way to another machine is encrypted, and ends at no \
               other",
    },
    Key {
        name: "listen",
        value: "ADDRESS:PORT",
        many: false,
        secret: false,
        default: "127.0.0.1:8080",
        example: "\"0.0.0.0:443\"",
        help: "Address and port to listen on; beyond this machine with TLS, or behind a proxy that speaks it",
    },
    Key {
        name: "origin",
        value: "ORIGIN",
        many: true,
        secret: false,
        default: "",
        example: "[\"https://chat.example.org\"]",
        help: "Where people reach this relay, as a browser shows it; may be given several times. Without it: this machine's \
               own names",
    },
    Key {
        name: "name",
        value: "NAME",
        many: false,
        secret: false,
        default: "Chopar",
        example: "\"Example Ministry\"",
        help: "The organisation's name, shown with invites and signed at sign-in",
    },
    Key {
        name: "tls",
        value: "WHEN",
        many: false,
        secret: false,
        default: "auto",
        example: "\"auto\"",
        help: "Whether the relay speaks TLS itself: `auto` does where other machines reach it, `own` always with a \
               certificate authority of its own, `off` never",
    },
    Key {
        name: "tls-cert",
        value: "FILE",
        many: false,
        secret: false,
        default: "",
        example: "\"/etc/chopar/fullchain.pem\"",
        help: "Certificate in PEM form, those between it and the root after it; read again whenever it changes",
    },
    Key {
        name: "tls-key",
        value: "FILE",
        many: false,
        secret: false,
        default: "",
        example: "\"/etc/chopar/privkey.pem\"",
        help: "Its private key in PEM form, without a password",
    },
    Key {
        name: "behind-proxy",
        value: "",
        many: false,
        secret: false,
        default: "no",
        example: "true",
        help: "A proxy speaks TLS to the world and plain HTTP to this relay. What one on this machine says in \
               X-Forwarded-For is believed. Listening beyond this machine is allowed, and serves only the proxies named with \
               `proxy`",
    },
    Key {
        name: "proxy",
        value: "ADDRESS",
        many: true,
        secret: false,
        default: "",
        example: "[\"10.0.0.5\"]",
        help: "Address of a proxy on another machine that is served, and whose X-Forwarded-For is believed too; may be given \
               several times",
    },
    Key {
        name: "connections",
        value: "COUNT",
        many: false,
        secret: false,
        default: "10000",
        example: "10000",
        help: "Connections in total",
    },
    Key {
        name: "connections-per-address",
        value: "COUNT",
        many: false,
        secret: false,
        default: "512",
        example: "512",
        help: "Connections of one address at once",
    },
    Key {
        name: "database-bytes-max",
        value: "BYTES",
        many: false,
        secret: false,
        default: "",
        example: "20_000_000_000",
        help: "Bound of the database file in the data folder, in bytes; reaching it is answered like a full disk",
    },
    Key {
        name: "files-folder",
        value: "DIR",
        many: false,
        secret: false,
        default: "",
        example: "\"/var/lib/chopar/files\"",
        help: "Folder of people's files, encrypted by their browsers; several relays share one. Without it they are in the \
               folder `files` of the data folder, or, with `database`, in the database",
    },
    Key {
        name: "file-bytes-max",
        value: "BYTES",
        many: false,
        secret: false,
        default: "115000000",
        example: "115_000_000",
        help: "The largest file, in bytes as it is kept: encrypted, and padded by up to a tenth, so that this is 100 MB for people",
    },
    Key {
        name: "file-bytes-of-member",
        value: "BYTES",
        many: false,
        secret: false,
        default: "2000000000",
        example: "2_000_000_000",
        help: "Room for the files of one member, in bytes",
    },
    Key {
        name: "file-bytes-in-total",
        value: "BYTES",
        many: false,
        secret: false,
        default: "20000000000",
        example: "20_000_000_000",
        help: "Room for all files, in bytes",
    },
    Key {
        name: "file-days",
        value: "DAYS",
        many: false,
        secret: false,
        default: "30",
        example: "30",
        help: "How long a file is kept, in days; then it is deleted, fetched or not",
    },
    Key {
        name: "metrics",
        value: "ADDRESS:PORT",
        many: false,
        secret: false,
        default: "",
        example: "\"127.0.0.1:9464\"",
        help: "Address and port where numbers for monitoring are served by plain HTTP, at /metrics. They name nobody; keep \
               the port from people all the same",
    },
    Key {
        name: "log-json",
        value: "",
        many: false,
        secret: false,
        default: "no",
        example: "true",
        help: "Log as JSON lines",
    },
];

/// The setting of a name.
pub(crate) fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The setting whose name is nearest to a mistyped one, if one is near.
pub(crate) fn nearest(name: &str) -> Option<&'static Key> {
    let typed = name.to_ascii_lowercase().replace('_', "-");
    let near = |key: &&Key| strsim::damerau_levenshtein(&typed, key.name);
    let best = KEYS.iter().min_by_key(near)?;
    // A third of its letters may be wrong, or one name begins the other.
    let close = near(&best) * 3 <= best.name.len().max(typed.len());
    let begins = |key: &&Key| typed.len() >= 3 && key.name.starts_with(&typed);
    if close {
        Some(best)
    } else {
        KEYS.iter().find(begins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_its_neighbour() {
        let near = |name: &str| nearest(name).map(|key| key.name);
        assert_eq!(near("lsiten"), Some("listen"));
        assert_eq!(near("tls_cert"), Some("tls-cert"));
        assert_eq!(near("Origins"), Some("origin"));
        assert_eq!(near("conections-per-adress"), Some("connections-per-address"));
        assert_eq!(near("databse"), Some("database"));
        assert_eq!(near("behind"), Some("behind-proxy"));
        assert_eq!(near("colour"), None);
        assert_eq!(near("wasm_std"), None);
    }

    #[test]
    fn names_are_what_they_should_be() {
        assert_eq!(key("tls-cert").unwrap().variable(), "CHOPAR_TLS_CERT");
        for (at, one) in KEYS.iter().enumerate() {
            assert!(
                !one.help.ends_with('.') && !one.example.is_empty(),
                "{}",
                one.name
            );
            assert!(
                KEYS[..at].iter().all(|other| other.name != one.name),
                "{}",
                one.name
            );
        }
    }
}
