//! The one place that knows whether columns are worked on side by side.

use mlops_core::Result;

/// `items` mapped, in their order; the first error of the first item that has one.
#[cfg(feature = "rayon")]
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    f: impl Fn(&T) -> Result<R> + Send + Sync,
) -> Result<Vec<R>> {
    use rayon::prelude::*;
    let results: Vec<Result<R>> = items.par_iter().map(f).collect();
    results.into_iter().collect()
}

/// `items` mapped, in their order; the error of the first item that has one.
#[cfg(not(feature = "rayon"))]
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    f: impl Fn(&T) -> Result<R> + Send + Sync,
) -> Result<Vec<R>> {
    items.iter().map(f).collect()
}
