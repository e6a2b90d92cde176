//! Artifact bytes, stored under their SHA-256: written once, checked whenever they are read.
//!
//! `<folder>/artifacts/<first two digits>/<digest>`. A blob is complete and on disk before any row
//! names it; one that no row names is garbage, which nobody can see.

use std::path::PathBuf;
use std::sync::Arc;

use mlops_core::{Bytes, Digest, Error, ErrorKind, Result};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};

use crate::blocking::blocking;
use crate::disk;

/// Blobs by digest.
pub(crate) struct Blobs {
    objects: Arc<dyn ObjectStore>,
    folder: PathBuf,
}

impl Blobs {
    /// The blobs in a folder, which is created if it is not there.
    pub(crate) fn open(folder: PathBuf) -> Result<Self> {
        disk::create_folder(&folder)?;
        let objects = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| object_error(error).context("path", folder.display()))?;
        Ok(Self {
            objects: Arc::new(objects),
            folder,
        })
    }

    /// Stores bytes: on `Ok` they are on disk. The same bytes again are stored once.
    pub(crate) async fn put(&self, bytes: Bytes) -> Result<Digest> {
        let digest = digest_of(bytes.clone()).await?;
        let key = key(digest);
        match self.put_as(&key, bytes.clone(), PutMode::Create).await {
            Ok(()) => {}
            Err(object_store::Error::AlreadyExists { .. }) => {
                self.mend(&key, bytes, digest).await?
            }
            Err(error) => return Err(self.named(object_error(error), digest)),
        }
        self.sync(digest).await?;
        Ok(digest)
    }

    /// The bytes of a digest. `Corrupt` if they are missing or not those that were stored.
    pub(crate) async fn get(&self, digest: Digest) -> Result<Bytes> {
        let read = async { self.objects.get(&key(digest)).await?.bytes().await };
        let bytes = read
            .await
            .map_err(|error| self.named(object_error(error), digest))?;
        let found = digest_of(bytes.clone()).await?;
        if found != digest {
            let why = "stored bytes do not match their digest";
            let error = Error::new(ErrorKind::Corrupt, why).context("found", found);
            return Err(self.named(error, digest));
        }
        Ok(bytes)
    }

    /// Where a blob lies on disk.
    fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(key(digest).as_ref())
    }

    fn named(&self, error: Error, digest: Digest) -> Error {
        let path = self.path(digest);
        error
            .context("digest", digest)
            .context("path", path.display())
    }

    async fn put_as(&self, key: &Key, bytes: Bytes, mode: PutMode) -> object_store::Result<()> {
        let options = PutOptions::from(mode);
        self.objects.put_opts(key, bytes.into(), options).await?;
        Ok(())
    }

    /// A blob that is there was perhaps cut off by a loss of power, before anyone was told that it
    /// is stored: it is replaced unless it is whole.
    async fn mend(&self, key: &Key, bytes: Bytes, digest: Digest) -> Result<()> {
        match self.get(digest).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                let replaced = self.put_as(key, bytes, PutMode::Overwrite).await;
                replaced.map_err(|error| self.named(object_error(error), digest))
            }
            Err(error) => Err(error),
        }
    }

    /// object_store 0.13 leaves flushing to the operating system, so file and folders are synced
    /// here, before a row may name the blob.
    async fn sync(&self, digest: Digest) -> Result<()> {
        let file = self.path(digest);
        let folder = self.folder.clone();
        blocking(move || {
            disk::sync(&file)?;
            file.parent().map_or(Ok(()), disk::sync_folder)?;
            disk::sync_folder(&folder)
        })
        .await
    }
}

/// Where a blob lies below the folder.
fn key(digest: Digest) -> Key {
    let digits = digest.to_string();
    Key::from(format!("{}/{digits}", &digits[..2]))
}

/// The digest of a model of any size, while the runtime goes on with other work.
async fn digest_of(bytes: Bytes) -> Result<Digest> {
    blocking(move || Ok(Digest::of(&bytes))).await
}

/// The one place that gives an object store's error its meaning. Only blobs that a row names are
/// read, so a missing one is damage.
fn object_error(error: object_store::Error) -> Error {
    let kind = match &error {
        object_store::Error::NotFound { .. } => {
            return Error::new(ErrorKind::Corrupt, "the stored bytes are missing").source(error);
        }
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => ErrorKind::PermissionDenied,
        other => io_kind(other),
    };
    Error::new(kind, error.to_string()).source(error)
}

/// The local store wraps I/O errors: their kind is found along the chain of causes.
fn io_kind(error: &object_store::Error) -> ErrorKind {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return match io.kind() {
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    ErrorKind::PermissionDenied
                }
                _ => ErrorKind::Unavailable,
            };
        }
        cause = error.source();
    }
    ErrorKind::Internal
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_blob_that_a_crash_cut_off_is_mended_by_storing_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().join("artifacts")).unwrap();
        let bytes = Bytes::from_static(b"a model");
        let digest = blobs.put(bytes.clone()).await.unwrap();
        let path = blobs.path(digest);
        for damage in [&b""[..], b"a mod", b"another model"] {
            std::fs::write(&path, damage).unwrap();
            assert_eq!(
                blobs.get(digest).await.unwrap_err().kind(),
                ErrorKind::Corrupt
            );
            assert_eq!(blobs.put(bytes.clone()).await.unwrap(), digest);
            assert_eq!(blobs.get(digest).await.unwrap(), bytes);
        }
    }

    #[tokio::test]
    async fn a_missing_blob_is_corrupt_and_names_its_digest_and_place() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().to_owned()).unwrap();
        let digest = Digest::of(b"never stored");
        let error = blobs.get(digest).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(&digest.to_string()), "{error}");
        let path = blobs.path(digest).display().to_string();
        assert!(error.to_string().contains(&path), "{error}");
    }
}
