//! Divergences: how far apart are two samples? A distance says nothing about chance; where a verdict
//! is needed, pair it with a [test](crate::two_sample).
//! All but [`Evidently`] are a test themselves; it, and a distance of your own, become one by
//! [`PermutationTest::of`](crate::two_sample::PermutationTest::of).
//!
//! | divergence | sample | range | unit |
//! | --- | --- | --- | --- |
//! | [`Psi`] | both | \[0, ∞) | nats; also a test |
//! | [`KullbackLeibler`] | both | \[0, ∞) | nats; also a test |
//! | [`JensenShannon`] | both | \[0, 1] | root of bits; also a test |
//! | [`Hellinger`] | both | \[0, 1] | –; also a test |
//! | [`Energy`] | numeric | \[0, ∞) | root of the column's; also a test |
//! | [`Evidently`] | both | – | four of them as Evidently computes them |
//! | [`Wasserstein`] | numeric | \[0, ∞) | the column's, or standard deviations of the reference; also a test |
//! | [`TotalVariation`] | both | \[0, 1] | probability; also a test |
//! | [`LInfinity`] | both | \[0, 1] | probability; also a test |
//! | [`CramersV`] | both | \[0, 1] | –; also a test |

mod bins;
mod cramers_v;
mod energy;
mod evidently;
mod hellinger;
mod jensen_shannon;
mod kullback_leibler;
mod l_infinity;
mod noncentral;
mod of_shares;
mod psi;
mod shares;
mod total_variation;
mod wasserstein;

use mlops_core::Result;
use mlops_core::evidence::Distance;

pub(crate) use bins::QuantileBins;
pub use cramers_v::CramersV;
pub use energy::Energy;
pub use evidently::Evidently;
pub use hellinger::Hellinger;
pub use jensen_shannon::{JensenShannon, LogBase};
pub use kullback_leibler::KullbackLeibler;
pub use l_infinity::LInfinity;
pub use psi::Psi;
pub use shares::EmptyBins;
pub use total_variation::TotalVariation;
pub use wasserstein::{Scale, Wasserstein};

/// The distance of a current sample from a reference, on samples of type `S`.
///
/// # Contract
/// Pure and deterministic; 0 for two equal samples; not symmetric in general, since bins and scales
/// come from the reference.
///
/// # Errors
/// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) if a sample holds no value, or the
/// distance is undefined or infinite.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::divergence::{Divergence, Wasserstein};
///
/// let reference = NumericSample::new([0.0, 1.0]);
/// let current = NumericSample::new([2.0, 3.0]);
/// assert_eq!(Wasserstein::raw().divergence(&reference, &current)?.get(), 2.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub trait Divergence<S: ?Sized>: Send + Sync {
    /// How far the current sample lies from the reference.
    fn divergence(&self, reference: &S, current: &S) -> Result<Distance>;
}
