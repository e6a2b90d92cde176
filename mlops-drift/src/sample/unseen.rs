use mlops_core::Result;

use super::CategoricalSample;
use super::numeric::share;

/// Values of a sample whose category the reference does not know.
///
/// ```
/// use mlops_drift::CategoricalSample;
/// let reference = CategoricalSample::new(["a", "b"].map(Some));
/// let current = CategoricalSample::new(["a", "c", "c", "d"].map(Some));
/// let unseen = current.unseen(&reference)?;
/// assert_eq!((unseen.share, unseen.categories), (0.75, 2));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unseen {
    /// Such values out of all that are not missing, in \[0, 1].
    pub share: f64,
    /// How many such categories.
    pub categories: usize,
}

impl CategoricalSample {
    /// The values whose category the reference does not know. O(k log k).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) if a sample holds no value.
    ///
    /// ```
    /// use mlops_drift::CategoricalSample;
    /// let sample = CategoricalSample::new([Some("a")]);
    /// assert_eq!(sample.unseen(&sample)?.categories, 0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn unseen(&self, reference: &Self) -> Result<Unseen> {
        reference.require("reference")?;
        self.require("current")?;
        let unseen = self
            .counts()
            .filter(|(label, _)| reference.count(label) == 0);
        let (categories, rows) = unseen.fold((0, 0), |(k, rows), (_, count)| (k + 1, rows + count));
        Ok(Unseen {
            share: share(rows as usize, self.len()),
            categories,
        })
    }
}
