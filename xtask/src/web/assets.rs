//! Final names and digests. A file that names another is finished after it, so its own digest covers the other's: from index.html
//! down every byte is bound.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256, Sha384};

use super::sources::{Naming, PAGE, Source, Sources};

/// How many bytes of a content's digest stand in its name: enough that two contents of one file never meet.
const NAME_DIGEST: usize = 10;

/// One finished file.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Relative to the client's root, without a leading slash.
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    /// Whether the bytes under this path never change.
    pub(crate) immutable: bool,
    integrity: String,
}

/// The finished files.
#[derive(Debug)]
pub(crate) struct Assets {
    /// By the names placeholders use.
    files: BTreeMap<String, Asset>,
    /// Hex SHA-256 over paths and digests of every file but the page, which shows it.
    pub(crate) build: String,
}

impl Assets {
    /// Finishes all wanted files and those they name.
    pub(crate) fn resolve(mut sources: Sources) -> Result<Self> {
        let page = sources.remove(PAGE).context("there is no index.html")?;
        let mut resolver = Resolver {
            sources,
            files: BTreeMap::new(),
            open: BTreeSet::new(),
            build: None,
        };
        let wanted: Vec<_> = resolver
            .sources
            .iter()
            .filter(|(_, source)| source.wanted)
            .map(|(name, _)| name.clone())
            .collect();
        for name in wanted {
            resolver.finish(&name)?;
        }
        let page = Source {
            bytes: without_comments(text(&page.bytes)?)?.into_bytes(),
            ..page
        };
        // Rendered twice: the first time only to finish every file the page names, so that the build's digest covers them all.
        resolver.build = Some(String::new());
        resolver.render(PAGE, &page)?;
        let build = digest_of(&resolver.files);
        resolver.build = Some(build.clone());
        let bytes = resolver.render(PAGE, &page)?;
        resolver
            .files
            .insert(PAGE.to_owned(), asset(PAGE, page.naming, bytes));
        for (name, _) in resolver
            .sources
            .iter()
            .filter(|(name, _)| !resolver.files.contains_key(*name))
        {
            println!("  note: static/{name} is named by no file and left out");
        }
        Ok(Self {
            files: resolver.files,
            build,
        })
    }

    /// The finished files in order of their names.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Asset> {
        self.files.values()
    }
}

struct Resolver {
    sources: Sources,
    files: BTreeMap<String, Asset>,
    /// The files that wait for one they name.
    open: BTreeSet<String>,
    /// Known only while the page is rendered.
    build: Option<String>,
}

impl Resolver {
    fn finish(&mut self, name: &str) -> Result<&Asset> {
        if !self.files.contains_key(name) {
            let source = self.sources.remove(name);
            let Some(source) = source else {
                if self.open.contains(name) {
                    bail!("{name} names itself, directly or through another file");
                }
                bail!("{name} is neither in static/ nor made by the build");
            };
            self.open.insert(name.to_owned());
            let bytes = self.render(name, &source)?;
            self.open.remove(name);
            self.files
                .insert(name.to_owned(), asset(name, source.naming, bytes));
        }
        self.files.get(name).context("a finished file is kept")
    }

    /// The file's bytes with each `@{name}`, `@{name:integrity}` and `@{build}` filled in.
    fn render(&mut self, name: &str, source: &Source) -> Result<Vec<u8>> {
        if !source.template {
            return Ok(source.bytes.clone());
        }
        let mut rest = text(&source.bytes).with_context(|| name.to_owned())?;
        let mut done = String::with_capacity(rest.len());
        while let Some((before, after)) = rest.split_once("@{") {
            let (placeholder, after) = after
                .split_once('}')
                .with_context(|| format!("{name}: a placeholder has no end"))?;
            done += before;
            done += &self.value(placeholder).with_context(|| format!("in {name}"))?;
            rest = after;
        }
        done += rest;
        Ok(done.into_bytes())
    }

    fn value(&mut self, placeholder: &str) -> Result<String> {
        if placeholder == "build" {
            return self
                .build
                .clone()
                .context("only index.html can show the build: it covers every other file");
        }
        match placeholder.strip_suffix(":integrity") {
            Some(name) => Ok(self.finish(name)?.integrity.clone()),
            None => Ok(format!("/{}", self.finish(placeholder)?.path)),
        }
    }
}

fn asset(name: &str, naming: Naming, bytes: Vec<u8>) -> Asset {
    let path = match naming {
        Naming::Stable => name.to_owned(),
        Naming::ByContent => {
            let digest = hex::encode(&Sha256::digest(&bytes)[..NAME_DIGEST]);
            match name.rsplit_once('.') {
                Some((stem, kind)) => format!("{stem}-{digest}.{kind}"),
                None => format!("{name}-{digest}"),
            }
        }
    };
    let integrity = format!("sha384-{}", STANDARD.encode(Sha384::digest(&bytes)));
    Asset {
        path,
        bytes,
        immutable: naming != Naming::Stable,
        integrity,
    }
}

fn digest_of(files: &BTreeMap<String, Asset>) -> String {
    let mut lines: Vec<_> = files
        .values()
        .map(|asset| format!("{} {}\n", asset.path, hex::encode(Sha256::digest(&asset.bytes))))
        .collect();
    lines.sort();
    hex::encode(Sha256::digest(lines.concat()))
}

fn text(bytes: &[u8]) -> Result<&str> {
    str::from_utf8(bytes).context("not UTF-8 text")
}

/// The page without its comments, which are for those who read the source, and without the lines they leave empty.
fn without_comments(page: &str) -> Result<String> {
    let mut done = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("<!--") {
        done += before;
        rest = after
            .split_once("-->")
            .context("index.html: a comment has no end")?
            .1;
    }
    done += rest;
    Ok(done
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| format!("{line}\n"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str, naming: Naming) -> Source {
        Source {
            bytes: text.into(),
            naming,
            template: true,
            wanted: naming == Naming::Stable,
        }
    }

    fn resolved(files: &[(&str, &str, Naming)]) -> Result<Assets> {
        Assets::resolve(
            files
                .iter()
                .map(|(name, text, naming)| ((*name).to_owned(), source(text, *naming)))
                .collect(),
        )
    }

    fn page_of(assets: &Assets) -> &str {
        str::from_utf8(&assets.files["index.html"].bytes).unwrap()
    }

    #[test]
    fn a_changed_leaf_changes_every_name_above_it() {
        let names = |leaf: &str| {
            let page = "<x a=@{top.js} b=@{top.js:integrity} c=@{build}>";
            let files = [
                ("index.html", page, Naming::Stable),
                ("top.js", "import \"@{leaf.js}\"", Naming::ByContent),
                ("leaf.js", leaf, Naming::ByContent),
            ];
            let assets = resolved(&files).unwrap();
            (
                assets.files["top.js"].path.clone(),
                page_of(&assets).to_owned(),
                assets.build,
            )
        };
        let (top, page, build) = names("1");
        assert!(
            page.contains(&format!("a=/{top} b=sha384-")) && page.contains(&format!("c={build}")),
            "{page}"
        );
        let (other_top, other_page, other_build) = names("2");
        assert_ne!(top, other_top);
        assert_ne!(page, other_page);
        assert_ne!(build, other_build);
        assert_eq!(names("1"), (top, page, build));
    }

    #[test]
    fn the_digest_is_the_one_browsers_compute() {
        // SHA-384 of "abc", FIPS 180-4.
        let expected = "sha384-ywB1P0WjXou1oD1pmsZQBycsMqsO3tFjGotgWkP/W+2AhgcroefMI1i67KE0yCWn";
        assert_eq!(
            asset("x.js", Naming::ByContent, b"abc".to_vec()).integrity,
            expected
        );
    }

    #[test]
    fn what_nobody_names_is_left_out_and_what_is_stable_stays() {
        let files = [
            ("index.html", "", Naming::Stable),
            ("sw.js", "1", Naming::Stable),
            ("old.js", "2", Naming::ByContent),
        ];
        let assets = resolved(&files).unwrap();
        let paths: Vec<_> = assets
            .files()
            .map(|asset| (asset.path.as_str(), asset.immutable))
            .collect();
        assert_eq!(paths, [("index.html", false), ("sw.js", false)]);
    }

    #[test]
    fn mistakes_are_named() {
        let error = |files: &[(&str, &str, Naming)]| format!("{:#}", resolved(files).unwrap_err());
        assert!(error(&[("index.html", "@{gone.js}", Naming::Stable)]).contains("gone.js is neither"));
        assert!(error(&[("index.html", "@{open", Naming::Stable)]).contains("no end"));
        let circle = [
            ("index.html", "@{a.js}", Naming::Stable),
            ("a.js", "@{b.js}", Naming::ByContent),
            ("b.js", "@{a.js}", Naming::ByContent),
        ];
        assert!(error(&circle).contains("a.js names itself"));
        let early = [
            ("index.html", "@{a.js}", Naming::Stable),
            ("sw.js", "@{build}", Naming::Stable),
        ];
        assert!(error(&early).contains("only index.html"));
    }

    #[test]
    fn comments_of_the_page_are_not_shipped() {
        assert_eq!(
            without_comments("<a>\n  <!-- one\n two -->\n<b><!-- x --></b>\n").unwrap(),
            "<a>\n<b></b>\n"
        );
        assert!(without_comments("<!-- open").is_err());
    }
}
