use mlops_core::evidence::{EValue, SignificanceLevel};
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::conformal::Detector;
use super::finite;
use crate::multiplicity::{e_benjamini_hochberg, rejections};

/// Many streams that never end, one reference each: which of them have changed, with few false ones among those declared?
///
/// **Statistic**: [`ShiryaevRoberts`](super::ShiryaevRoberts)' R of every stream, and of K of them the e-d-BH procedure: the k greatest are
/// declared, for the greatest k such that each of these is at least K/(k·alpha).
/// **Guarantee**: looked at whenever one likes (at any stopping time τ, counted in observations of the stream that has most), the expected share
/// of unchanged streams among those declared is at most alpha·E\[τ], however the streams depend on one another. So alpha is a rate per
/// step: 1e-5 keeps the share at 10 % for looks after 10,000 steps on average. No procedure that is sure to see changes at last
/// keeps the share below 1 for ever.
/// **Assumption**: values of an unchanged stream are exchangeable with its reference, given the other streams. **Unit**: see the [module](super).
/// **Cost**: O(log cells) per value, O(K log K) per look. **Errors**: NaN and ±inf.
/// **Source**: Dandapanthula & Ramdas, "Multiple testing in multi-stream sequential change detection", 2025 (arXiv 2501.04130).
///
/// ```
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::stream::ManyStreams;
///
/// let reference: Vec<f64> = (0..1_000).map(|i| f64::from(i * 37 % 100)).collect();
/// let mut streams = ManyStreams::against([&reference, &reference, &reference], SignificanceLevel::new(1e-5)?)?;
/// for i in 0..300 {
///     let value = f64::from(i * 37 % 100);
///     streams.observe(0, value)?;
///     streams.observe(1, value + 60.0)?;
///     streams.observe(2, value)?;
/// }
/// assert_eq!(streams.changed(), [1]);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManyStreams {
    detectors: Vec<Detector>,
    alpha: SignificanceLevel,
}

impl ManyStreams {
    /// A stream per reference, as [`ShiryaevRoberts::against`](super::ShiryaevRoberts::against) reads it, with a rate of false discoveries per
    /// step.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) if a reference has fewer than 2 finite values.
    pub fn against<R: AsRef<[f64]>>(
        references: impl IntoIterator<Item = R>,
        alpha: SignificanceLevel,
    ) -> Result<Self> {
        let detectors = references.into_iter().enumerate();
        let detectors = detectors
            .map(|(stream, reference)| Detector::against(reference.as_ref(), stream as u64));
        Ok(Self {
            detectors: detectors.collect::<Result<_>>()?,
            alpha,
        })
    }

    /// Takes in the next value of a stream, numbered from 0 in the order of the references.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number, NaN or ±inf; nothing is changed then.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::stream::ManyStreams;
    /// let mut streams = ManyStreams::against([[1.0, 2.0]], SignificanceLevel::new(1e-5)?)?;
    /// assert!(streams.observe(1, 0.0).is_err() && streams.observe(0, f64::NAN).is_err());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn observe(&mut self, stream: usize, value: f64) -> Result<()> {
        let streams = self.detectors.len();
        let detector = self.detectors.get_mut(stream).ok_or_else(|| {
            Error::invalid(format!("stream must lie in [0, {streams}), got {stream}"))
        })?;
        detector.observe(finite(value)?);
        Ok(())
    }

    /// R of every stream: at any stopping time its expectation is at most that time, if the stream has not changed.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::stream::ManyStreams;
    /// let streams = ManyStreams::against([[1.0, 2.0], [2.0, 3.0]], SignificanceLevel::new(1e-5)?)?;
    /// assert_eq!(streams.statistics(), [0.0, 0.0]);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn statistics(&self) -> Vec<f64> {
        self.detectors.iter().map(Detector::statistic).collect()
    }

    /// The streams that are declared to have changed, by this look.
    pub fn changed(&self) -> Vec<usize> {
        let statistics = self.statistics().into_iter();
        let family: Vec<EValue> = statistics.map(|r| EValue::from_ln(r.ln())).collect();
        let declared = rejections(&e_benjamini_hochberg(&family), self.alpha);
        let declared = declared.into_iter().enumerate();
        declared
            .filter_map(|(stream, is)| is.then_some(stream))
            .collect()
    }

    /// Forgets the values of a stream, as after a repair or with a new reference to come.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::stream::ManyStreams;
    /// let mut streams = ManyStreams::against([[1.0, 2.0]], SignificanceLevel::new(1e-5)?)?;
    /// streams.observe(0, 7.0)?;
    /// streams.reset(0);
    /// assert_eq!(streams.statistics(), [0.0]);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn reset(&mut self, stream: usize) {
        if let Some(detector) = self.detectors.get_mut(stream) {
            detector.reset();
        }
    }
}
