//! Makes the methods that find the texts of `static/locales/*.json`, see `build/catalogue.rs`; and asks the linker for what splitting the
//! module takes.

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
    // Which function names which others is known only to the linker; `cargo xtask` splits the module by it (docs/adr/0022).
    if variable("CARGO_CFG_TARGET_FAMILY")? == "wasm" {
        println!("cargo::rustc-link-arg-bins=--emit-relocs");
    }
    let (methods, catalogues) = catalogue::generate(&files)?;
    let lines = catalogues[0].lines().count();
    let code = format!("const LINES: usize = {lines};\nimpl Texts {{\n{methods}}}\n");
    let out = variable("OUT_DIR")?;
    let write = |name: &str, text: &str| {
        fs::write(Path::new(&out).join(name), text).map_err(|error| format!("{name}: {error}"))
    };
    write("texts.rs", &code)?;
    // For the crate's own tests: a browser gets them from the relay.
    for ((language, _), catalogue) in catalogue::LANGUAGES.iter().zip(&catalogues) {
        write(&format!("{language}.txt"), catalogue)?;
    }
    Ok(())
}
