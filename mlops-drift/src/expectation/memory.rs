//! What checks remember of the parts before, as values that last.

use mlops_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A state that can be saved and put back.
pub(super) trait Memory {
    fn save(&self) -> Result<Value>;
    fn load(&mut self, saved: &Value) -> Result<()>;
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
        let corrupt = |error: serde_json::Error| {
            Error::new(ErrorKind::Corrupt, "not the state of this rule").source(error)
        };
        (*self,) = Deserialize::deserialize(saved).map_err(corrupt)?;
        Ok(())
    }
}
