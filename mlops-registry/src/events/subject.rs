//! The subjects under which the store's own events stand.
//!
//! ```
//! use mlops_core::ModelName;
//! let subject = mlops_registry::subject::model(&ModelName::new("flight-delays")?);
//! assert_eq!(subject.as_str(), "model:flight-delays");
//! # Ok::<(), mlops_core::Error>(())
//! ```
//!
//! A subject has at most 200 characters. A name too long to be put behind its kind is cut off and
//! followed by its digest, so that subjects of different names stay different.

use mlops_core::{DatasetName, Digest, ExperimentName, ModelName, RunId, Subject};

/// `model:<name>`: registration, versions, aliases.
pub fn model(name: &ModelName) -> Subject {
    subject("model", name.as_str())
}

/// `experiment:<name>`: creation, and the start of runs.
pub fn experiment(name: &ExperimentName) -> Subject {
    subject("experiment", name.as_str())
}

/// `dataset:<name>`: registration of versions.
pub fn dataset(name: &DatasetName) -> Subject {
    subject("dataset", name.as_str())
}

/// `run:<id>`: start, batches, artifacts, end.
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
        assert!(model(&ModelName::new("ends with a dot.").unwrap()).as_str().ends_with('.'));
    }

    #[test]
    fn names_of_any_script_fit() {
        let name = ModelName::new("模".repeat(200)).unwrap();
        assert!(model(&name).as_str().starts_with("model:模"));
    }
}
