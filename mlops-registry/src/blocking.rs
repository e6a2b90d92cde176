//! Work that may keep a thread: disk, hashing, waiting for a lock of the operating system.

use mlops_core::{Error, ErrorKind, Result};

/// Runs `work` on a thread of the tokio runtime that may block. Once begun it runs to its end,
/// whether or not the future is still waited for: all or nothing.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorKind::Internal, "the work was broken off").source(error))?
}
