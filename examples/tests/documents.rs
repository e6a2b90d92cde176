//! House rules: the documents say what the code says, and dependencies run one way.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path))
        .unwrap()
        .replace("\r\n", "\n")
}

#[test]
fn the_readme_shows_the_quickstart_as_it_is_and_it_is_short() {
    let quickstart = read("examples/quickstart.rs");
    assert!(
        read("README.md").contains(quickstart.trim_end()),
        "copy examples/quickstart.rs to README.md"
    );
    assert!(quickstart.lines().count() <= 60);
}

#[test]
fn the_three_know_core_and_not_each_other() {
    const THREE: [&str; 3] = ["mlops-drift", "mlops-registry", "mlops-serve"];
    for one in ["mlops-core", "mlops-drift", "mlops-registry", "mlops-serve"] {
        let manifest = read(&format!("{one}/Cargo.toml"));
        for other in THREE.iter().filter(|other| **other != one) {
            let depends = manifest.lines().any(|line| line.starts_with(other));
            assert!(!depends, "{one} must not depend on {other}");
        }
    }
}

#[test]
fn library_code_leaves_clock_and_randomness_to_its_caller() {
    // Where the system's own clock and randomness are offered, and where identity is made by default.
    const RIMS: [&str; 3] = [
        "mlops-core/src/time.rs",
        "mlops-registry/src/store.rs",
        "mlops-serve/src/protocol/v2/mod.rs",
    ];
    for krate in ["mlops-core", "mlops-drift", "mlops-registry", "mlops-serve"] {
        for file in rust_files(&root().join(krate).join("src")) {
            let name = file
                .strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            let code = read(&name);
            let code = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            let takes = code.filter(|line| {
                [
                    "SystemTime::now",
                    "Instant::now",
                    "Timestamp::now",
                    "new_v4",
                    "rand::rng()",
                ]
                .iter()
                .any(|call| line.contains(call))
            });
            assert!(
                takes.count() == 0 || RIMS.contains(&name.as_str()),
                "{name} takes time or randomness"
            );
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                rust_files(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}
