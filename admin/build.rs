//! Makes the dashboard's folder where it was not built, so that the crate compiles without Node.js, and ties the binary to
//! its content and to the migrations.

use std::{env, fs, path::Path};

fn main() -> std::io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?;
    let dist = Path::new(&root).join("../ui/dist");
    if !dist.is_dir() {
        fs::create_dir_all(&dist)?;
    }
    println!("cargo:rerun-if-changed=../ui/dist");
    println!("cargo:rerun-if-changed=../migrations");
    Ok(())
}
