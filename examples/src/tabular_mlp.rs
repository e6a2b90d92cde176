//! A binary classifier for tables: standardise, two hidden layers, a probability.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::{log_sigmoid, relu, sigmoid};
use burn::tensor::{Device, Tensor, TensorData};
use mlops_core::{
    Architecture, ElementType, Error, InferenceBackend, ModelVersion, Result, Signature, TensorSpec,
};
use mlops_serve::burn::{BurnModel, load};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The architecture's id: what a file of [`TabularMlp`]'s numbers is registered under.
pub const ARCHITECTURE: &str = "tabular-mlp/1";

/// `FP32[?, inputs]`, NaN for a missing value, to `FP32[?, 1]`, a probability.
///
/// Mean and standard deviation of the training rows are part of the module, so a file holds all that
/// a prediction needs. A missing value counts as the mean.
#[derive(Module, Debug)]
pub struct TabularMlp {
    mean: Param<Tensor<1>>,
    deviation: Param<Tensor<1>>,
    first: Linear,
    second: Linear,
    output: Linear,
}

#[derive(Serialize, Deserialize)]
struct Sizes {
    inputs: usize,
    hidden: usize,
}

/// Rows to train on, row-major, with a label each.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// Values: `labels.len() * inputs` of them, NaN for missing.
    pub values: Vec<f32>,
    /// Labels.
    pub labels: Vec<bool>,
}

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// Neurons in each hidden layer.
    pub hidden: usize,
    /// Passes over the rows.
    pub epochs: usize,
    /// Rows to a step.
    pub batch: usize,
    /// Step size of Adam at the start; it falls to a tenth along a cosine.
    pub learning_rate: f64,
    /// Seeds weights and order.
    pub seed: u64,
}

impl TabularMlp {
    /// The module, its numbers drawn from `rng` (He's uniform law), to be trained or loaded over.
    fn new(sizes: &Sizes, rng: &mut impl Rng, device: &Device) -> Self {
        let frozen = |value: f32| {
            let data = TensorData::new(vec![value; sizes.inputs], [sizes.inputs]);
            Param::<Tensor<1>>::from_data(data, device).set_require_grad(false)
        };
        Self {
            mean: frozen(0.0),
            deviation: frozen(1.0),
            first: linear(sizes.inputs, sizes.hidden, rng, device),
            second: linear(sizes.hidden, sizes.hidden, rng, device),
            output: linear(sizes.hidden, 1, rng, device),
        }
    }

    /// The log-odds, `[rows, 1]`.
    fn logits(&self, x: Tensor<2>) -> Tensor<2> {
        let missing = x.clone().is_nan();
        let x = (x - self.mean.val().unsqueeze()) / self.deviation.val().unsqueeze();
        let x = x.mask_fill(missing, 0.0);
        let x = relu(self.first.forward(x));
        let x = relu(self.second.forward(x));
        self.output.forward(x)
    }

    /// The probabilities, `[rows, 1]`.
    pub fn probabilities(&self, x: Tensor<2>) -> Tensor<2> {
        sigmoid(self.logits(x))
    }

    /// Trains on `examples` of `inputs` values each; `on_epoch` hears each epoch's number, from 1,
    /// and mean loss in nats. The same seed gives the same numbers.
    ///
    /// # Errors
    /// `InvalidArgument` if there is no example, or the values are no rows of `inputs`.
    pub fn train(
        inputs: usize,
        examples: &Examples,
        training: &Training,
        mut on_epoch: impl FnMut(usize, f64),
    ) -> Result<Self> {
        let rows = examples.labels.len();
        if rows == 0 || examples.values.len() != rows * inputs {
            return Err(Error::invalid(format!(
                "training needs rows of {inputs} values with a label each, got {} values and {rows} labels",
                examples.values.len()
            )));
        }
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(training.seed);
        let sizes = Sizes {
            inputs,
            hidden: training.hidden,
        };
        let mut model =
            Self::new(&sizes, &mut rng, &device).standardised(inputs, examples, &device);
        let mut optimizer = AdamConfig::new().init();
        let mut order: Vec<usize> = (0..rows).collect();
        for epoch in 0..training.epochs {
            order.shuffle(&mut rng);
            let rate = training.rate(epoch);
            let mut sum = 0.0;
            for batch in order.chunks(training.batch.max(1)) {
                let loss;
                (model, loss) = model.step(inputs, examples, batch, rate, &mut optimizer, &device);
                sum += loss * batch.len() as f64;
            }
            on_epoch(epoch + 1, sum / rows as f64);
        }
        Ok(model.valid())
    }

    fn step(
        self,
        inputs: usize,
        examples: &Examples,
        batch: &[usize],
        rate: f64,
        optimizer: &mut ModuleOptimizer,
        device: &Device,
    ) -> (Self, f64) {
        let row = |&row: &usize| &examples.values[row * inputs..(row + 1) * inputs];
        let values: Vec<f32> = batch.iter().flat_map(row).copied().collect();
        let labels: Vec<f32> = batch
            .iter()
            .map(|&row| f32::from(u8::from(examples.labels[row])))
            .collect();
        let x = Tensor::<2>::from_data(TensorData::new(values, [batch.len(), inputs]), device);
        let y = Tensor::<2>::from_data(TensorData::new(labels, [batch.len(), 1]), device);

        // Cross entropy by log-sigmoids: stable for every size of log-odds.
        let logits = self.logits(x);
        let hit = y.clone() * log_sigmoid(logits.clone());
        let miss = (y.neg() + 1.0) * log_sigmoid(logits.neg());
        let loss = (hit + miss).mean().neg();
        let value = f64::from(loss.clone().into_scalar::<f32>());
        let gradients = GradientsParams::from_grads(loss.backward(), &self);
        (optimizer.step(rate, self, gradients), value)
    }

    fn standardised(mut self, inputs: usize, examples: &Examples, device: &Device) -> Self {
        let column = |index: usize| {
            let values = examples.values[index..].iter().step_by(inputs);
            values
                .copied()
                .filter(|x| !x.is_nan())
                .map(f64::from)
                .collect::<Vec<f64>>()
        };
        let moments: Vec<(f32, f32)> = (0..inputs).map(|index| moments(&column(index))).collect();
        let frozen = |values: Vec<f32>| {
            let data = TensorData::new(values, [inputs]);
            Param::<Tensor<1>>::from_data(data, device).set_require_grad(false)
        };
        self.mean = frozen(moments.iter().map(|m| m.0).collect());
        self.deviation = frozen(moments.iter().map(|m| m.1).collect());
        self
    }
}

/// Mean and standard deviation; 0 and 1 for a column without values, deviation 1 for a constant one.
fn moments(values: &[f64]) -> (f32, f32) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    (mean as f32, deviation as f32)
}

fn linear(inputs: usize, outputs: usize, rng: &mut impl Rng, device: &Device) -> Linear {
    let bound = (6.0 / inputs as f32).sqrt();
    let weights: Vec<f32> = (0..inputs * outputs)
        .map(|_| rng.random_range(-bound..bound))
        .collect();
    let mut linear = LinearConfig::new(inputs, outputs).init(device);
    linear.weight = Param::from_data(TensorData::new(weights, [inputs, outputs]), device);
    linear.bias = Some(Param::from_data(
        TensorData::new(vec![0.0_f32; outputs], [outputs]),
        device,
    ));
    linear
}

impl Training {
    fn rate(&self, epoch: usize) -> f64 {
        let progress = epoch as f64 / self.epochs.max(1) as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        self.learning_rate * (0.1 + 0.9 * cosine)
    }

    /// What a version trained so is registered with.
    pub fn architecture(&self, inputs: usize) -> Architecture {
        Architecture::new(
            ARCHITECTURE,
            serde_json::json!({"inputs": inputs, "hidden": self.hidden}),
        )
    }
}

/// The signature of a model of these columns.
///
/// # Errors
/// None for columns of different names.
pub fn signature(columns: &[String]) -> Result<Signature> {
    Signature::new(
        [TensorSpec::of_columns("features", ElementType::Fp32, columns).allowing_nan()],
        [TensorSpec::new(
            "probability",
            ElementType::Fp32,
            [None, Some(1)],
        )],
    )
}

/// The constructor to register with a [`ModelLoader`](mlops_serve::ModelLoader): from a version and its
/// bytes to a backend.
///
/// # Errors
/// `Corrupt` for a damaged file, `SignatureMismatch` for one of other sizes than registered.
pub fn backend(
    version: &ModelVersion,
    bytes: mlops_core::Bytes,
) -> Result<Arc<dyn InferenceBackend>> {
    let sizes: Sizes = serde_json::from_value(version.architecture.config.clone())?;
    let device = Device::flex();
    let empty = TabularMlp::new(&sizes, &mut ChaCha8Rng::seed_from_u64(0), &device);
    let module = load(empty, &bytes)?;
    let signature = version.signature.clone();
    Ok(Arc::new(BurnModel::new(
        signature,
        device,
        module,
        TabularMlp::probabilities,
    )?))
}
