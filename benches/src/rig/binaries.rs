//! Finds the built programs, and builds what is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Folder with the programs: `DELTALLM_BIN_DIR`, else the folder this program was built into.
pub fn folder() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("DELTALLM_BIN_DIR") {
        return Ok(PathBuf::from(folder));
    }
    let own = std::env::current_exe().map_err(|error| format!("own path: {error}"))?;
    let folder = own.parent().ok_or("own path has no folder")?;
    // Test binaries live one level below the programs.
    let is_test = folder.file_name().is_some_and(|name| name == "deps");
    let folder = if is_test { folder.parent().unwrap_or(folder) } else { folder };
    Ok(folder.to_path_buf())
}

/// Path of one program.
pub fn path(name: &str) -> Result<PathBuf, String> {
    let path = folder()?.join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("{} is not built: run `cargo build --workspace` first", path.display()))
}

/// Builds the whole workspace's programs with the profile this program was built with, so that a
/// test never runs against yesterday's. Does nothing where `DELTALLM_BIN_DIR` names them.
pub fn build() -> Result<(), String> {
    // Not a choice of packages: that would unify features differently and build anew.
    run_cargo(&["--workspace"])
}

/// As [`build`], but only some packages: a release build of all would take minutes more.
pub fn build_packages(packages: &[&str]) -> Result<(), String> {
    let chosen: Vec<&str> = packages.iter().flat_map(|package| ["--package", *package]).collect();
    run_cargo(&chosen)
}

fn run_cargo(chosen: &[&str]) -> Result<(), String> {
    if std::env::var_os("DELTALLM_BIN_DIR").is_some() {
        return Ok(());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--bins", "--profile", profile(&folder()?)]).args(chosen);
    let status = command.status().map_err(|error| format!("cargo does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo build ended with {status}")) }
}

/// Cargo's name of the profile whose output folder this is.
fn profile(folder: &Path) -> &str {
    match folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_follows_from_the_folder() {
        assert_eq!(profile(Path::new("/x/target/debug")), "dev");
        assert_eq!(profile(Path::new("/x/target/release-fast")), "release-fast");
    }
}
