//! The settings as values. Every one that cannot be understood is named with its source, all of them at once.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use chopar_identity::DisplayName;

use super::keys::key;
use super::layers::Layers;
use super::{Fault, Faults};
use crate::{Config, Database, FileLimits, PostgresUrl, Tls, TlsFiles};

const DAY_MS: u64 = 24 * 3600 * 1000;
/// Ten years: longer is for ever, and that is not what a relay is for.
const DAYS_MAX: u64 = 3650;

/// What a relay is told.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) data: PathBuf,
    pub(crate) database: Database,
    pub(crate) listen: SocketAddr,
    pub(crate) origins: Vec<String>,
    pub(crate) name: String,
    pub(crate) tls: Tls,
    pub(crate) behind_proxy: bool,
    pub(crate) proxies: Vec<IpAddr>,
    pub(crate) connections: usize,
    pub(crate) connections_per_address: usize,
    pub(crate) database_bytes_max: Option<u64>,
    pub(crate) files: FileLimits,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) log_json: bool,
}

impl Choices {
    /// # Errors
    /// Everything that is wrong in the layers.
    pub(crate) fn read(layers: &Layers) -> Result<Self, Faults> {
        let mut reader = Reader {
            layers,
            faults: layers.faults.clone(),
        };
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let tls = reader.tls();
        let behind_proxy = reader.switch("behind-proxy");
        let database = reader.database();
        let choices = Self {
            data: reader.path("data").unwrap_or_default(),
            database,
            listen: reader.one(
                "listen",
                nowhere,
                "an address and a port, for example 127.0.0.1:8080",
                |text| text.parse().ok(),
            ),
            origins: reader.texts("origin"),
            name: reader.name(),
            tls,
            behind_proxy,
            proxies: reader.proxies(behind_proxy),
            connections: reader.one("connections", 0, "a number above zero", count),
            connections_per_address: reader.one("connections-per-address", 0, "a number above zero", count),
            database_bytes_max: reader
                .has("database-bytes-max")
                .then(|| reader.one("database-bytes-max", 0, "a number of bytes", bytes)),
            files: FileLimits {
                folder: reader.path("files-folder"),
                bytes_max: reader.one("file-bytes-max", 0, "a number of bytes", bytes),
                bytes_of_member: reader.one("file-bytes-of-member", 0, "a number of bytes", bytes),
                bytes_in_total: reader.one("file-bytes-in-total", 0, "a number of bytes", bytes),
                keep_ms: reader.one("file-days", 0, "a number of days, 1 to 3650", days),
            },
            metrics: reader.has("metrics").then(|| {
                reader.one(
                    "metrics",
                    nowhere,
                    "an address and a port, for example 127.0.0.1:9464",
                    |text| text.parse().ok(),
                )
            }),
            log_json: reader.switch("log-json"),
        };
        if reader.faults.is_empty() {
            Ok(choices)
        } else {
            Err(Faults(reader.faults))
        }
    }

    /// What the relay is told by them; the caps of connections are the caller's.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(&self.data);
        config.database = self.database.clone();
        config.name.clone_from(&self.name);
        config.origins.clone_from(&self.origins);
        config.behind_proxy = self.behind_proxy;
        config.proxies.clone_from(&self.proxies);
        config.tls = self.tls.clone();
        config.database_bytes_max = self.database_bytes_max;
        config.files = self.files.clone();
        config.metrics = self.metrics;
        config.caps.connections = self.connections;
        config.caps.per_address = self.connections_per_address;
        config
    }

    /// The files of a certificate, where some are named.
    pub(crate) fn certificate(&self) -> Option<&TlsFiles> {
        match &self.tls {
            Tls::Files(files) => Some(files),
            _ => None,
        }
    }
}

fn bytes(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// So many days in milliseconds.
fn days(text: &str) -> Option<u64> {
    let days: u64 = text.parse().ok()?;
    (1..=DAYS_MAX).contains(&days).then_some(days * DAY_MS)
}

fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|count| *count > 0)
}

/// Reads values and gathers what is wrong with them.
struct Reader<'a> {
    layers: &'a Layers,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn has(&self, name: &str) -> bool {
        self.layers.said.contains_key(name)
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.layers
            .said
            .get(name)
            .map_or_else(Vec::new, |said| said.texts.clone())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.texts(name).first().map(PathBuf::from)
    }

    /// One value; a fault, and `otherwise` for nobody to see, where it is none.
    fn one<T>(&mut self, name: &str, otherwise: T, kind: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let text = self.texts(name).pop().unwrap_or_default();
        parse(&text).unwrap_or_else(|| {
            self.wrong(name, &format!("it is {kind}"));
            otherwise
        })
    }

    fn switch(&mut self, name: &str) -> bool {
        self.one(name, false, "yes or no", |text| {
            match text.to_ascii_lowercase().as_str() {
                "yes" | "true" | "on" | "1" => Some(true),
                "no" | "false" | "off" | "0" => Some(false),
                _ => None,
            }
        })
    }

    /// The organisation's name follows the rules for a person's, because it stands in the same places; clients refuse
    /// another.
    fn name(&mut self) -> String {
        let text = self.texts("name").pop().unwrap_or_default();
        match DisplayName::parse(&text) {
            Ok(name) => name.as_str().to_owned(),
            Err(fault) => {
                self.wrong("name", &fault.to_string());
                String::new()
            }
        }
    }

    fn tls(&mut self) -> Tls {
        let chosen = self.one("tls", Tls::Auto, "auto, own or off", |text| match text {
            "auto" => Some(Tls::Auto),
            "own" => Some(Tls::Own),
            "off" => Some(Tls::Off),
            _ => None,
        });
        let files = match (self.path("tls-cert"), self.path("tls-key")) {
            (Some(certificate), Some(key)) => TlsFiles { certificate, key },
            (None, None) => return chosen,
            (Some(_), None) => {
                self.wrong("tls-cert", "its private key is missing: give --tls-key too");
                return chosen;
            }
            (None, Some(_)) => {
                self.wrong("tls-key", "its certificate is missing: give --tls-cert too");
                return chosen;
            }
        };
        if chosen != Tls::Auto {
            self.wrong(
                "tls",
                "a certificate is given, and this says not to use it: leave one of them out",
            );
        }
        Tls::Files(files)
    }

    fn database(&mut self) -> Database {
        let authority = self.path("database-ca");
        let Some(text) = self.texts("database").pop() else {
            if authority.is_some() {
                self.wrong("database-ca", "the database is missing: give --database too");
            }
            return Database::Embedded;
        };
        if self.has("database-bytes-max") {
            self.wrong(
                "database-bytes-max",
                "it bounds the database in the data folder, and --database names another: leave out --database-bytes-max",
            );
        }
        match PostgresUrl::parse(&text, authority.as_deref()) {
            Ok(url) => Database::Postgres(url),
            Err(fault) => {
                self.wrong("database", &fault.to_string());
                Database::Embedded
            }
        }
    }

    fn proxies(&mut self, behind_proxy: bool) -> Vec<IpAddr> {
        let texts = self.texts("proxy");
        if !texts.is_empty() && !behind_proxy {
            self.wrong("proxy", "it is believed only with --behind-proxy");
        }
        let parsed: Result<Vec<IpAddr>, _> = texts.iter().map(|text| text.parse()).collect();
        parsed.unwrap_or_else(|_| {
            self.wrong("proxy", "it is an address, for example 10.0.0.5");
            Vec::new()
        })
    }

    fn wrong(&mut self, name: &str, what: &str) {
        if let Some(said) = self.layers.said.get(name) {
            let value = if key(name).is_some_and(|key| key.secret) {
                "…".to_owned()
            } else {
                format!("{:?}", said.texts.join(", "))
            };
            self.faults
                .push(Fault(format!("{name} = {value} (from {}): {what}", said.source)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::layers::Source;
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Choices, String> {
        let mut layers = Layers::defaults();
        for (name, text) in pairs {
            let source = Source::Environment(key(name).unwrap().variable());
            layers.say(key(name).unwrap(), vec![(*text).to_owned()], source);
        }
        Choices::read(&layers).map_err(|faults| faults.to_string())
    }

    #[test]
    fn without_any_configuration_one_machine_is_served() {
        let choices = read(&[]).unwrap();
        let plain = Config::new("data");
        assert_eq!(choices.listen, ([127, 0, 0, 1], 8080).into());
        let config = choices.config();
        assert_eq!((config.caps, config.files), (plain.caps, plain.files));
        assert_eq!(
            (config.name, config.data, config.tls),
            (plain.name, plain.data, plain.tls)
        );
        assert!(!config.behind_proxy && config.database_bytes_max.is_none());
    }

    #[test]
    fn every_fault_is_named_with_its_source() {
        let said = read(&[
            ("listen", "8080"),
            ("connections", "many"),
            ("behind-proxy", "perhaps"),
            ("proxy", "10.0.0.5"),
            ("tls", "sometimes"),
        ])
        .unwrap_err();
        for line in [
            "\n  listen = \"8080\" (from environment CHOPAR_LISTEN): it is an address and a port, for example 127.0.0.1:8080",
            "\n  connections = \"many\" (from environment CHOPAR_CONNECTIONS): it is a number above zero",
            "\n  behind-proxy = \"perhaps\" (from environment CHOPAR_BEHIND_PROXY): it is yes or no",
            "\n  proxy = \"10.0.0.5\" (from environment CHOPAR_PROXY): it is believed only with --behind-proxy",
            "\n  tls = \"sometimes\" (from environment CHOPAR_TLS): it is auto, own or off",
        ] {
            assert!(said.contains(line), "{line} is not in {said}");
        }
        assert_eq!(said.lines().count(), 6);
        let half = read(&[("tls-cert", "c.pem")]).unwrap_err();
        assert!(half.contains("give --tls-key too"), "{half}");
        let both = read(&[("tls-cert", "c"), ("tls-key", "k"), ("tls", "off")]).unwrap_err();
        assert!(both.contains("leave one of them out"), "{both}");
    }

    /// T-042.
    #[test]
    fn a_database_is_named_without_its_password() {
        let there = "postgres://chopar:geheim@db.example.org/chopar";
        for (pairs, word) in [
            (&[("database", there)][..], "--database-ca"),
            (
                &[("database", "chopar:geheim@localhost")],
                "write postgres://user@host/name",
            ),
            (
                &[("database", there), ("database-ca", "/nowhere")],
                "/nowhere holds no certificate",
            ),
            (
                &[
                    ("database", "postgres://chopar:geheim@localhost/chopar"),
                    ("database-bytes-max", "1"),
                ],
                "leave out --database-bytes-max",
            ),
            (&[("database-ca", "/nowhere")], "give --database too"),
        ] {
            let said = read(pairs).unwrap_err();
            assert!(said.contains(word), "{word} is not in {said}");
            assert!(!said.contains("geheim"), "{said}");
        }
        let choices = read(&[("database", "postgres://chopar:geheim@localhost/chopar")]).unwrap();
        assert!(matches!(choices.config().database, Database::Postgres(_)));
        assert!(!format!("{choices:?}").contains("geheim"));
        let mut layers = Layers::defaults();
        let source = Source::Flag("database".to_owned());
        layers.say(key("database").unwrap(), vec![there.to_owned()], source);
        assert!(!format!("{layers:?}").contains("geheim"));
        assert!(matches!(read(&[]).unwrap().database, Database::Embedded));
    }

    #[test]
    fn an_organisation_is_named_as_a_person_may_be() {
        assert_eq!(
            read(&[("name", " Oʻzbekiston banki ")]).unwrap().name,
            "Oʻzbekiston banki"
        );
        for bad in ["", "  ", "Bank\u{202e}knaB", "two\nlines", &"x".repeat(65)] {
            assert!(read(&[("name", bad)]).is_err(), "{bad:?}");
        }
    }
}
