//! Builds the catalogue of texts from `static/locales/*.json`.

fn main() {}
