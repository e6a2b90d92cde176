//! The protocol's JSON messages.

use mlops_core::{
    ElementType, Error, ModelName, Result, Signature, Tensor, TensorSpec, Tensors, VersionNumber,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::tensor_data;

#[derive(Deserialize)]
pub(super) struct InferRequest {
    pub(super) id: Option<String>,
    #[serde(default)]
    parameters: Map<String, Value>,
    pub(super) inputs: Vec<InputTensor>,
    pub(super) outputs: Option<Vec<RequestedOutput>>,
}

#[derive(Deserialize)]
pub(super) struct InputTensor {
    name: String,
    shape: Vec<usize>,
    datatype: String,
    data: Value,
}

#[derive(Deserialize)]
pub(super) struct RequestedOutput {
    name: String,
}

impl InferRequest {
    pub(super) fn parse(body: &[u8]) -> Result<Self> {
        serde_json::from_slice(body)
            .map_err(|e| Error::invalid(format!("not an inference request: {e}")).source(e))
    }

    pub(super) fn routing_key(&self) -> Option<&str> {
        self.parameters.get("routing_key")?.as_str()
    }
}

impl InputTensor {
    pub(super) fn tensor(&self) -> Result<Tensor> {
        let element_type: ElementType = self.datatype.parse()?;
        let elements = tensor_data::parse(&self.data, element_type)
            .map_err(|error| error.context("tensor", &self.name))?;
        Tensor::new(&*self.name, self.shape.clone(), elements)
    }
}

#[derive(Serialize)]
pub(super) struct InferResponse {
    model_name: String,
    model_version: String,
    id: String,
    outputs: Vec<OutputTensor>,
}

#[derive(Serialize)]
struct OutputTensor {
    name: String,
    shape: Vec<usize>,
    datatype: &'static str,
    data: Value,
}

impl InferResponse {
    pub(super) fn new(
        model: &ModelName,
        id: String,
        version: VersionNumber,
        outputs: &Tensors,
        wanted: Option<&[RequestedOutput]>,
    ) -> Result<Self> {
        let outputs = match wanted {
            Some(wanted) if !wanted.is_empty() => wanted
                .iter()
                .map(|output| OutputTensor::new(outputs.get(&output.name)?))
                .collect::<Result<Vec<_>>>()?,
            _ => outputs
                .iter()
                .map(OutputTensor::new)
                .collect::<Result<Vec<_>>>()?,
        };
        Ok(Self {
            model_name: model.to_string(),
            model_version: version.to_string(),
            id,
            outputs,
        })
    }
}

impl OutputTensor {
    fn new(tensor: &Tensor) -> Result<Self> {
        Ok(Self {
            name: tensor.name().to_owned(),
            shape: tensor.shape().to_vec(),
            datatype: tensor.element_type().as_str(),
            data: tensor_data::write(tensor)?,
        })
    }
}

#[derive(Serialize)]
pub(super) struct ModelMetadata {
    name: String,
    versions: Vec<String>,
    platform: &'static str,
    inputs: Vec<TensorMetadata>,
    outputs: Vec<TensorMetadata>,
}

#[derive(Serialize)]
struct TensorMetadata {
    name: String,
    datatype: &'static str,
    shape: Vec<i64>,
}

impl ModelMetadata {
    pub(super) fn new(
        model: &ModelName,
        versions: &[VersionNumber],
        signature: &Signature,
    ) -> Self {
        Self {
            name: model.to_string(),
            versions: versions.iter().map(ToString::to_string).collect(),
            platform: "mlops-serve",
            inputs: signature.inputs().iter().map(TensorMetadata::new).collect(),
            outputs: signature
                .outputs()
                .iter()
                .map(TensorMetadata::new)
                .collect(),
        }
    }
}

impl TensorMetadata {
    /// The protocol writes "any size" as -1.
    fn new(spec: &TensorSpec) -> Self {
        let size = |size: &Option<usize>| size.map_or(-1, |size| size as i64);
        Self {
            name: spec.name().to_owned(),
            datatype: spec.element_type().as_str(),
            shape: spec.shape().iter().map(size).collect(),
        }
    }
}
