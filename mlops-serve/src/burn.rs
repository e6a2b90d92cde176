//! Burn modules behind [`InferenceBackend`], and their files as safetensors (feature `burn`).
//!
//! A burn module is `Send + Sync`: one [`BurnModel`] is shared by all threads. Files are safetensors,
//! readable from Python, and hold numbers alone; the application builds the module from the
//! registered [`Architecture`](mlops_core::Architecture), then [`load`] reads the numbers in.
//!
//! ```
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::Device;
//! use mlops_core::{ElementType, InferenceBackend, Signature, Tensor, TensorSpec, Tensors};
//! use mlops_serve::burn::{BurnModel, load, save};
//!
//! let device = Device::flex();
//! let bytes = save(&LinearConfig::new(2, 1).init(&device))?;
//! let linear: Linear = load(LinearConfig::new(2, 1).init(&device), &bytes)?;
//!
//! let signature = Signature::new(
//!     [TensorSpec::new("x", ElementType::Fp32, [None, Some(2)])],
//!     [TensorSpec::new("y", ElementType::Fp32, [None, Some(1)])],
//! )?;
//! let model = BurnModel::new(signature, device, linear, |linear, x| linear.forward(x))?;
//! let x = Tensors::new([Tensor::from_f32("x", [3, 2], vec![0.5; 6])?])?;
//! assert_eq!(model.infer(&x)?.get("y")?.shape(), [3, 1]);
//! # Ok::<(), mlops_core::Error>(())
//! ```

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore};
use burn::tensor::{Device, Tensor as BurnTensor, TensorData};
use mlops_core::{
    Bytes, ElementType, Error, ErrorKind, InferenceBackend, Result, Signature, Tensor, TensorSpec,
    Tensors,
};

/// What computes the outputs of a module.
type Forward<M> = fn(&M, BurnTensor<2>) -> BurnTensor<2>;

/// A burn module of one matrix to one matrix: `FP32[?, k]` in, `FP32[?, m]` out.
///
/// Cost: every operation of the module allocates its result. A row's outputs may differ between
/// batches by rounding.
///
/// See the [module's example](self).
pub struct BurnModel<M> {
    signature: Signature,
    device: Device,
    module: M,
    forward: Forward<M>,
}

impl<M> BurnModel<M> {
    /// A backend over a module that lives on `device`.
    ///
    /// # Errors
    /// `Unsupported` for a signature of other than one two-dimensional `FP32` input and output.
    pub fn new(
        signature: Signature,
        device: Device,
        module: M,
        forward: Forward<M>,
    ) -> Result<Self> {
        one_matrix("input", signature.inputs())?;
        one_matrix("output", signature.outputs())?;
        Ok(Self {
            signature,
            device,
            module,
            forward,
        })
    }
}

fn one_matrix(side: &str, specs: &[TensorSpec]) -> Result<()> {
    match specs {
        [spec] if spec.element_type() == ElementType::Fp32 && spec.shape().len() == 2 => Ok(()),
        _ => {
            let specs: Vec<String> = specs.iter().map(ToString::to_string).collect();
            Err(Error::new(
                ErrorKind::Unsupported,
                format!("a burn model has one {side} FP32[?, k], got {specs:?}"),
            ))
        }
    }
}

impl<M: Module + Send + Sync> InferenceBackend for BurnModel<M> {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn infer(&self, inputs: &Tensors) -> Result<Tensors> {
        self.signature.check_inputs(inputs)?;
        let (input, output) = (&self.signature.inputs()[0], &self.signature.outputs()[0]);
        let x = inputs.get(input.name())?;
        let data = TensorData::new(x.as_f32()?.to_vec(), x.shape().to_vec());
        let (shape, elements) = guarded("infer", || {
            let y = (self.forward)(&self.module, BurnTensor::from_data(data, &self.device));
            (y.dims(), y.try_into_vec_as::<f32>())
        })?;
        let elements = elements.map_err(|e| internal("cannot read the outputs", e))?;
        Tensors::new([Tensor::from_f32(output.name(), shape, elements)?])
    }
}

impl<M> fmt::Debug for BurnModel<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BurnModel")
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}

/// The module's numbers as safetensors.
///
/// # Errors
/// `Internal` if burn cannot write them.
pub fn save<M: Module>(module: &M) -> Result<Bytes> {
    let mut store = SafetensorsStore::from_bytes(None);
    let bytes = module
        .save_into(&mut store)
        .and_then(|()| store.get_bytes());
    let bytes = bytes.map_err(|e| internal("cannot write safetensors", e))?;
    Ok(bytes.into())
}

/// The module with the numbers of a safetensors file, which must hold every tensor of the module
/// in its shape, and no other.
///
/// # Errors
/// `Corrupt` for bytes that are truncated or no safetensors; `SignatureMismatch` for tensors that are
/// missing, too many or of another shape.
pub fn load<M: Module>(mut module: M, bytes: &[u8]) -> Result<M> {
    let mut store = SafetensorsStore::from_bytes(Some(bytes.to_vec()))
        .allow_partial(true)
        .validate(false); // what does not fit is listed below, with its kind
    let applied = guarded("load safetensors", || module.load_from(&mut store))?.map_err(|e| {
        Error::new(
            ErrorKind::Corrupt,
            format!("not a whole safetensors file: {e}"),
        )
        .context("bytes", bytes.len())
    })?;
    let mut wrong: Vec<String> = applied.errors.iter().map(ToString::to_string).collect();
    wrong.extend(
        applied
            .missing
            .iter()
            .map(|(path, _)| format!("{path} is missing")),
    );
    wrong.extend(
        applied
            .unused
            .iter()
            .map(|path| format!("{path} is not part of the module")),
    );
    if wrong.is_empty() {
        return Ok(module);
    }
    Err(Error::new(ErrorKind::SignatureMismatch, wrong.join("; ")))
}

/// Runs what burn may answer by a panic, such as tensors of other shapes than a module was built for.
fn guarded<T>(operation: &'static str, action: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(action)).map_err(|panic| {
        let why = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("without a message");
        Error::new(ErrorKind::Internal, format!("burn panicked: {why}")).operation(operation)
    })
}

fn internal(why: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, format!("{why}: {cause}")).source(cause)
}
