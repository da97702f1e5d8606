//! Replies recorded from providers, one file each in `testdata/`*dialect*`/`*class*`-`*what*`.json`:
//! every one is of the class in its file's name.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use secondwind_llm::dialect::{Anthropic, Azure, Dialect, Endpoint, Gemini, OpenAi, OpenAiChat};
use secondwind_policy::Class;
use serde_json::Value;

/// Each with what it is asked for.
const DIALECTS: [(&dyn Dialect, Endpoint); 5] = [
    (&Anthropic, Endpoint::Messages),
    (&Azure, Endpoint::ChatCompletions),
    (&Gemini, Endpoint::GenerateContent),
    (&OpenAi, Endpoint::Responses),
    (&OpenAiChat, Endpoint::ChatCompletions),
];

#[test]
fn every_recorded_reply_is_of_the_class_in_its_name() {
    let mut ran = 0;
    for (dialect, endpoint) in DIALECTS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(dialect.name());
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let class: Class = name.split_once('-').unwrap().0.parse().unwrap();
            assert_eq!(classified(dialect, endpoint, &path), Some(class), "{name}");
            ran += 1;
        }
    }
    println!("{ran} recorded replies");
    assert!(ran >= 40);
}

fn classified(dialect: &dyn Dialect, endpoint: Endpoint, path: &Path) -> Option<Class> {
    let reply: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let status = u16::try_from(reply["status"].as_u64().unwrap()).unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in reply["headers"].as_object().unwrap() {
        let value = HeaderValue::from_str(value.as_str().unwrap()).unwrap();
        headers.append(name.parse::<HeaderName>().unwrap(), value);
    }
    let body = match &reply["body"] {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    let (body, now) = (body.as_bytes(), SystemTime::UNIX_EPOCH);
    let verdict = if status.is_success() {
        dialect
            .classify_ok_head(status, &headers)
            .or_else(|| dialect.classify_ok_body(endpoint, &headers, body, now))
    } else {
        Some(dialect.classify_error(status, &headers, body, now))
    };
    verdict.map(|verdict| verdict.class)
}
