use std::collections::BTreeMap;

use arrow::datatypes::Schema;
use mlops_core::{Digest, Error, ErrorKind, Result, type_name};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::Context;
use super::expected::Expectation;
use super::found::Found;
use super::suite::Suite;
use super::validator::{Validator, Watched};

/// Counts up with every change that an older reader cannot follow.
const VERSION: u16 = 5;

/// What a [`Validator`] remembers of the parts so far: written with serde, it lets another process
/// [go on](Suite::resume) where this one ended.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let of = |ids: Vec<i32>| RecordBatch::try_from_iter([("id", Arc::new(Int32Array::from(ids)) as ArrayRef)]);
/// # let (monday, tuesday) = (of(vec![1, 2])?, of(vec![2, 3])?);
/// use mlops_drift::expectation::{Checkpoint, Context, Expectation, Rule, Suite};
/// let (suite, context) = (Suite::new([Expectation::on("id", Rule::Unique)]), Context::default());
/// let mut validator = suite.validator(&monday.schema(), &context)?;
/// validator.check(&monday)?;
/// let saved = serde_json::to_string(&validator.checkpoint()?)?;
///
/// let checkpoint: Checkpoint = serde_json::from_str(&saved)?; // a day later
/// let mut validator = suite.resume(&checkpoint, &tuesday.schema(), &context)?;
/// assert_eq!(validator.check(&tuesday)?.quarantined(), 1); // Monday had a 2
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    version: u16,
    digest: Digest,
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    rows: u64,
    /// The types of the columns.
    columns: BTreeMap<String, String>,
    watched: Vec<Remembered>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    expectation: Expectation,
    found: Found,
    memory: Option<Value>,
}

impl Validator {
    /// What it remembers of the parts so far.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn checkpoint(&mut self) -> Result<Checkpoint> {
        let watched = self.watched.iter_mut().map(Remembered::of);
        let content = Content {
            watched: watched.collect::<Result<_>>()?,
            rows: self.rows,
            columns: self.column_types(),
        };
        Ok(Checkpoint {
            version: VERSION,
            digest: content.digest()?,
            content,
        })
    }

    fn column_types(&self) -> BTreeMap<String, String> {
        let columns = self.columns.iter();
        columns
            .map(|(name, data_type)| (name.clone(), type_name(data_type)))
            .collect()
    }
}

impl Remembered {
    fn of(watched: &mut Watched) -> Result<Self> {
        let memory = watched.check.memory();
        Ok(Self {
            memory: memory.map(|memory| memory.save()).transpose()?,
            expectation: watched.expectation.clone(),
            found: watched.found.clone(),
        })
    }

    fn restore(&self, watched: &mut Watched) -> Result<()> {
        match (watched.check.memory(), &self.memory) {
            (Some(memory), Some(saved)) => memory.load(saved)?,
            (None, None) => {}
            _ => return Err(of_another("can be checked as then")),
        }
        watched.found.clone_from(&self.found);
        Ok(())
    }
}

impl Suite {
    /// What goes on where a checkpoint was taken.
    ///
    /// # Errors
    /// As [`validator`](Self::validator)'s; [`InvalidArgument`](ErrorKind::InvalidArgument) for a checkpoint
    /// of another suite, schema, or reference of a comparison; [`Unsupported`](ErrorKind::Unsupported) for one of another
    /// version; [`Corrupt`](ErrorKind::Corrupt) for one that was changed.
    pub fn resume(
        &self,
        checkpoint: &Checkpoint,
        schema: &Schema,
        context: &Context,
    ) -> Result<Validator> {
        checkpoint.require_known()?;
        checkpoint.require_unchanged()?;
        let content = &checkpoint.content;
        let mut validator = self.validator(schema, context)?;
        if validator.column_types() != content.columns {
            return Err(of_another("is on the same columns"));
        }
        if !self.expectations().iter().eq(content.expectations()) {
            return Err(of_another("has the same expectations"));
        }
        for (watched, remembered) in validator.watched.iter_mut().zip(&content.watched) {
            remembered.restore(watched)?;
        }
        validator.rows = content.rows;
        Ok(validator)
    }
}

impl Checkpoint {
    fn require_known(&self) -> Result<()> {
        if self.version == VERSION {
            return Ok(());
        }
        let found = self.version;
        let reason = format!("a checkpoint's version must be {VERSION}, got {found}");
        Err(Error::new(ErrorKind::Unsupported, reason))
    }

    /// What a check remembers is counted on from: only what was written may come back.
    fn require_unchanged(&self) -> Result<()> {
        if self.content.digest()? == self.digest {
            return Ok(());
        }
        let reason = "a checkpoint must be as it was written, got one of another digest";
        Err(Error::new(ErrorKind::Corrupt, reason))
    }
}

impl Content {
    fn expectations(&self) -> impl Iterator<Item = &Expectation> {
        self.watched
            .iter()
            .map(|remembered| &remembered.expectation)
    }

    fn digest(&self) -> Result<Digest> {
        Ok(Digest::of(&serde_json::to_vec(self)?))
    }
}

fn of_another(what: &str) -> Error {
    Error::invalid(format!(
        "a checkpoint must be of a validation that {what}, got another"
    ))
}
