//! A bug on the serving side, on purpose: from the canary on, one feature arrives on the wrong scale.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mlops_core::{InferenceBackend, Result, Signature, Tensor, Tensors};

/// A model whose live path, once switched on, feeds one column multiplied by a factor.
pub(crate) struct WrongScale {
    inner: Arc<dyn InferenceBackend>,
    column: usize,
    factor: f32,
    live: Arc<AtomicBool>,
}

impl WrongScale {
    /// Wraps a model. The bug acts while `live` is set.
    pub(crate) fn new(
        inner: Arc<dyn InferenceBackend>,
        column: usize,
        factor: f32,
        live: Arc<AtomicBool>,
    ) -> Self {
        Self {
            inner,
            column,
            factor,
            live,
        }
    }

    fn spoiled(&self, inputs: &Tensors) -> Result<Tensors> {
        let scaled = |tensor: &Tensor| {
            let mut values = tensor.as_f32()?.to_vec();
            let width = tensor.shape().last().copied().unwrap_or(1);
            for row in values.chunks_mut(width) {
                row[self.column] *= self.factor;
            }
            Tensor::from_f32(tensor.name(), tensor.shape(), values)
        };
        Tensors::new(inputs.iter().map(scaled).collect::<Result<Vec<_>>>()?)
    }
}

impl InferenceBackend for WrongScale {
    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn infer(&self, inputs: &Tensors) -> Result<Tensors> {
        if self.live.load(Ordering::Relaxed) {
            self.inner.infer(&self.spoiled(inputs)?)
        } else {
            self.inner.infer(inputs)
        }
    }
}
