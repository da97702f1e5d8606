//! The published scenarios, played step by step.

use super::*;
use http_body_util::channel::Sender;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/replay_body.json"));

type Source = UnsyncBoxBody<Bytes, String>;

#[derive(Default)]
struct Stage {
    bodies: HashMap<String, ReplayBody<Source>>,
    channel: Option<Sender<Bytes>>,
}

#[test]
fn plays_the_published_scenarios() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let rows = vectors["rows"].as_array().unwrap();
    let mut played = 0;
    for row in rows {
        let mut stage = Stage::default();
        for (at, step) in row["steps"].as_array().unwrap().iter().enumerate() {
            let seen = stage.play(step);
            if let Some(expected) = step.get("expect") {
                assert_eq!(&seen, expected, "{} step {at}: {step}", row["id"]);
            }
            played += 1;
        }
    }
    println!("replay_body.json: {} rows, {played} steps", rows.len());
    assert_eq!(rows.len() as u64, vectors["count"].as_u64().unwrap());
}

impl Stage {
    fn play(&mut self, step: &Value) -> Value {
        let text = |name: &str| step[name].as_str().unwrap().to_owned();
        match step["op"].as_str().unwrap() {
            "new" => return self.wrap(step),
            "clone" => {
                let clone = self.body(&text("from")).clone();
                self.bodies.insert(text("as"), clone);
            }
            "send" => self.send(Frame::data(Bytes::from(text("data")))),
            "send_trailers" => self.send(Frame::trailers(to_map(&step["trailers"]))),
            "close" => self.channel = None,
            "drop" => {
                self.bodies.remove(&text("body")).unwrap();
            }
            "read_frame" => {
                return match poll(self.body(&text("body"))) {
                    Given::Data(data) => json!({"data": String::from_utf8(data).unwrap()}),
                    Given::Trailers(map) => json!({"trailers": from_map(&map)}),
                    Given::End => json!({"end": true}),
                    Given::Error(error) => json!({"error": error}),
                    Given::Pending => json!("pending"),
                };
            }
            "read_all" => {
                let (data, trailers) = read_all(self.body(&text("body"))).unwrap();
                let data = String::from_utf8(data).unwrap();
                return json!({"data": data, "trailers": trailers.as_ref().map(from_map)});
            }
            "is_end_stream" => return json!(self.body(&text("body")).is_end_stream()),
            "is_capped" => return json!(self.body(&text("body")).is_capped()),
            "size_hint" => {
                let hint = self.body(&text("body")).size_hint();
                return json!({"lower": hint.lower(), "upper": hint.upper()});
            }
            op => panic!("unknown op {op}"),
        }
        Value::Null
    }

    fn wrap(&mut self, step: &Value) -> Value {
        let source = match step["source"].as_str().unwrap() {
            "channel" => {
                let (sender, channel) = Channel::new(16);
                self.channel = Some(sender);
                boxed(channel)
            }
            "empty" => boxed(Empty::new()),
            "bytes" => boxed(Full::new(Bytes::from(step["data"].as_str().unwrap().to_owned()))),
            "frames" => {
                let frame = |frame: &Value| match frame.get("data") {
                    Some(data) => Frame::data(Bytes::from(data.as_str().unwrap().to_owned())),
                    None => Frame::trailers(to_map(&frame["trailers"])),
                };
                let frames = step["frames"].as_array().unwrap().iter();
                boxed(Script {
                    next: frames.map(frame).map(Next::Frame).collect(),
                    ..Script::default()
                })
            }
            source => panic!("unknown source {source}"),
        };
        match ReplayBody::new(source, step["cap"].as_u64().unwrap()) {
            Ok(body) => {
                let name = step["body"].as_str().unwrap().to_owned();
                self.bodies.insert(name, body);
                json!("ok")
            }
            Err(_) => json!("too_big"),
        }
    }

    fn body(&mut self, name: &str) -> &mut ReplayBody<Source> {
        self.bodies.get_mut(name).unwrap()
    }

    fn send(&mut self, frame: Frame<Bytes>) {
        let channel = self.channel.as_mut().unwrap();
        assert!(channel.try_send(frame).is_ok());
    }
}

fn boxed<B>(body: B) -> Source
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: fmt::Display,
{
    body.map_err(|error| error.to_string()).boxed_unsync()
}

fn to_map(value: &Value) -> HeaderMap {
    (value.as_object().unwrap().iter())
        .map(|(name, value)| {
            let name: http::HeaderName = name.parse().unwrap();
            (name, value.as_str().unwrap().parse().unwrap())
        })
        .collect()
}

fn from_map(map: &HeaderMap) -> Value {
    let fields = map.iter().map(|(name, value)| {
        let value = value.to_str().unwrap();
        (name.to_string(), json!(value))
    });
    Value::Object(fields.collect::<Map<_, _>>())
}
