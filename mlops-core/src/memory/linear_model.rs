//! The reference of [`InferenceBackend`].

use ndarray::{ArrayView2, Axis};

use crate::{
    ElementType, Error, InferenceBackend, OutOfRange, Result, Signature, Tensor, TensorSpec,
    Tensors,
};

/// A linear or logistic model of one input tensor `x: FP32[?, k]` and one output `y: FP32[?, 1]`.
///
/// ```
/// use mlops_core::memory::LinearModel;
/// use mlops_core::{InferenceBackend, Tensor, Tensors};
///
/// let model = LinearModel::new(vec![2.0, -1.0], 0.5)?;
/// let x = Tensors::new([Tensor::from_f32("x", [1, 2], vec![3.0, 4.0])?])?;
/// assert_eq!(model.infer(&x)?.get("y")?.as_f32()?, [2.5]);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LinearModel {
    weights: Vec<f32>,
    intercept: f32,
    logistic: bool,
    signature: Signature,
}

impl LinearModel {
    /// `y = weights · x + intercept`.
    ///
    /// # Errors
    /// `InvalidArgument` without weights, or for a number that is not finite.
    pub fn new(weights: Vec<f32>, intercept: f32) -> Result<Self> {
        if weights.is_empty() {
            return Err(Error::invalid(
                "a linear model needs at least one weight, got 0",
            ));
        }
        if let Some(value) = weights.iter().chain([&intercept]).find(|w| !w.is_finite()) {
            return Err(OutOfRange::new("weight", "(-inf, inf)", f64::from(*value)).into());
        }
        let signature = Signature::new(
            [TensorSpec::new(
                "x",
                ElementType::Fp32,
                [None, Some(weights.len())],
            )],
            [TensorSpec::new("y", ElementType::Fp32, [None, Some(1)])],
        )?;
        Ok(Self {
            weights,
            intercept,
            logistic: false,
            signature,
        })
    }

    /// `y = 1 / (1 + exp(-(weights · x + intercept)))`: a probability.
    ///
    /// ```
    /// # use mlops_core::memory::LinearModel;
    /// # use mlops_core::{InferenceBackend, Tensor, Tensors};
    /// let model = LinearModel::new(vec![1.0], 0.0)?.logistic();
    /// let x = Tensors::new([Tensor::from_f32("x", [1, 1], vec![0.0])?])?;
    /// assert_eq!(model.infer(&x)?.get("y")?.as_f32()?, [0.5]);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    #[must_use]
    pub fn logistic(mut self) -> Self {
        self.logistic = true;
        self
    }

    fn predict(&self, row: ndarray::ArrayView1<'_, f32>) -> f32 {
        // In the order of the weights, whatever the batch: a row's result is its own.
        let products = row.iter().zip(&self.weights).map(|(x, w)| x * w);
        let score = products.fold(self.intercept, |sum, product| sum + product);
        if self.logistic {
            1.0 / (1.0 + (-score).exp())
        } else {
            score
        }
    }
}

impl InferenceBackend for LinearModel {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn infer(&self, inputs: &Tensors) -> Result<Tensors> {
        self.signature.check_inputs(inputs)?;
        let x = inputs.get("x")?;
        let shape = (x.shape()[0], self.weights.len());
        let rows = ArrayView2::from_shape(shape, x.as_f32()?)
            .map_err(|e| Error::invalid("x is not a matrix").source(e))?;
        let y: Vec<f32> = rows
            .axis_iter(Axis(0))
            .map(|row| self.predict(row))
            .collect();
        Tensors::new([Tensor::from_f32("y", [y.len(), 1], y)?])
    }
}
