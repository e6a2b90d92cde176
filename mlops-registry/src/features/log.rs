//! The log of commits: which views there are and which files hold their rows.
//!
//! `log/00000000000000000001.json`, `…02.json`, and so on: each one change, immutable, committed by
//! linking a synced file to the next free number. A link cannot replace a file, so of several
//! writers one gets the number; the others read what it wrote and try the next.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mlops_core::{Digest, Error, ErrorKind, FeatureView, FeatureViewName, Result};
use serde::{Deserialize, Serialize};

use crate::disk;

/// The format that this version writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// One commit.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Change {
    /// A view was registered.
    RegisterView {
        /// Its definition.
        view: FeatureView,
    },
    /// A file of rows was pushed.
    Push {
        /// The view.
        view: FeatureViewName,
        /// The file.
        file: PushedFile,
    },
}

/// An immutable Parquet file of a view's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PushedFile {
    /// The digest of its bytes, which is also its name.
    pub(super) digest: Digest,
    /// How many rows it holds.
    pub(super) rows: u64,
    /// Column names and [types](mlops_core::type_name), in the order of the view's definition.
    pub(super) columns: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct Commit<C> {
    format: u32,
    #[serde(flatten)]
    change: C,
}

/// A reader's and writer's place in the log.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    next: u64,
}

impl Log {
    /// The log in a folder, from its beginning.
    ///
    /// `Corrupt` if a commit is missing before the last.
    pub(super) fn open(folder: PathBuf) -> Result<Self> {
        disk::create_folder(&folder)?;
        if let Some(path) = missing_commit(&folder)? {
            let why = "a commit of the feature log is missing";
            return Err(Error::new(ErrorKind::Corrupt, why).context("path", path.display()));
        }
        Ok(Self { folder, next: 1 })
    }

    /// The next commit; `None` at the end. One failed look at the disk when nothing is new.
    pub(super) fn read_next(&mut self) -> Result<Option<Change>> {
        let path = self.folder.join(commit_name(self.next));
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(disk::failed("read feature log", &path, error)),
        };
        let change = parse(&bytes).map_err(|e| e.context("path", path.display()))?;
        self.next += 1;
        Ok(Some(change))
    }

    /// Writes the next commit. `Ok(false)` if another writer took its number: read on, and retry.
    /// The commit is not taken for read: [`Log::read_next`] gives it like any other.
    pub(super) fn try_commit(&self, change: &Change) -> Result<bool> {
        let commit = Commit {
            format: FORMAT,
            change,
        };
        let path = self.folder.join(commit_name(self.next));
        disk::write_once(&path, &serde_json::to_vec_pretty(&commit)?)
    }
}

fn commit_name(number: u64) -> String {
    format!("{number:020}.json")
}

/// Where a commit should be, if a later one is there without it.
fn missing_commit(folder: &Path) -> Result<Option<PathBuf>> {
    let numbers = numbers(folder)?;
    let last = numbers.last().copied().unwrap_or(0);
    let mut unlisted = (1..=last)
        .filter(|number| !numbers.contains(number))
        .map(|number| folder.join(commit_name(number)));
    // A listing may show a commit made meanwhile and not the one made just before it.
    Ok(unlisted.find(|path| !path.exists()))
}

/// The numbers of the commits in a folder; other files are left alone.
fn numbers(folder: &Path) -> Result<BTreeSet<u64>> {
    let failed = |error| disk::failed("list feature log", folder, error);
    let mut numbers = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".json"));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    Ok(numbers)
}

fn parse(bytes: &[u8]) -> Result<Change> {
    let commit: Commit<serde_json::Value> = serde_json::from_slice(bytes)?;
    if commit.format > FORMAT {
        let why = format!(
            "the feature log has format {}, this version reads up to {FORMAT}",
            commit.format
        );
        return Err(Error::new(ErrorKind::Unsupported, why));
    }
    Ok(serde_json::from_value(commit.change)?)
}
