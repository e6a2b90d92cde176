//! Labels as they stand in a file.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// A text: what stands there without quotation marks is refused with a word on how to write it.
struct Label(String);

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(AsLabel)
    }
}

struct AsLabel;

impl Visitor<'_> for AsLabel {
    type Value = Label;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a label, which is a text in quotation marks: \"1\" for an integer 1, \"true\" for a boolean",
        )
    }

    fn visit_str<E: de::Error>(self, label: &str) -> Result<Label, E> {
        Ok(Label(label.to_owned()))
    }
}

/// The labels of a rule.
pub(super) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeSet<String>, D::Error> {
    let labels = Vec::<Label>::deserialize(deserializer)?;
    Ok(labels.into_iter().map(|Label(label)| label).collect())
}
