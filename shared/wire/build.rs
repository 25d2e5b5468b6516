//! Compiles the `.proto` contract with protox, so that no machine needs an external `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = [
        "proto/identity.proto",
        "proto/relay.proto",
        "proto/audit.proto",
        "proto/group.proto",
        "proto/content.proto",
    ];
    let descriptors = protox::compile(files, ["proto"])?;
    prost_build::Config::new()
        .bytes(["."])
        .skip_debug(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
