//! Builds the catalogue of texts from `static/locales/*.json`; see `build/catalogue.rs`.

#[path = "build/catalogue.rs"]
mod catalogue;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("cargo::error=static/locales: {why}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let variable = |name: &str| env::var(name).map_err(|error| format!("{name}: {error}"));
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../static/locales");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/catalogue.rs");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: [String; 4] = Default::default();
    for (file, (language, _)) in files.iter_mut().zip(catalogue::LANGUAGES) {
        *file = fs::read_to_string(folder.join(format!("{language}.json")))
            .map_err(|error| format!("{language}: {error}"))?;
    }
    let methods = catalogue::generate(&files)?;
    let code = format!("impl Texts {{\n{methods}}}\n");
    fs::write(Path::new(&variable("OUT_DIR")?).join("texts.rs"), code).map_err(|error| error.to_string())
}
