//! What may stand beside this repository: conformance kits in `../shared`, peers in `FIREDRILL_PEERS` or `PATH`.

#[allow(dead_code, reason = "each test binary uses its part of this module")]
pub mod dice;

use std::io::Write;
use std::path::{Path, PathBuf};

/// A part of the conformance kits; where it is missing, the test that asks skips itself, and says so.
#[allow(dead_code, reason = "each test binary uses its part of this module")]
pub fn kit(part: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance").join(part);
    if path.exists() { Some(path) } else { missing(&format!("../shared/conformance/{part}")) }
}

/// A folder beside this repository in `../shared`; where it is missing, the test that asks skips itself, and says so.
#[allow(dead_code, reason = "each test binary uses its part of this module")]
pub fn beside(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(folder);
    if path.exists() { Some(path) } else { missing(&format!("../shared/{folder}")) }
}

/// A program of those that firedrill is measured against; where it is missing, the test that asks skips itself, and says so.
#[allow(dead_code, reason = "each test binary uses its part of this module")]
pub fn peer(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("FIREDRILL_PEERS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = named.into_iter().chain(std::env::split_paths(&path));
    folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file())).or_else(|| missing(name))
}

/// Nothing where it may be missing; with `FIREDRILL_REQUIRE_PEERS=1` the test fails.
fn missing<T>(what: &str) -> Option<T> {
    let required = std::env::var_os("FIREDRILL_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!required, "{what} is missing, and FIREDRILL_REQUIRE_PEERS=1");
    // Straight to stderr: what a test prints by macro is only shown when it fails.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what} is missing");
    None
}

/// The floor of a kit in `conformance_counts.toml`.
#[allow(dead_code, reason = "each test binary uses its part of this module")]
pub fn floor(kit: &str) -> usize {
    let counts = include_str!("../conformance_counts.toml");
    let line = counts.lines().find_map(|line| line.strip_prefix(kit)?.trim_start().strip_prefix('='));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("no floor for {kit}"))
}
