//! A copy that anybody reads, as a page or as data. Texts are other people's: nothing in them becomes part of the page.

/// How the copy is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A page that any browser shows, without scripts and without anything from elsewhere.
    Html,
    /// For programs.
    Json,
}

/// A message, in words.
#[derive(Default)]
pub(super) struct Message {
    /// Its id in hexadecimal.
    pub(super) id: String,
    /// The moment, as in ISO 8601.
    pub(super) time: String,
    /// Who wrote it.
    pub(super) from: String,
    /// What.
    pub(super) text: String,
    /// The id of the message it answers; empty: none.
    pub(super) answers: String,
    /// "Forwarded", "edited", "deleted", as the page says it.
    pub(super) remarks: Vec<&'static str>,
    /// Names of its files, which are not in the copy.
    pub(super) files: Vec<String>,
    /// Each emoji, and how many people chose it.
    pub(super) reactions: Vec<(String, usize)>,
}

impl Form {
    /// What the file is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Html => "chopar-history.html",
            Self::Json => "chopar-history.json",
        }
    }

    /// What stands between two conversations, or two messages.
    pub(super) const fn between(self) -> &'static str {
        match self {
            Self::Html => "\n",
            Self::Json => ",\n",
        }
    }

    /// What the file begins with.
    pub(super) fn begin(self, title: &str, language: &str) -> String {
        match self {
            Self::Html => [
                "<!doctype html>\n<html lang=\"",
                &escaped(language),
                "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">",
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
                "<title>",
                &escaped(title),
                "</title><style>body{font:1rem/1.5 system-ui,sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem}",
                "article{margin:.75rem 0}p{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}small{color:#555}</style></head><body>\n<h1>",
                &escaped(title),
                "</h1>\n",
            ]
            .concat(),
            Self::Json => "{\"format\":\"chopar-history\",\"version\":1,\"conversations\":[\n".to_owned(),
        }
    }

    /// What it ends with.
    pub(super) const fn end(self) -> &'static str {
        match self {
            Self::Html => "\n</body></html>\n",
            Self::Json => "\n]}\n",
        }
    }

    /// What a conversation begins with.
    pub(super) fn open(self, name: &str) -> String {
        match self {
            Self::Html => ["<section><h2>", &escaped(name), "</h2>\n"].concat(),
            Self::Json => ["{\"name\":", &quoted(name), ",\"messages\":[\n"].concat(),
        }
    }

    /// What it ends with.
    pub(super) const fn close(self) -> &'static str {
        match self {
            Self::Html => "\n</section>",
            Self::Json => "\n]}",
        }
    }

    /// A message.
    pub(super) fn message(self, message: &Message) -> String {
        match self {
            Self::Html => html(message),
            Self::Json => json(message),
        }
    }
}

fn html(message: &Message) -> String {
    let mut below: Vec<String> = message.remarks.iter().map(|remark| escaped(remark)).collect();
    below.extend(message.files.iter().map(|name| escaped(name)));
    let reactions = message.reactions.iter();
    below.extend(reactions.map(|(emoji, count)| [&escaped(emoji), " ", &count.to_string()].concat()));
    let below = match below.is_empty() {
        true => String::new(),
        false => ["<small>", &below.join(" · "), "</small>"].concat(),
    };
    [
        "<article id=\"",
        &escaped(&message.id),
        "\"><b>",
        &escaped(&message.from),
        "</b> <small><time>",
        &escaped(&message.time),
        "</time></small><p>",
        &escaped(&message.text),
        "</p>",
        &below,
        "</article>",
    ]
    .concat()
}

fn json(message: &Message) -> String {
    let list = |texts: Vec<String>| ["[", &texts.join(","), "]"].concat();
    let reactions = message.reactions.iter();
    let reactions = reactions.map(|(emoji, count)| {
        [
            "{\"emoji\":",
            &quoted(emoji),
            ",\"count\":",
            &count.to_string(),
            "}",
        ]
        .concat()
    });
    [
        "{\"id\":",
        &quoted(&message.id),
        ",\"time\":",
        &quoted(&message.time),
        ",\"from\":",
        &quoted(&message.from),
        ",\"text\":",
        &quoted(&message.text),
        ",\"answers\":",
        &quoted(&message.answers),
        ",\"remarks\":",
        &list(message.remarks.iter().map(|remark| quoted(remark)).collect()),
        ",\"files\":",
        &list(message.files.iter().map(|name| quoted(name)).collect()),
        ",\"reactions\":",
        &list(reactions.collect()),
        "}",
    ]
    .concat()
}

/// As text and in attributes: whatever could begin or end something is written as its number or name.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Turns the direction of what follows, also outside the text.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A string of JSON (RFC 8259). What could end a script, should somebody put it into one, is written as its number.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\u{0}'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let number = u32::from(c);
                out.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    out.extend(char::from_digit(number >> shift & 0xf, 16));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "</p><script>alert(\"x\")</script>'&\u{202e}\\\n\u{1}\u{2028}";

    fn message() -> Message {
        Message {
            id: "0a".to_owned(),
            time: "2026-11-28T21:05:48.000Z".to_owned(),
            from: "<b>Oyna".to_owned(),
            text: HOSTILE.to_owned(),
            answers: "0b".to_owned(),
            remarks: vec!["edited"],
            files: vec!["a<i>.pdf".to_owned()],
            reactions: vec![("👍".to_owned(), 2)],
        }
    }

    /// P-378.
    #[test]
    fn nothing_in_a_text_becomes_part_of_the_page() {
        let page = [
            Form::Html.begin("Mening <tarixim>", "uz"),
            Form::Html.open("<img src=x onerror=alert(1)>"),
            Form::Html.message(&message()),
            Form::Html.close().to_owned(),
            Form::Html.end().to_owned(),
        ]
        .concat();
        for harmful in [
            "<script", "<img", "<i>", "<b>Oyna", "<tarixim", "\u{202e}", "\"x\"",
        ] {
            assert!(!page.contains(harmful), "{harmful}");
        }
        assert!(page.contains("&lt;/p&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;"));
        assert!(page.contains("a&lt;i&gt;.pdf") && page.contains("👍 2") && page.contains("edited"));
        assert!(page.contains("default-src 'none'"));
    }

    /// P-378.
    #[test]
    fn the_data_is_read_as_what_was_said() {
        let whole = [
            &Form::Json.begin("", "uz"),
            &Form::Json.open("Oyna \"va\" boshqalar"),
            &Form::Json.message(&message()),
            Form::Json.between(),
            &Form::Json.message(&Message::default()),
            Form::Json.close(),
            Form::Json.between(),
            &Form::Json.open("bo‘sh"),
            Form::Json.close(),
            Form::Json.end(),
        ]
        .concat();
        assert!(!whole.contains("</script"));
        let read: serde_json::Value = serde_json::from_str(&whole).unwrap();
        let talk = &read["conversations"][0];
        assert_eq!(talk["name"], "Oyna \"va\" boshqalar");
        let first = &talk["messages"][0];
        assert_eq!(first["text"], HOSTILE);
        assert_eq!(first["from"], "<b>Oyna");
        assert_eq!(first["answers"], "0b");
        assert_eq!(first["remarks"][0], "edited");
        assert_eq!(first["files"][0], "a<i>.pdf");
        assert_eq!(first["reactions"][0]["count"], 2);
        assert_eq!(talk["messages"][1]["text"], "");
        assert_eq!(read["conversations"][1]["messages"].as_array().unwrap().len(), 0);
    }
}
