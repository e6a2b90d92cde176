//! The subjects under which the store's own events stand.
//!
//! ```
//! use mlops_core::{DecisionStore, ModelName, ModelRegistry};
//! use mlops_registry::{SqliteStore, subject};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> mlops_core::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! let store = SqliteStore::open(folder.path()).await?;
//! let name = ModelName::new("flight-delays")?;
//! store.create_model(&name, "").await?;
//! let events = store.events(Some(&subject::model(&name)), 0, 10).await?;
//! assert_eq!(events[0].what.kind, "model_created");
//! # Ok(())
//! # }
//! ```
//!
//! A subject has at most 200 characters. A name too long to be put behind its kind is cut off and
//! followed by its digest, so that subjects of different names stay different.

use mlops_core::{DatasetName, Digest, ExperimentName, ModelName, RunId, Subject};

/// `model:<name>`: registration, versions, aliases.
///
/// ```
/// use mlops_core::ModelName;
/// let subject = mlops_registry::subject::model(&ModelName::new("flight-delays")?);
/// assert_eq!(subject.as_str(), "model:flight-delays");
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub fn model(name: &ModelName) -> Subject {
    subject("model", name.as_str())
}

/// `experiment:<name>`: creation.
///
/// ```
/// use mlops_core::ExperimentName;
/// let subject = mlops_registry::subject::experiment(&ExperimentName::new("flight delays")?);
/// assert_eq!(subject.as_str(), "experiment:flight delays");
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub fn experiment(name: &ExperimentName) -> Subject {
    subject("experiment", name.as_str())
}

/// `dataset:<name>`: registration of versions.
///
/// ```
/// use mlops_core::DatasetName;
/// let subject = mlops_registry::subject::dataset(&DatasetName::new("flights")?);
/// assert_eq!(subject.as_str(), "dataset:flights");
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub fn dataset(name: &DatasetName) -> Subject {
    subject("dataset", name.as_str())
}

/// `run:<id>`: start, batches, artifacts, end.
///
/// ```
/// use mlops_core::{RunId, Timestamp};
/// let id = RunId::from_parts(Timestamp::UNIX_EPOCH, [7; 10]);
/// assert_eq!(mlops_registry::subject::run(id).as_str(), format!("run:{id}"));
/// ```
pub fn run(id: RunId) -> Subject {
    subject("run", &id.to_string())
}

fn subject(kind: &'static str, name: &str) -> Subject {
    const NAME_KEPT: usize = 100;
    let whole = Subject::new(format!("{kind}:{name}"));
    whole.unwrap_or_else(|_| {
        let start: String = name.chars().take(NAME_KEPT).collect();
        let digest = Digest::of(name.as_bytes());
        let short = Subject::new(format!("{kind}:{start}:{digest}"));
        // Kind, valid characters and digits within 200: it cannot be refused.
        short.unwrap_or_else(|_| unreachable!("a cut-off name is a valid subject"))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn long_names_keep_different_subjects() {
        let name = |end: &str| ModelName::new("m".repeat(199) + end).unwrap();
        let (a, b) = (model(&name("a")), model(&name("b")));
        assert_ne!(a, b);
        assert!(a.as_str().chars().count() <= 200);
        assert!(
            model(&ModelName::new("ends with a dot.").unwrap())
                .as_str()
                .ends_with('.')
        );
    }

    #[test]
    fn names_of_any_script_fit() {
        let name = ModelName::new("模".repeat(200)).unwrap();
        assert!(model(&name).as_str().starts_with("model:模"));
    }
}
