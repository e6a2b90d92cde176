//! The one bridge between tables and tensors.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, FixedSizeListArray, PrimitiveArray, RecordBatch,
};
use arrow::compute::CastOptions;
use arrow::compute::cast_with_options;
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Schema};

use super::{ElementType, Tensor, Tensors};
use crate::signature::TensorSpec;
use crate::{Error, ErrorKind, Result};

impl Tensors {
    /// The tensors that `specs` ask for, out of a table; the rows become the first dimension.
    ///
    /// - A spec with [`columns`](TensorSpec::columns) gathers those scalar columns into one
    ///   `[rows, columns]` tensor (one copy).
    /// - Else the column of the spec's name is taken: a fixed-size list of `k` as `[rows, k]`,
    ///   without a copy; a scalar column as `[rows]`, or `[rows, 1]` if the spec has two dimensions,
    ///   without a copy if it already has the element type.
    ///
    /// Numbers are cast to floats (rounded to the nearest) and whole numbers to whole numbers, each
    /// within its range; nothing is parsed, and no fraction is cut off. A null becomes NaN where the
    /// spec [allows NaN](TensorSpec::allowing_nan), for floats.
    ///
    /// # Errors
    /// `SignatureMismatch` naming the column that is missing, of a type that cannot be cast, null
    /// where no null is allowed, or beyond the element type's range.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mlops_core::arrow::array::{Float64Array, Int32Array, RecordBatch};
    /// use mlops_core::{ElementType, TensorSpec, Tensors};
    ///
    /// let table = RecordBatch::try_from_iter([
    ///     ("temp", Arc::new(Float64Array::from(vec![Some(39.0), None])) as _),
    ///     ("distance", Arc::new(Int32Array::from(vec![1400, 200])) as _),
    /// ])?;
    /// let spec = TensorSpec::of_columns("features", ElementType::Fp32, ["temp", "distance"])
    ///     .allowing_nan();
    /// let tensors = Tensors::from_batch(&table, &[spec])?;
    /// let features = tensors.get("features")?;
    /// assert_eq!(features.shape(), [2, 2]);
    /// assert_eq!(features.as_f32()?[1], 1400.0);
    /// assert!(features.as_f32()?[2].is_nan());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn from_batch(batch: &RecordBatch, specs: &[TensorSpec]) -> Result<Self> {
        Self::new(
            specs
                .iter()
                .map(|spec| tensor(batch, spec))
                .collect::<Result<Vec<_>>>()?,
        )
    }

    /// A table with a column for every tensor: `[rows]` and `[rows, 1]` as scalars, `[rows, k, …]` as
    /// a fixed-size list of all that a row holds. No element is copied.
    ///
    /// # Errors
    /// `InvalidArgument` if the tensors do not agree on their first dimension.
    ///
    /// ```
    /// use mlops_core::{Tensor, Tensors};
    /// let tensors = Tensors::new([Tensor::from_f32("p", [2, 1], vec![0.1, 0.9])?])?;
    /// let table = tensors.to_batch()?;
    /// assert_eq!(table.num_rows(), 2);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn to_batch(&self) -> Result<RecordBatch> {
        if self.rows().is_none() {
            let shapes: Vec<String> = self.iter().map(|t| format!("{t:?}")).collect();
            return Err(Error::invalid(format!(
                "tensors must agree on their first dimension, got {shapes:?}"
            )));
        }
        let columns: Vec<ArrayRef> = self.iter().map(column).collect::<Result<_>>()?;
        let fields: Vec<Field> = self
            .iter()
            .zip(&columns)
            .map(|(tensor, column)| Field::new(tensor.name(), column.data_type().clone(), false))
            .collect();
        Ok(RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            columns,
        )?)
    }
}

fn tensor(batch: &RecordBatch, spec: &TensorSpec) -> Result<Tensor> {
    match spec.columns() {
        Some(names) => gathered(batch, spec, names),
        None => single(batch, spec, spec.name()),
    }
}

fn mismatch(spec: &TensorSpec, column: &str, why: impl Into<String>) -> Error {
    Error::new(ErrorKind::SignatureMismatch, why)
        .context("column", column)
        .context("tensor", spec.name())
}

fn find<'a>(batch: &'a RecordBatch, spec: &TensorSpec, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| {
        let schema = batch.schema();
        let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        mismatch(
            spec,
            name,
            format!("the table has no such column among {names:?}"),
        )
    })
}

fn single(batch: &RecordBatch, spec: &TensorSpec, name: &str) -> Result<Tensor> {
    let column = find(batch, spec, name)?;
    if let Some(list) = column.as_fixed_size_list_opt() {
        return from_list(list, spec, name);
    }
    let elements = scalars(column, spec, name)?;
    let shape = if spec.shape().len() == 2 {
        vec![elements.len(), 1]
    } else {
        vec![elements.len()]
    };
    Tensor::new(spec.name(), shape, elements)
}

fn from_list(list: &FixedSizeListArray, spec: &TensorSpec, name: &str) -> Result<Tensor> {
    if list.null_count() > 0 {
        return Err(mismatch(spec, name, "a row of the list column is null"));
    }
    let width = usize::try_from(list.value_length()).unwrap_or(0);
    // A sliced list still holds all of its values.
    let values = list
        .values()
        .slice(list.offset() * width, list.len() * width);
    let elements = scalars(&values, spec, name)?;
    Tensor::new(spec.name(), [list.len(), width], elements)
}

/// The columns side by side, row by row.
fn gathered(batch: &RecordBatch, spec: &TensorSpec, names: &[String]) -> Result<Tensor> {
    let columns: Vec<ArrayRef> = names
        .iter()
        .map(|name| scalars(find(batch, spec, name)?, spec, name))
        .collect::<Result<_>>()?;
    let shape = [batch.num_rows(), names.len()];
    if spec.element_type() == ElementType::Fp32 {
        return gathered_f32(&columns, spec, shape);
    }
    let arrays: Vec<&dyn Array> = columns.iter().map(|column| column as &dyn Array).collect();
    let order: Vec<(usize, usize)> = (0..shape[0])
        .flat_map(|row| (0..shape[1]).map(move |column| (column, row)))
        .collect();
    let elements = arrow::compute::interleave(&arrays, &order)?;
    Tensor::new(spec.name(), shape, elements)
}

/// The common case, without an index pair for every element.
fn gathered_f32(columns: &[ArrayRef], spec: &TensorSpec, shape: [usize; 2]) -> Result<Tensor> {
    let mut elements = vec![0.0; shape[0] * shape[1]];
    for (offset, column) in columns.iter().enumerate() {
        let values = column.as_primitive::<Float32Type>().values();
        for (row, value) in values.iter().enumerate() {
            elements[row * shape[1] + offset] = *value;
        }
    }
    Tensor::from_f32(spec.name(), shape, elements)
}

/// The column as the spec's element type, without nulls.
fn scalars(column: &ArrayRef, spec: &TensorSpec, name: &str) -> Result<ArrayRef> {
    let wanted = spec.element_type().arrow();
    let cast = if column.data_type() == &wanted {
        column.clone()
    } else {
        let does_not_fit = || {
            let why = format!(
                "{} does not fit {}",
                column.data_type(),
                spec.element_type()
            );
            mismatch(spec, name, why)
        };
        if !may_become(column.data_type(), &wanted) {
            return Err(does_not_fit());
        }
        let strict = CastOptions {
            safe: false, // out of range is an error, not a null
            ..CastOptions::default()
        };
        let cast = cast_with_options(column, &wanted, &strict);
        let cast = cast.map_err(|e| does_not_fit().source(e))?;
        if infinite(&cast) > infinite(column) {
            return Err(does_not_fit());
        }
        cast
    };
    without_nulls(cast, spec, name)
}

/// Numbers become floats, whole numbers whole numbers, text bytes: nothing is parsed, and no fraction
/// is cut off.
fn may_become(from: &DataType, to: &DataType) -> bool {
    if let DataType::Dictionary(_, values) = from {
        return may_become(values, to);
    }
    let whole = from.is_integer() || from == &DataType::Boolean;
    match to {
        DataType::Binary => from.is_string() || from.is_binary(),
        DataType::Boolean => from == to,
        to if to.is_integer() => whole,
        _ => whole || from.is_floating() || from.is_decimal(),
    }
}

/// How many numbers are infinite: a cast to fewer bits may make more of them.
fn infinite(column: &ArrayRef) -> usize {
    if let Some(narrow) = column.as_primitive_opt::<Float32Type>() {
        return narrow.iter().flatten().filter(|x| x.is_infinite()).count();
    }
    let wide = column.as_primitive_opt::<Float64Type>();
    wide.map_or(0, |wide| {
        wide.iter().flatten().filter(|x| x.is_infinite()).count()
    })
}

fn without_nulls(column: ArrayRef, spec: &TensorSpec, name: &str) -> Result<ArrayRef> {
    if column.null_count() == 0 {
        return Ok(column);
    }
    match column.data_type() {
        DataType::Float32 if spec.allows_nan() => Ok(filled::<Float32Type>(&column, f32::NAN)),
        DataType::Float64 if spec.allows_nan() => Ok(filled::<Float64Type>(&column, f64::NAN)),
        _ => {
            let why = format!("{} nulls where none is allowed", column.null_count());
            Err(mismatch(spec, name, why))
        }
    }
}

/// The column with a value in place of nulls.
fn filled<T: ArrowPrimitiveType>(column: &ArrayRef, value: T::Native) -> ArrayRef {
    let values = column.as_primitive::<T>().iter();
    let values = values.map(|present| present.unwrap_or(value));
    Arc::new(PrimitiveArray::<T>::from_iter_values(values))
}

fn column(tensor: &Tensor) -> Result<ArrayRef> {
    let width: usize = tensor.shape()[1..].iter().product();
    if tensor.shape().len() == 1 || width == 1 {
        return Ok(tensor.elements().clone());
    }
    let width = i32::try_from(width)
        .map_err(|_| Error::invalid(format!("a row of {width} elements is too wide for a list")))?;
    let field = Arc::new(Field::new("item", tensor.element_type().arrow(), false));
    let list = FixedSizeListArray::try_new(field, width, tensor.elements().clone(), None)?;
    Ok(Arc::new(list))
}
