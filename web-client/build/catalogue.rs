//! Turns the locale files into Rust (one method per key, placeholders as parameters) and into one file a language that the methods
//! find their texts in: a text a line, in the order of the keys, four lines for the plural forms. The build script takes the
//! methods, `cargo xtask` the files; both come from here, so they fit.
//!
//! A key that one language lacks, has too many, or fills with other placeholders is an error that names it: a page never
//! shows a text in the wrong language for want of a translation.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

/// Languages in the order of `i18n::Language`, with the plural forms each must give.
pub(crate) const LANGUAGES: [(&str, &[&str]); 4] = [
    ("en", &["one", "other"]),
    ("uz", &["other"]),
    ("uz-Cyrl", &["other"]),
    ("ru", &["one", "few", "many"]),
];

/// Forms in the order of `i18n::plural`.
const FORMS: [&str; 4] = ["one", "few", "many", "other"];

/// A text, or its plural forms.
enum Text {
    Plain(String),
    Plural(BTreeMap<String, String>),
}

impl Text {
    fn parse(language: &str, key: &str, value: &Value, forms: &[&str]) -> Result<Self, String> {
        match value {
            Value::String(text) if !text.trim().is_empty() => Ok(Self::Plain(text.clone())),
            Value::Object(map) => {
                let given: Vec<&str> = FORMS.into_iter().filter(|form| map.contains_key(*form)).collect();
                if given.len() != map.len() || given != forms {
                    return Err(format!("{language}: {key} must have exactly the forms {forms:?}"));
                }
                let mut all = BTreeMap::new();
                for (form, text) in map {
                    let Some(text) = text.as_str() else {
                        return Err(format!("{language}: {key}.{form} is no text"));
                    };
                    all.insert(form.clone(), text.to_owned());
                }
                Ok(Self::Plural(all))
            }
            _ => Err(format!("{language}: {key} is no text")),
        }
    }

    /// The lines it takes in its language's file.
    fn lines(&self) -> Vec<&str> {
        match self {
            Self::Plain(text) => vec![text],
            Self::Plural(forms) => FORMS
                .map(|form| forms.get(form).map_or("", String::as_str))
                .into(),
        }
    }

    fn parameters(&self) -> Vec<String> {
        match self {
            Self::Plain(text) => placeholders(text),
            Self::Plural(forms) => {
                let mut all: Vec<String> = forms.values().flat_map(|text| placeholders(text)).collect();
                all.sort();
                all.dedup();
                all
            }
        }
    }
}

/// Generates the methods of `Texts`, and the file of each language, from the locale files' contents; all in the order of [`LANGUAGES`].
///
/// # Errors
/// A sentence that names the language and the key at fault.
pub(crate) fn generate(files: &[String; 4]) -> Result<(String, [String; 4]), String> {
    let mut languages: Vec<BTreeMap<String, Text>> = Vec::new();
    for ((language, forms), json) in LANGUAGES.iter().zip(files) {
        let map: BTreeMap<String, Value> =
            serde_json::from_str(json).map_err(|error| format!("{language}: {error}"))?;
        let parsed: Result<BTreeMap<String, Text>, String> = map
            .iter()
            .map(|(key, value)| Ok((key.clone(), Text::parse(language, key, value, forms)?)))
            .collect();
        languages.push(parsed?);
    }
    let mut code = String::new();
    let mut catalogues: [String; 4] = Default::default();
    let mut line = 0;
    for key in languages[0].keys() {
        let mut texts = Vec::new();
        for (map, (language, _)) in languages.iter().zip(&LANGUAGES) {
            texts.push(map.get(key).ok_or(format!("{language}: {key} is missing"))?);
        }
        let parameters = texts[0].parameters();
        for (text, (language, _)) in texts.iter().zip(&LANGUAGES) {
            let mut own = text.parameters();
            let mut wanted = parameters.clone();
            own.sort();
            wanted.sort();
            if own != wanted {
                return Err(format!(
                    "{language}: {key} has the placeholders {own:?} instead of {wanted:?}"
                ));
            }
            if matches!(text, Text::Plural(_)) != matches!(texts[0], Text::Plural(_)) {
                return Err(format!(
                    "{language}: {key} must have plural forms in every language or in none"
                ));
            }
        }
        method(&mut code, key, &parameters, texts[0], line);
        line += texts[0].lines().len();
        for ((catalogue, text), (language, _)) in catalogues.iter_mut().zip(texts).zip(&LANGUAGES) {
            for line in text.lines() {
                if line.contains(char::is_control) {
                    return Err(format!(
                        "{language}: {key} has a line break or another control character"
                    ));
                }
                *catalogue += line;
                *catalogue += "\n";
            }
        }
    }
    for (map, (language, _)) in languages.iter().zip(&LANGUAGES) {
        if let Some(key) = map.keys().find(|key| !languages[0].contains_key(*key)) {
            return Err(format!("{language}: {key} is superfluous"));
        }
    }
    Ok((code, catalogues))
}

fn method(code: &mut String, key: &str, parameters: &[String], text: &Text, line: usize) {
    let name = key.replace('.', "_");
    let (signature, body) = match text {
        Text::Plain(_) if parameters.is_empty() => {
            (String::from(") -> &'static str"), format!("self.pick({line})"))
        }
        Text::Plain(_) => {
            let takes: String = parameters.iter().map(|name| format!(", {name}: &str")).collect();
            (
                format!("{takes}) -> String"),
                format!("fill(self.pick({line}), &[{}])", pairs(parameters)),
            )
        }
        Text::Plural(_) => (
            String::from(", count: u64) -> String"),
            format!("self.count({line}, count)"),
        ),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        code,
        "    /// `{key}`.\n    pub(crate) fn {name}(self{signature} {{\n        {body}\n    }}"
    );
}

fn pairs(parameters: &[String]) -> String {
    let all: Vec<String> = parameters
        .iter()
        .map(|name| format!("({name:?}, {name})"))
        .collect();
    all.join(", ")
}

/// Names in braces, in order of appearance, each once.
fn placeholders(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in text.split('{').skip(1) {
        if let Some((name, _)) = piece.split_once('}')
            && !found.iter().any(|known| known == name)
        {
            found.push(name.to_owned());
        }
    }
    found
}
