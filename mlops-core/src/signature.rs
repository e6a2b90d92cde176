//! What a model takes and gives, and every way in which tensors can fail to fit.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ElementType, Error, ErrorKind, Result, Tensor, Tensors};

/// One named tensor of a [`Signature`]: element type, shape, and where its values come from.
///
/// A dimension is a size, or `None` for any; the first one is the batch.
///
/// ```
/// use mlops_core::{ElementType, TensorSpec};
///
/// let spec = TensorSpec::new("p", ElementType::Fp32, [None, Some(1)]);
/// assert_eq!(spec.to_string(), "p: FP32[?, 1]");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSpec {
    name: String,
    element_type: ElementType,
    shape: Vec<Option<usize>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    nan: bool,
}

impl TensorSpec {
    /// A tensor of this type and shape, without NaN or infinity.
    pub fn new(
        name: impl Into<String>,
        element_type: ElementType,
        shape: impl Into<Vec<Option<usize>>>,
    ) -> Self {
        Self {
            name: name.into(),
            element_type,
            shape: shape.into(),
            columns: None,
            nan: false,
        }
    }

    /// A tensor of shape `[any, columns.len()]` that gathers these scalar columns of a table.
    ///
    /// ```
    /// use mlops_core::{ElementType, TensorSpec};
    /// let spec = TensorSpec::of_columns("features", ElementType::Fp32, ["temp", "distance"]);
    /// assert_eq!(spec.shape(), [None, Some(2)]);
    /// ```
    pub fn of_columns<C: Into<String>>(
        name: impl Into<String>,
        element_type: ElementType,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        let columns: Vec<String> = columns.into_iter().map(Into::into).collect();
        let shape = [None, Some(columns.len())];
        Self {
            columns: Some(columns),
            ..Self::new(name, element_type, shape)
        }
    }

    /// Accepts NaN and infinity: the model knows what a missing value is.
    #[must_use]
    pub fn allowing_nan(mut self) -> Self {
        self.nan = true;
        self
    }

    /// The tensor's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the elements.
    pub fn element_type(&self) -> ElementType {
        self.element_type
    }

    /// The size of every dimension; `None` for any.
    pub fn shape(&self) -> &[Option<usize>] {
        &self.shape
    }

    /// The scalar columns that make up the last dimension, if it was declared so.
    pub fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// Whether NaN and infinity are accepted.
    pub fn allows_nan(&self) -> bool {
        self.nan && self.element_type.is_float()
    }

    fn fits_shape(&self, shape: &[usize]) -> bool {
        self.shape.len() == shape.len()
            && self
                .shape
                .iter()
                .zip(shape)
                .all(|(wanted, got)| wanted.is_none_or(|wanted| wanted == *got))
    }

    fn difference(&self, tensor: &Tensor) -> Option<Difference> {
        if tensor.element_type() != self.element_type {
            return Some(Difference::WrongType {
                name: self.name.clone(),
                expected: self.element_type,
                got: tensor.element_type(),
            });
        }
        if !self.fits_shape(tensor.shape()) {
            return Some(Difference::WrongShape {
                name: self.name.clone(),
                expected: self.shape.clone(),
                got: tensor.shape().to_vec(),
            });
        }
        (!self.nan && !tensor.is_finite()).then(|| Difference::NotFinite {
            name: self.name.clone(),
        })
    }
}

impl fmt::Display for TensorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = Shape(&self.shape);
        write!(f, "{}: {}{shape}", self.name, self.element_type)
    }
}

struct Shape<'a>(&'a [Option<usize>]);

impl fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self
            .0
            .iter()
            .map(|size| size.map_or("?".into(), |size| size.to_string()))
            .collect();
        write!(f, "[{}]", sizes.join(", "))
    }
}

/// One way in which tensors do not fit a signature.
///
/// ```
/// use mlops_core::Difference;
/// let difference = Difference::Missing { name: "x".into() };
/// assert_eq!(difference.to_string(), "\"x\" is missing");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Difference {
    /// A declared tensor is not there.
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor is there that was not declared.
    Unexpected {
        /// Its name.
        name: String,
    },
    /// The elements are of another type.
    WrongType {
        /// The tensor's name.
        name: String,
        /// The declared type.
        expected: ElementType,
        /// The type that came.
        got: ElementType,
    },
    /// A dimension has another size, or there are more or fewer of them.
    WrongShape {
        /// The tensor's name.
        name: String,
        /// The declared shape.
        expected: Vec<Option<usize>>,
        /// The shape that came.
        got: Vec<usize>,
    },
    /// NaN or infinity where it is not allowed.
    NotFinite {
        /// The tensor's name.
        name: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "\"{name}\" is missing"),
            Self::Unexpected { name } => write!(f, "\"{name}\" is not part of the signature"),
            Self::WrongType {
                name,
                expected,
                got,
            } => {
                write!(f, "\"{name}\" must be {expected}, got {got}")
            }
            Self::WrongShape {
                name,
                expected,
                got,
            } => {
                write!(
                    f,
                    "\"{name}\" must have shape {}, got {got:?}",
                    Shape(expected)
                )
            }
            Self::NotFinite { name } => {
                write!(f, "\"{name}\" must be finite, got a NaN or an infinity")
            }
        }
    }
}

/// What a model takes and gives. Immutable once registered with a version.
///
/// ```
/// use mlops_core::{ElementType, ErrorKind, Signature, Tensor, TensorSpec, Tensors};
///
/// let signature = Signature::new(
///     [TensorSpec::new("x", ElementType::Fp32, [None, Some(2)])],
///     [TensorSpec::new("p", ElementType::Fp32, [None, Some(1)])],
/// )?;
/// let wrong = Tensors::new([Tensor::from_f32("x", [1, 3], vec![0.0; 3])?])?;
/// let error = signature.check_inputs(&wrong).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
/// assert_eq!(error.to_string(), "inputs: \"x\" must have shape [?, 2], got [1, 3]");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
}

impl Signature {
    /// A signature.
    ///
    /// # Errors
    /// `InvalidArgument` if two inputs, or two outputs, have one name.
    pub fn new(
        inputs: impl Into<Vec<TensorSpec>>,
        outputs: impl Into<Vec<TensorSpec>>,
    ) -> Result<Self> {
        let signature = Self {
            inputs: inputs.into(),
            outputs: outputs.into(),
        };
        unique(&signature.inputs)?;
        unique(&signature.outputs)?;
        Ok(signature)
    }

    /// What the model takes.
    pub fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    /// What the model gives.
    pub fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
    }

    /// Every way in which `inputs` do not fit, in the order of the signature.
    pub fn input_differences(&self, inputs: &Tensors) -> Vec<Difference> {
        differences(&self.inputs, inputs)
    }

    /// Whether the inputs fit, and agree on the number of rows.
    ///
    /// # Errors
    /// `SignatureMismatch` that lists every difference.
    pub fn check_inputs(&self, inputs: &Tensors) -> Result<()> {
        check("inputs", &self.inputs, inputs)
    }

    /// Whether the outputs fit.
    ///
    /// # Errors
    /// `SignatureMismatch` that lists every difference.
    pub fn check_outputs(&self, outputs: &Tensors) -> Result<()> {
        check("outputs", &self.outputs, outputs)
    }

    /// Whether a caller of `old` can be served by this one unchanged: every input that this one
    /// needs was sent already, with the same type and a shape that is accepted, and every output
    /// that was read still comes. Gives the tensors that break it.
    ///
    /// ```
    /// use mlops_core::{ElementType, Signature, TensorSpec};
    /// let x = TensorSpec::new("x", ElementType::Fp32, [None]);
    /// let y = TensorSpec::new("y", ElementType::Fp32, [None]);
    /// let old = Signature::new([x.clone()], [y.clone()])?;
    /// let wider = Signature::new([x, y.clone()], [y])?;
    /// assert_eq!(wider.breaks(&old).len(), 1); // it needs "y", which nobody sends
    /// assert!(old.breaks(&old).is_empty());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn breaks(&self, old: &Self) -> Vec<String> {
        let mut broken = Vec::new();
        compare("input", &self.inputs, &old.inputs, &mut broken);
        for sent in &old.inputs {
            if !self.inputs.iter().any(|spec| spec.name == sent.name) {
                broken.push(format!("input {sent} is no longer accepted"));
            }
        }
        compare("output", &old.outputs, &self.outputs, &mut broken);
        broken
    }
}

/// What `needed` asks for and `given` does not provide alike.
fn compare(what: &str, needed: &[TensorSpec], given: &[TensorSpec], broken: &mut Vec<String>) {
    for spec in needed {
        match given.iter().find(|other| other.name == spec.name) {
            None => broken.push(format!("{what} {spec} is not provided")),
            Some(other) if !accepts(spec, other) => {
                broken.push(format!("{what} {spec} is provided as {other}"));
            }
            Some(_) => {}
        }
    }
}

fn accepts(spec: &TensorSpec, other: &TensorSpec) -> bool {
    let sizes = spec.shape.iter().zip(&other.shape);
    spec.element_type == other.element_type
        && spec.shape.len() == other.shape.len()
        && sizes.into_iter().all(|(a, b)| a.is_none() || a == b)
        && (spec.nan || !other.nan)
}

fn unique(specs: &[TensorSpec]) -> Result<()> {
    for (index, spec) in specs.iter().enumerate() {
        if specs[..index].iter().any(|other| other.name == spec.name) {
            return Err(Error::invalid(format!(
                "names in a signature must be unique, got \"{}\" twice",
                spec.name
            )));
        }
    }
    Ok(())
}

fn differences(specs: &[TensorSpec], tensors: &Tensors) -> Vec<Difference> {
    let mut found: Vec<Difference> = specs
        .iter()
        .filter_map(|spec| match tensors.get(&spec.name) {
            Ok(tensor) => spec.difference(tensor),
            Err(_) => Some(Difference::Missing {
                name: spec.name.clone(),
            }),
        })
        .collect();
    found.extend(
        tensors
            .iter()
            .filter(|tensor| !specs.iter().any(|spec| spec.name == tensor.name()))
            .map(|tensor| Difference::Unexpected {
                name: tensor.name().to_owned(),
            }),
    );
    found
}

fn check(side: &'static str, specs: &[TensorSpec], tensors: &Tensors) -> Result<()> {
    let found = differences(specs, tensors);
    let mismatch = |why: String| Error::new(ErrorKind::SignatureMismatch, why).operation(side);
    if !found.is_empty() {
        let all: Vec<String> = found.iter().map(Difference::to_string).collect();
        return Err(mismatch(all.join("; ")));
    }
    let batched = specs.iter().any(|spec| spec.shape.first() == Some(&None));
    if batched && tensors.rows().is_none() {
        let shapes: Vec<String> = tensors.iter().map(|t| format!("{t:?}")).collect();
        return Err(mismatch(format!(
            "all must have the same number of rows, got {}",
            shapes.join(", ")
        )));
    }
    Ok(())
}
