//! Turns the locale files into Rust: one method per key, placeholders as parameters, plural forms by language.
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

/// Generates the methods of `Texts` from the four files' contents, given in the order of [`LANGUAGES`].
///
/// # Errors
/// A sentence that names the language and the key at fault.
pub(crate) fn generate(files: &[String; 4]) -> Result<String, String> {
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
        method(&mut code, key, &parameters, &texts);
    }
    for (map, (language, _)) in languages.iter().zip(&LANGUAGES) {
        if let Some(key) = map.keys().find(|key| !languages[0].contains_key(*key)) {
            return Err(format!("{language}: {key} is superfluous"));
        }
    }
    Ok(code)
}

fn method(code: &mut String, key: &str, parameters: &[String], texts: &[&Text]) {
    let name = key.replace('.', "_");
    let (signature, body) = match texts[0] {
        Text::Plain(_) => {
            let all: Vec<String> = texts
                .iter()
                .filter_map(|text| {
                    if let Text::Plain(text) = text {
                        Some(format!("{text:?}"))
                    } else {
                        None
                    }
                })
                .collect();
            let pick = format!("self.pick([{}])", all.join(", "));
            if parameters.is_empty() {
                (String::from(") -> &'static str"), pick)
            } else {
                let takes: String = parameters.iter().map(|name| format!(", {name}: &str")).collect();
                (
                    format!("{takes}) -> String"),
                    format!("fill({pick}, &[{}])", pairs(parameters)),
                )
            }
        }
        Text::Plural(_) => {
            let all: Vec<String> = texts
                .iter()
                .filter_map(|text| {
                    let Text::Plural(forms) = text else { return None };
                    let four = FORMS.map(|form| forms.get(form).map_or("", String::as_str));
                    Some(format!("{four:?}"))
                })
                .collect();
            let body = format!("self.count([{}], count)", all.join(", "));
            (String::from(", count: u64) -> String"), body)
        }
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
