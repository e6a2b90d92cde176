//! The Open Inference Protocol over a real socket: what a client sees of answers and of its mistakes.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used)]

mod common;

use std::net::SocketAddr;

use common::{World, line, name, quick_plan, versions};
use mlops_serve::{Server, Service, Split, v2_router};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A listening server, and the one request after the other that a plain client makes.
struct Client {
    address: SocketAddr,
}

impl Client {
    async fn of(service: Service) -> Self {
        let server = Server::bind("127.0.0.1:0").await.unwrap();
        let address = server.address();
        tokio::spawn(server.serve(v2_router(service), std::future::pending()));
        Self { address }
    }

    async fn send(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server may answer, and close, before it has read a body that is too large.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, b"").await
    }

    async fn infer(&self, body: Value) -> (u16, Value) {
        self.send("POST", "/v2/models/demo/infer", body.to_string().as_bytes())
            .await
    }

    /// A request whose one input is as given.
    async fn infer_input(&self, input: Value) -> (u16, Value) {
        self.infer(json!({"id": "r", "inputs": [input]})).await
    }
}

async fn client() -> Client {
    Client::of(World::new().await.service).await
}

fn input(data: Value) -> Value {
    json!({"name": "x", "shape": [2, 1], "datatype": "FP32", "data": data})
}

#[tokio::test]
async fn health_and_metadata() {
    let client = client().await;
    assert_eq!(
        client.get("/v2/health/live").await,
        (200, json!({"live": true}))
    );
    assert_eq!(
        client.get("/v2/health/ready").await,
        (200, json!({"ready": true}))
    );
    assert_eq!(client.get("/v2").await.1["name"], "mlops-serve");
    let ready = (200, json!({"name": "demo", "ready": true}));
    assert_eq!(client.get("/v2/models/demo/ready").await, ready);
    assert_eq!(client.get("/v2/models/demo/versions/1/ready").await, ready);
    // As the protocol's specification lays it out, -1 for any size.
    let metadata = json!({
        "name": "demo", "versions": ["1"], "platform": "mlops-serve",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 1]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 1]}],
    });
    assert_eq!(client.get("/v2/models/demo").await, (200, metadata.clone()));
    assert_eq!(
        client.get("/v2/models/demo/versions/1").await,
        (200, metadata)
    );
}

#[tokio::test]
async fn a_server_without_a_model_lives_and_is_not_ready() {
    let client = Client::of(Service::builder().build()).await;
    assert_eq!(client.get("/v2/health/live").await.0, 200);
    assert_eq!(
        client.get("/v2/health/ready").await,
        (503, json!({"ready": false}))
    );
}

#[tokio::test]
async fn inference_of_flat_and_of_nested_data() {
    let client = client().await;
    let answer = json!({
        "model_name": "demo", "model_version": "1", "id": "r",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [2, 1], "data": [0.1, -3.0]}],
    });
    assert_eq!(
        client.infer_input(input(json!([0.1, -3]))).await,
        (200, answer.clone())
    );
    assert_eq!(
        client.infer_input(input(json!([[0.1], [-3.0]]))).await,
        (200, answer)
    );
}

#[tokio::test]
async fn an_id_is_made_if_none_is_sent_and_outputs_can_be_chosen() {
    let client = client().await;
    let (status, answer) = client
        .infer(json!({"inputs": [input(json!([1, 2]))]}))
        .await;
    assert_eq!(status, 200);
    assert_eq!(answer["id"].as_str().unwrap().len(), 36);
    let chosen = json!({"inputs": [input(json!([1, 2]))], "outputs": [{"name": "y"}]});
    assert_eq!(client.infer(chosen).await.0, 200);
    let unknown = json!({"inputs": [input(json!([1, 2]))], "outputs": [{"name": "z"}]});
    let (status, answer) = client.infer(unknown).await;
    assert!((400..500).contains(&status) && answer["error"].as_str().unwrap().contains('z'));
}

#[tokio::test]
async fn mistakes_are_told_in_the_protocols_way() {
    let client = client().await;
    let x = |shape: Value, datatype: &str, data: Value| json!({"name": "x", "shape": shape, "datatype": datatype, "data": data});
    for (input, named) in [
        (
            json!({"name": "z", "shape": [1, 1], "datatype": "FP32", "data": [1]}),
            "z",
        ),
        (x(json!([1, 2]), "FP32", json!([1, 2])), "2"),
        (x(json!([2, 1]), "FP32", json!([1])), "2"),
        (x(json!([1, 1]), "FP64", json!([1])), "FP64"),
        (x(json!([1, 1]), "FP31", json!([1])), "FP31"),
        (x(json!([1, 1]), "FP32", json!(["one"])), "one"),
        (x(json!([1, 1]), "FP32", json!([null])), "null"),
        (x(json!([1, 1]), "FP32", json!([1e39])), "1e"),
        (x(json!([u64::MAX, 2]), "FP32", json!([1])), "shape"),
        (x(json!([-1, 1]), "FP32", json!([1])), "-1"),
        (x(json!([0, 1]), "FP32", json!([1])), "0"),
    ] {
        let (status, answer) = client.infer_input(input.clone()).await;
        assert_eq!(status, 400, "{input}: {answer}");
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(named), "{error:?} must name {named:?}");
    }
    let twice = json!({"inputs": [input(json!([1, 2])), input(json!([1, 2]))]});
    assert_eq!(client.infer(twice).await.0, 400);
}

#[tokio::test]
async fn bodies_paths_and_methods_that_are_not_the_protocols() {
    let client = client().await;
    for body in ["", "{", "[]", "null", r#"{"inputs": 3}"#, "\u{0}"] {
        let (status, answer) = client
            .send("POST", "/v2/models/demo/infer", body.as_bytes())
            .await;
        assert_eq!(status, 400, "{body:?}: {answer}");
        assert!(answer["error"].is_string());
    }
    // A million brackets neither crash the server nor take its stack.
    let brackets = "[".repeat(1_000_000);
    assert_eq!(
        client
            .send("POST", "/v2/models/demo/infer", brackets.as_bytes())
            .await
            .0,
        400
    );

    for path in [
        "/v2/models/nobody",
        "/v2/models/demo/versions/7",
        "/v2/models/demo/versions/one",
    ] {
        let (status, answer) = client.get(path).await;
        assert_eq!(status, 404, "{path}");
        assert!(answer["error"].is_string(), "{path}: {answer}");
    }
    let unknown = client
        .send("POST", "/v2/models/nobody/infer", input_body().as_bytes())
        .await;
    assert_eq!(unknown.0, 404);
    assert_eq!(client.get("/v3").await.0, 404);
    assert_eq!(client.get("/v2/models/demo/infer").await.0, 405);
    let too_large = vec![b' '; (64 << 20) + 1];
    assert_eq!(
        client
            .send("POST", "/v2/models/demo/infer", &too_large)
            .await
            .0,
        413
    );
    // After all that it still answers.
    assert_eq!(client.infer_input(input(json!([1, 2]))).await.0, 200);
}

fn input_body() -> String {
    json!({"inputs": [input(json!([1, 2]))]}).to_string()
}

#[tokio::test]
async fn a_routing_key_sticks_to_its_arm() {
    let world = World::new().await;
    let controller = world.controller();
    controller
        .start(versions().1, line(1.0), quick_plan())
        .await
        .unwrap();
    for _ in 0..200 {
        let equal = |rollout: &mut mlops_serve::Rollout| {
            rollout.observe_loss(mlops_serve::Stage::Shadow, 0.0)
        };
        world.service.with_rollout(&name(), equal).unwrap().unwrap();
    }
    controller.tick().await.unwrap();
    let client = Client::of(world.service.clone()).await;
    // As documented: the arm is a pure function of model, version, key and share.
    let split = Split::new("demo 2", 0.2).unwrap();
    let mut arms = [0, 0];
    for user in 0..40 {
        let key = format!("user {user}");
        let challenger = split.arm(&key) == mlops_serve::Arm::Challenger;
        arms[usize::from(challenger)] += 1;
        for _ in 0..2 {
            let body =
                json!({"parameters": {"routing_key": key}, "inputs": [input(json!([1, 2]))]});
            let (_, answer) = client.infer(body).await;
            assert_eq!(answer["model_version"], if challenger { "2" } else { "1" });
        }
    }
    assert!(arms[0] > 0 && arms[1] > 0, "both arms were tried: {arms:?}");
}

#[tokio::test]
async fn an_address_that_is_taken_or_no_address_is_named() {
    let first = Server::bind("127.0.0.1:0").await.unwrap();
    let taken = first.address().to_string();
    for address in [taken.as_str(), "nowhere"] {
        let error = Server::bind(address).await.unwrap_err();
        assert!(error.to_string().contains(address), "{error}");
    }
}
