//! Rows of several numbers at once, such as embeddings: drift that no single column shows.
//!
//! | test | sees | cost |
//! | --- | --- | --- |
//! | [`Mmd`] | any difference of the two laws, at the scale of its kernel | quadratic |
//! | [`LinearMmd`] | the same, with less power | linear |
//! | [`EnergyTest`] | any difference of the two laws, shifts best | quadratic, of 4,000 rows at most |
//! | [`DomainClassifier`] | shifts and spreads, and in which dimensions they are | linear |
//! | [`PcaReconstruction`] | other correlations than the reference's | linear, and d³ once |
//!
//! All hold their level for **exchangeable** rows. Rows that share a unit (a user, an hour) are not: [`Points::per_unit`] makes one point of each
//! unit.

mod domain_classifier;
mod eigen;
mod energy;
mod kernel;
mod linear_mmd;
mod logistic;
mod mmd;
mod pairwise;
mod pca;
mod pca_reconstruction;
mod points;
mod standard;

pub use domain_classifier::{Carrier, DomainClassifier, DomainDrift};
pub use energy::EnergyTest;
pub use kernel::Bandwidth;
pub use linear_mmd::LinearMmd;
pub use mmd::Mmd;
pub use pca::Pca;
pub use pca_reconstruction::{FittedPca, PcaDrift, PcaReconstruction};
pub use points::Points;
