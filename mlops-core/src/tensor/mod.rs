//! Named tensors, the currency of inference, and their bridge to tables.

mod bridge;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BooleanArray, PrimitiveArray,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// The type of a tensor's elements. The names are those of the Open Inference Protocol.
///
/// ```
/// use mlops_core::ElementType;
/// assert_eq!(ElementType::Fp32.as_str(), "FP32");
/// assert_eq!("INT64".parse::<ElementType>()?, ElementType::Int64);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum ElementType {
    /// True or false.
    Bool,
    /// Unsigned, 8 bits.
    Uint8,
    /// Unsigned, 16 bits.
    Uint16,
    /// Unsigned, 32 bits.
    Uint32,
    /// Unsigned, 64 bits.
    Uint64,
    /// Signed, 8 bits.
    Int8,
    /// Signed, 16 bits.
    Int16,
    /// Signed, 32 bits.
    Int32,
    /// Signed, 64 bits.
    Int64,
    /// IEEE 754, 32 bits.
    Fp32,
    /// IEEE 754, 64 bits.
    Fp64,
    /// Byte strings of any length.
    Bytes,
}

/// Every element type with its name and its Arrow type: the one table that all conversions read.
const ELEMENT_TYPES: [(ElementType, &str, DataType); 12] = [
    (ElementType::Bool, "BOOL", DataType::Boolean),
    (ElementType::Uint8, "UINT8", DataType::UInt8),
    (ElementType::Uint16, "UINT16", DataType::UInt16),
    (ElementType::Uint32, "UINT32", DataType::UInt32),
    (ElementType::Uint64, "UINT64", DataType::UInt64),
    (ElementType::Int8, "INT8", DataType::Int8),
    (ElementType::Int16, "INT16", DataType::Int16),
    (ElementType::Int32, "INT32", DataType::Int32),
    (ElementType::Int64, "INT64", DataType::Int64),
    (ElementType::Fp32, "FP32", DataType::Float32),
    (ElementType::Fp64, "FP64", DataType::Float64),
    (ElementType::Bytes, "BYTES", DataType::Binary),
];

impl ElementType {
    /// The name, such as `FP32`.
    pub fn as_str(self) -> &'static str {
        ELEMENT_TYPES[self as usize].1
    }

    /// The Arrow type that holds the elements.
    ///
    /// ```
    /// use mlops_core::{ElementType, arrow::datatypes::DataType};
    /// assert_eq!(ElementType::Fp32.arrow(), DataType::Float32);
    /// ```
    pub fn arrow(self) -> DataType {
        ELEMENT_TYPES[self as usize].2.clone()
    }

    /// The element type of an Arrow array, if there is one.
    ///
    /// ```
    /// use mlops_core::{ElementType, arrow::datatypes::DataType};
    /// assert_eq!(ElementType::of_arrow(&DataType::Int32), Some(ElementType::Int32));
    /// assert_eq!(ElementType::of_arrow(&DataType::Date32), None);
    /// ```
    pub fn of_arrow(data_type: &DataType) -> Option<Self> {
        ELEMENT_TYPES
            .iter()
            .find(|(_, _, arrow)| arrow == data_type)
            .map(|row| row.0)
    }

    /// Whether NaN and infinity can occur.
    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::Fp32 | Self::Fp64)
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for ElementType {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        ELEMENT_TYPES
            .iter()
            .find(|row| row.1 == name)
            .map(|row| row.0)
            .ok_or_else(|| {
                let all = ELEMENT_TYPES.map(|row| row.1).join(", ");
                Error::invalid(format!("element type must be one of {all}, got {name:?}"))
            })
    }
}

/// A named tensor: element type, shape, and one shared Arrow buffer of elements in row-major order.
/// Cloning copies no element.
///
/// ```
/// use mlops_core::Tensor;
///
/// let tensor = Tensor::from_f32("features", [2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(tensor.shape(), [2, 3]);
/// assert_eq!(tensor.as_f32()?[4], 5.0);
/// assert!(Tensor::from_f32("features", [2, 2], vec![1.0]).is_err());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Tensor {
    name: Arc<str>,
    element_type: ElementType,
    shape: Vec<usize>,
    elements: ArrayRef,
}

impl Tensor {
    /// A tensor over an Arrow array of its elements, in row-major order.
    ///
    /// # Errors
    /// `InvalidArgument` if the array's type is none of the [element types](ElementType), if its
    /// length is not the product of the shape, or if it holds a null.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mlops_core::{Tensor, arrow::array::Int64Array};
    /// let ids = Tensor::new("ids", [3], Arc::new(Int64Array::from(vec![7, 8, 9])))?;
    /// assert_eq!(ids.rows(), Some(3));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn new(
        name: impl Into<Arc<str>>,
        shape: impl Into<Vec<usize>>,
        elements: ArrayRef,
    ) -> Result<Self> {
        let (name, shape) = (name.into(), shape.into());
        let refuse = |why: String| Error::invalid(why).context("tensor", &name);
        let element_type = ElementType::of_arrow(elements.data_type())
            .ok_or_else(|| refuse(format!("{} is no element type", elements.data_type())))?;
        let expected = shape
            .iter()
            .try_fold(1_usize, |product, size| product.checked_mul(*size))
            .ok_or_else(|| refuse(format!("shape {shape:?} has too many elements")))?;
        if elements.len() != expected {
            return Err(refuse(format!(
                "shape {shape:?} needs {expected} elements, got {}",
                elements.len()
            )));
        }
        if elements.null_count() > 0 {
            return Err(refuse(format!(
                "a tensor has no nulls, got {}",
                elements.null_count()
            )));
        }
        Ok(Self {
            name,
            element_type,
            shape,
            elements,
        })
    }

    /// A tensor of 32-bit floats.
    ///
    /// # Errors
    /// As [`Tensor::new`].
    pub fn from_f32(
        name: impl Into<Arc<str>>,
        shape: impl Into<Vec<usize>>,
        elements: Vec<f32>,
    ) -> Result<Self> {
        Self::from_vec::<Float32Type>(name, shape, elements)
    }

    /// A tensor of one Arrow primitive type.
    ///
    /// # Errors
    /// As [`Tensor::new`].
    ///
    /// ```
    /// use mlops_core::{Tensor, arrow::datatypes::Int32Type};
    /// let tensor = Tensor::from_vec::<Int32Type>("counts", [2], vec![1, 2])?;
    /// assert_eq!(tensor.as_slice::<Int32Type>()?, [1, 2]);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn from_vec<T: ArrowPrimitiveType>(
        name: impl Into<Arc<str>>,
        shape: impl Into<Vec<usize>>,
        elements: Vec<T::Native>,
    ) -> Result<Self> {
        let array = PrimitiveArray::<T>::new(ScalarBuffer::from(elements), None);
        Self::new(name, shape, Arc::new(array))
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the elements.
    pub fn element_type(&self) -> ElementType {
        self.element_type
    }

    /// The size of every dimension, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The size of the first dimension; `None` for a scalar (a shape without dimensions).
    pub fn rows(&self) -> Option<usize> {
        self.shape.first().copied()
    }

    /// The elements, in row-major order, without nulls.
    pub fn elements(&self) -> &ArrayRef {
        &self.elements
    }

    /// The elements of a numeric tensor.
    ///
    /// # Errors
    /// `SignatureMismatch` if the tensor is of another type.
    pub fn as_slice<T: ArrowPrimitiveType>(&self) -> Result<&[T::Native]> {
        match self.elements.as_primitive_opt::<T>() {
            Some(array) => Ok(array.values()),
            None => Err(self.not_of_type(&T::DATA_TYPE)),
        }
    }

    /// The elements of an `FP32` tensor.
    ///
    /// # Errors
    /// `SignatureMismatch` if the tensor is of another type.
    pub fn as_f32(&self) -> Result<&[f32]> {
        self.as_slice::<Float32Type>()
    }

    /// The elements of a `BOOL` tensor.
    ///
    /// # Errors
    /// `SignatureMismatch` if the tensor is of another type.
    pub fn as_bools(&self) -> Result<&BooleanArray> {
        self.elements
            .as_boolean_opt()
            .ok_or_else(|| self.not_of_type(&DataType::Boolean))
    }

    /// The elements of a `BYTES` tensor.
    ///
    /// # Errors
    /// `SignatureMismatch` if the tensor is of another type.
    pub fn as_bytes(&self) -> Result<&BinaryArray> {
        self.elements
            .as_binary_opt()
            .ok_or_else(|| self.not_of_type(&DataType::Binary))
    }

    /// The same elements under another name.
    #[must_use]
    pub fn renamed(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Whether every element is a number: false if there is a NaN or an infinity.
    ///
    /// ```
    /// use mlops_core::Tensor;
    /// assert!(!Tensor::from_f32("x", [1], vec![f32::NAN])?.is_finite());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn is_finite(&self) -> bool {
        match self.element_type {
            ElementType::Fp32 => all(self.as_slice::<Float32Type>(), |x| x.is_finite()),
            ElementType::Fp64 => all(self.as_slice::<Float64Type>(), |x| x.is_finite()),
            _ => true,
        }
    }

    /// The elements as 64-bit floats: how a metric or a log reads any numeric tensor.
    ///
    /// # Errors
    /// `SignatureMismatch` for a `BYTES` tensor.
    ///
    /// ```
    /// use mlops_core::{Tensor, arrow::datatypes::Int32Type};
    /// let tensor = Tensor::from_vec::<Int32Type>("n", [2], vec![1, 2])?;
    /// assert_eq!(tensor.to_f64()?, [1.0, 2.0]);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn to_f64(&self) -> Result<Vec<f64>> {
        match self.element_type {
            ElementType::Fp32 => widen(self.as_f32()?),
            ElementType::Fp64 => Ok(self.as_slice::<Float64Type>()?.to_vec()),
            ElementType::Int8 => widen(self.as_slice::<Int8Type>()?),
            ElementType::Int16 => widen(self.as_slice::<Int16Type>()?),
            ElementType::Int32 => widen(self.as_slice::<Int32Type>()?),
            ElementType::Int64 => Ok(cast(self.as_slice::<Int64Type>()?, |x| x as f64)),
            ElementType::Uint8 => widen(self.as_slice::<UInt8Type>()?),
            ElementType::Uint16 => widen(self.as_slice::<UInt16Type>()?),
            ElementType::Uint32 => widen(self.as_slice::<UInt32Type>()?),
            ElementType::Uint64 => Ok(cast(self.as_slice::<UInt64Type>()?, |x| x as f64)),
            ElementType::Bool => Ok(self.as_bools()?.values().iter().map(f64::from).collect()),
            ElementType::Bytes => Err(self.not_of_type(&DataType::Float64)),
        }
    }

    fn not_of_type(&self, wanted: &DataType) -> Error {
        let wanted = ElementType::of_arrow(wanted).map_or("another type", ElementType::as_str);
        Error::new(
            ErrorKind::SignatureMismatch,
            format!("tensor is {}, not {wanted}", self.element_type),
        )
        .context("tensor", &self.name)
    }
}

impl PartialEq for Tensor {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.shape == other.shape && *self.elements == *other.elements
    }
}

fn all<T>(values: Result<&[T]>, check: impl Fn(&T) -> bool) -> bool {
    values.is_ok_and(|values| values.iter().all(check))
}

fn cast<T: Copy>(values: &[T], convert: impl Fn(T) -> f64) -> Vec<f64> {
    values.iter().map(|value| convert(*value)).collect()
}

fn widen<T: Copy + Into<f64>>(values: &[T]) -> Result<Vec<f64>> {
    Ok(cast(values, Into::into))
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{:?}", self.name, self.element_type, self.shape)
    }
}

/// Tensors by name: what a model takes and gives. Their order is kept; their names are unique.
///
/// ```
/// use mlops_core::{Tensor, Tensors};
///
/// let tensors = Tensors::new([Tensor::from_f32("x", [1, 2], vec![0.5, 1.5])?])?;
/// assert_eq!(tensors.get("x")?.as_f32()?, [0.5, 1.5]);
/// assert!(tensors.get("y").is_err());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensors(Vec<Tensor>);

impl Tensors {
    /// Collects tensors.
    ///
    /// # Errors
    /// `InvalidArgument` if two have the same name.
    pub fn new(tensors: impl IntoIterator<Item = Tensor>) -> Result<Self> {
        let tensors: Vec<Tensor> = tensors.into_iter().collect();
        let mut names = BTreeSet::new();
        for tensor in &tensors {
            if !names.insert(tensor.name()) {
                return Err(Error::invalid(format!(
                    "tensor names must be unique, got \"{}\" twice",
                    tensor.name()
                )));
            }
        }
        Ok(Self(tensors))
    }

    /// The tensor of this name.
    ///
    /// # Errors
    /// `SignatureMismatch` if there is none, with the names that there are.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        self.0.iter().find(|t| t.name() == name).ok_or_else(|| {
            let names: Vec<&str> = self.0.iter().map(Tensor::name).collect();
            Error::new(
                ErrorKind::SignatureMismatch,
                format!("there is no tensor \"{name}\" among {names:?}"),
            )
        })
    }

    /// The tensors in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Tensor> {
        self.0.iter()
    }

    /// How many tensors there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of rows, where all tensors agree on their first dimension.
    ///
    /// ```
    /// use mlops_core::{Tensor, Tensors};
    /// let tensors = Tensors::new([Tensor::from_f32("x", [4, 1], vec![0.0; 4])?])?;
    /// assert_eq!(tensors.rows(), Some(4));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn rows(&self) -> Option<usize> {
        let first = self.0.first()?.rows()?;
        self.0
            .iter()
            .all(|t| t.rows() == Some(first))
            .then_some(first)
    }
}

impl<'a> IntoIterator for &'a Tensors {
    type Item = &'a Tensor;
    type IntoIter = std::slice::Iter<'a, Tensor>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Tensors {
    type Item = Tensor;
    type IntoIter = std::vec::IntoIter<Tensor>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
