//! The configuration file: TOML, one flat list of settings.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Fault;
use super::keys::{Key, key, nearest};

/// A setting with its texts and its line, or what is wrong with one line.
pub(crate) type Entry = Result<(&'static Key, Vec<String>, usize), Fault>;

/// Reads a file's text. What is no TOML at all is one fault; every line of a file that is one is judged by itself.
pub(crate) fn read(path: &Path, text: &str) -> Result<Vec<Entry>, Fault> {
    let table = DeTable::parse(text).map_err(|fault| {
        let line = fault.span().map_or(1, |span| line_of(text, span.start));
        Fault(format!("{}, line {line}: {}", path.display(), fault.message()))
    })?;
    let mut entries: Vec<(usize, Entry)> = table
        .get_ref()
        .iter()
        .map(|(name, value)| {
            let line = line_of(text, name.span().start);
            (line, entry(path, line, name.get_ref(), value))
        })
        .collect();
    entries.sort_by_key(|(line, _)| *line);
    Ok(entries.into_iter().map(|(_, entry)| entry).collect())
}

fn entry(path: &Path, line: usize, name: &str, value: &Spanned<DeValue<'_>>) -> Entry {
    let at = |what: String| Fault(format!("{}, line {line}: {what}", path.display()));
    let Some(key) = key(name) else {
        let hint = match nearest(name) {
            Some(near) => format!("did you mean {}?", near.name),
            None => "`chopar-relay config show --example` lists all settings".to_owned(),
        };
        return Err(at(format!("{name} is no setting; {hint}")));
    };
    let texts = match value.get_ref() {
        DeValue::Array(list) if key.many => list.iter().map(|one| text_of(one.get_ref())).collect(),
        other => text_of(other).map(|text| vec![text]),
    };
    let texts = texts.ok_or_else(|| {
        let kind = if key.many {
            "a text, or a list of texts in [ ]"
        } else {
            "one text, number, true or false"
        };
        at(format!(
            "{name} takes {kind}, for example {name} = {}",
            key.example
        ))
    })?;
    Ok((key, texts, line))
}

fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(yes) => Some(yes.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        _ => None,
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        match read(Path::new("relay.toml"), text) {
            Ok(entries) => entries
                .into_iter()
                .map(|entry| match entry {
                    Ok((key, texts, line)) => format!("{line} {} {}", key.name, texts.join(" ")),
                    Err(fault) => fault.0,
                })
                .collect(),
            Err(fault) => vec![fault.0],
        }
    }

    #[test]
    fn lines_are_read_and_each_fault_is_named() {
        assert_eq!(
            lines("log-json = true\n\nconnections = 9_000\norigin = \"https://a\"\nproxy = ['1.1.1.1']\n"),
            [
                "1 log-json true",
                "3 connections 9000",
                "4 origin https://a",
                "5 proxy 1.1.1.1"
            ]
        );
        assert_eq!(
            lines("# one\nlsiten = 'x'\ncolour = 'red'\nlisten = ['a']\n[tls]\n"),
            [
                "relay.toml, line 2: lsiten is no setting; did you mean listen?",
                "relay.toml, line 3: colour is no setting; `chopar-relay config show --example` lists all settings",
                "relay.toml, line 4: listen takes one text, number, true or false, for example listen = \"0.0.0.0:443\"",
                "relay.toml, line 5: tls takes one text, number, true or false, for example tls = \"auto\"",
            ]
        );
        let broken = lines("data = \"x\"\nlisten = \n");
        assert!(broken[0].starts_with("relay.toml, line 2: "), "{broken:?}");
        let twice = lines("data = 'x'\ndata = 'y'\n");
        assert!(twice[0].starts_with("relay.toml, line 2: "), "{twice:?}");
    }
}
