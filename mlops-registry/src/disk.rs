//! What it takes for bytes to be on disk: written aside, synced, linked into place, folder synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use mlops_core::{Error, ErrorKind, Result};

/// Creates a folder and those above it, and syncs every folder that got a new entry.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let missing: Vec<&Path> = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
        .collect();
    fs::create_dir_all(path).map_err(|e| failed("create folder", path, e))?;
    missing
        .iter()
        .filter_map(|folder| folder.parent())
        .try_for_each(sync_folder)
}

/// Flushes a folder's entries to the disk. Windows cannot open a folder, and needs not to.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    // What stands above a relative path of one part.
    let is_here = path.as_os_str().is_empty();
    sync(if is_here { Path::new(".") } else { path })
}

/// Flushes a file's bytes to the disk.
pub(crate) fn sync(path: &Path) -> Result<()> {
    OpenOptions::new()
        .read(true)
        .write(cfg!(windows)) // where only a writer may flush
        .open(path)
        .and_then(|file| file.sync_all())
        .map_err(|e| failed("sync", path, e))
}

/// Writes a file that must not be there yet: on `Ok(true)` all of it is on disk. `Ok(false)` if
/// there is one of that name already, which is left alone.
///
/// The bytes are written and synced under another name, then linked: a link cannot replace a file,
/// so of several writers one wins, and no reader ever sees half a file.
pub(crate) fn write_once(path: &Path, bytes: &[u8]) -> Result<bool> {
    let (staged, mut file) = stage(path)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&staged, path));
    // A staged file that stays behind is garbage, not damage.
    let _ = fs::remove_file(&staged);
    match written {
        Ok(()) => path.parent().map_or(Ok(()), sync_folder).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed("write", path, error)),
    }
}

/// Puts a file in the place of one that is damaged: a reader sees the old one or the new one, and on
/// `Ok` the new one is on disk.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let (staged, mut file) = stage(path)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&staged, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&staged);
        return Err(failed("replace", path, error));
    }
    path.parent().map_or(Ok(()), sync_folder)
}

/// A new file beside `path`, under a name that no other writer has.
fn stage(path: &Path) -> Result<(PathBuf, File)> {
    let mut attempt = 0_u32;
    loop {
        let staged = path.with_extension(format!("{}-{attempt}.tmp", std::process::id()));
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&staged)
        {
            Ok(file) => return Ok((staged, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
            Err(error) => return Err(failed("write", path, error)),
        }
    }
}

/// The one place that gives an I/O error its meaning.
pub(crate) fn failed(operation: &'static str, path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ErrorKind::PermissionDenied
        }
        io::ErrorKind::AlreadyExists
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory => ErrorKind::InvalidArgument,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, error.to_string())
        .operation(operation)
        .context("path", path.display())
        .source(error)
}
