//! The Open Inference Protocol, version 2, over REST: health, metadata, inference with JSON tensors.
//!
//! Binary tensors, the repository and statistics extensions are not offered, and not claimed.

mod message;
mod tensor_data;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use mlops_core::{Error, ErrorKind, ModelName, Result, Tensors, VersionNumber};
use serde::Serialize;
use serde_json::json;

use crate::service::{PredictRequest, Service};
use message::{InferRequest, InferResponse, ModelMetadata};

/// Largest request body in bytes.
const MAX_BODY: usize = 64 << 20;

/// The routes of the protocol, to be merged into an application's own router or served alone.
///
/// | method | path | answers |
/// | --- | --- | --- |
/// | GET | `/v2` | name, version, extensions |
/// | GET | `/v2/health/live`, `/v2/health/ready` | `{"live": true}`, `{"ready": true}` (503 without a model) |
/// | GET | `/v2/models/{model}[/versions/{version}]` | metadata |
/// | GET | `/v2/models/{model}[/versions/{version}]/ready` | `{"name", "ready"}`, or 404 |
/// | POST | `/v2/models/{model}[/versions/{version}]/infer` | outputs |
///
/// Without a version the route decides: champion or challenger. What sticks to an arm is the request
/// parameter `routing_key`, else the request's `id`, else a fresh id. Every error is
/// `{"error": "…"}`, those for unknown paths and methods as well. Bodies over 64 MiB are 413.
///
/// ```
/// let service = mlops_serve::Service::builder().build();
/// let app: axum::Router = mlops_serve::v2_router(service);
/// ```
pub fn v2_router(service: Service) -> Router {
    Router::new()
        .route("/v2", get(server_metadata))
        .route(
            "/v2/health/live",
            get(|| async { axum::Json(json!({"live": true})) }),
        )
        .route("/v2/health/ready", get(server_ready))
        .route("/v2/models/{model}", get(model_metadata))
        .route("/v2/models/{model}/versions/{version}", get(model_metadata))
        .route("/v2/models/{model}/ready", get(model_ready))
        .route(
            "/v2/models/{model}/versions/{version}/ready",
            get(model_ready),
        )
        .route("/v2/models/{model}/infer", post(infer))
        .route("/v2/models/{model}/versions/{version}/infer", post(infer))
        .fallback(|| async { failure(StatusCode::NOT_FOUND, "there is no such path") })
        .method_not_allowed_fallback(|| async {
            failure(
                StatusCode::METHOD_NOT_ALLOWED,
                "the path does not take this method",
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(service)
}

async fn server_metadata() -> Response {
    axum::Json(json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": [],
    }))
    .into_response()
}

async fn server_ready(State(service): State<Service>) -> Response {
    let ready = !service.models().is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, axum::Json(json!({"ready": ready}))).into_response()
}

/// A model, and a version if the path names one.
#[derive(serde::Deserialize)]
struct Target {
    model: String,
    version: Option<String>,
}

impl Target {
    fn parse(&self) -> Result<(ModelName, Option<VersionNumber>)> {
        let version = self.version.as_deref().map(|text| {
            let number = text
                .parse::<u32>()
                .ok()
                .and_then(|n| VersionNumber::new(n).ok());
            number.ok_or_else(|| Error::not_found("version", text))
        });
        Ok((ModelName::new(&*self.model)?, version.transpose()?))
    }

    /// The same, where the version must be loaded.
    fn find(&self, service: &Service) -> Result<(ModelName, Option<VersionNumber>)> {
        let (model, version) = self.parse()?;
        let versions = service.versions(&model)?;
        match version {
            Some(version) if !versions.contains(&version) => {
                Err(Error::not_found("deployed version", version).context("model", &model))
            }
            version => Ok((model, version)),
        }
    }
}

async fn model_ready(State(service): State<Service>, Path(target): Path<Target>) -> Response {
    respond(
        target
            .find(&service)
            .map(|_| json!({"name": target.model, "ready": true})),
    )
}

async fn model_metadata(State(service): State<Service>, Path(target): Path<Target>) -> Response {
    respond(target.find(&service).and_then(|(model, _)| {
        // Every deployed version of a model fits the champion's callers.
        let (_, champion) = service.champion(&model)?;
        Ok(ModelMetadata::new(
            &model,
            &service.versions(&model)?,
            champion.signature(),
        ))
    }))
}

async fn infer(
    State(service): State<Service>,
    Path(target): Path<Target>,
    request: Request,
) -> Response {
    // Not by extractor: its rejection would not be JSON.
    let body = match Bytes::from_request(request, &()).await {
        Ok(body) => body,
        Err(rejection) => return failure(rejection.status(), &rejection.body_text()),
    };
    // A model may compute for long: not on a thread that others' I/O waits for.
    let answer = tokio::task::spawn_blocking(move || answer(&service, &target, &body)).await;
    match answer {
        Ok(result) => respond(result),
        Err(_) => failure(StatusCode::INTERNAL_SERVER_ERROR, "inference was aborted"),
    }
}

fn answer(service: &Service, target: &Target, body: &[u8]) -> Result<InferResponse> {
    let (model, version) = target.parse()?;
    let message = InferRequest::parse(body)?;
    let inputs = message
        .inputs
        .iter()
        .map(|input| input.tensor())
        .collect::<Result<Vec<_>>>()?;
    let id = message
        .id
        .clone()
        .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let mut request = PredictRequest::new(model.clone(), id.clone(), Tensors::new(inputs)?);
    request.version = version;
    if let Some(key) = message.routing_key() {
        request = request.keyed(key);
    }
    let answer = service.predict(&request)?;
    InferResponse::new(
        &model,
        id,
        answer.version,
        &answer.outputs,
        message.outputs.as_deref(),
    )
}

fn respond<T: Serialize>(result: Result<T>) -> Response {
    match result {
        Ok(value) => axum::Json(value).into_response(),
        Err(error) => failure(status(error.kind()), &error.to_string()),
    }
}

fn failure(status: StatusCode, why: &str) -> Response {
    (status, axum::Json(json!({"error": why}))).into_response()
}

/// The one place where kinds become HTTP.
fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidArgument | ErrorKind::SignatureMismatch => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::AlreadyExists | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
