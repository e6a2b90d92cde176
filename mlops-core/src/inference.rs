//! What computes predictions.

use crate::{Result, Signature, Tensors};

/// A loaded model: tensors in, tensors out.
///
/// # Contract
/// - Compute only: no I/O, no waiting, no state that a call could change. Whoever serves owns the
///   threads; one backend is shared by all of them, so calls run at the same time.
/// - Inputs have passed [`Signature::check_inputs`] of [`signature`](Self::signature); the outputs
///   pass `check_outputs`, with the rows of the inputs in order.
/// - Rows are independent: a row's outputs are those of a batch that holds it alone, up to the
///   rounding of another summation order.
/// - The same inputs give the same outputs, bit by bit, in one process.
///
/// # Errors
/// Anything that goes wrong is an error, not a panic: the caller may have another model to fall
/// back to.
///
/// The readable reference is [`LinearModel`](crate::memory::LinearModel);
/// `conformance::inference_backend` checks an implementation (feature
/// `conformance`).
pub trait InferenceBackend: Send + Sync {
    /// What the model takes and gives. The same for the life of the backend.
    fn signature(&self) -> &Signature;

    /// Predicts for every row.
    fn infer(&self, inputs: &Tensors) -> Result<Tensors>;
}
