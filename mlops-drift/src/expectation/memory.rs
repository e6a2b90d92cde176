//! What checks remember of the parts before, as values that last.

use mlops_core::{Digest, Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A state that can be saved and put back.
pub(super) trait Memory {
    fn save(&self) -> Result<Value>;
    fn load(&mut self, saved: &Value) -> Result<()>;
}

/// A state that goes on only beside the reference that it began with.
pub(super) struct Beside<T> {
    reference: Digest,
    pub(super) state: T,
}

impl<T> Beside<T> {
    pub(super) fn of(reference: &impl Serialize, state: T) -> Result<Self> {
        let reference = Digest::of(&serde_json::to_vec(reference)?);
        Ok(Self { reference, state })
    }
}

impl<T: Serialize + DeserializeOwned> Memory for Beside<T> {
    fn save(&self) -> Result<Value> {
        Ok(serde_json::to_value((&self.reference, &self.state))?)
    }

    fn load(&mut self, saved: &Value) -> Result<()> {
        let (reference, state): (Digest, T) = Deserialize::deserialize(saved).map_err(corrupt)?;
        if reference != self.reference {
            return Err(Error::invalid(
                "a checkpoint must be of a comparison with the same reference, got another",
            ));
        }
        self.state = state;
        Ok(())
    }
}

fn corrupt(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Corrupt, "not the state of this rule").source(error)
}

/// In a tuple of one, since a state that is `None` would be read as no state at all.
impl<T: Serialize + DeserializeOwned> Memory for T {
    fn save(&self) -> Result<Value> {
        let internal = |error: serde_json::Error| {
            Error::new(ErrorKind::Internal, "a state cannot be saved").source(error)
        };
        serde_json::to_value((self,)).map_err(internal)
    }

    fn load(&mut self, saved: &Value) -> Result<()> {
        (*self,) = Deserialize::deserialize(saved).map_err(corrupt)?;
        Ok(())
    }
}
