// JSON stands in the tests as it is written, not behind a reference each.
#![allow(clippy::needless_pass_by_value)]

use serde_json::{Value, json};

use super::*;

mod accumulate;
mod anthropic_to_openai;
mod chunks;
mod fault;
mod fixtures;
mod items;
mod openai_to_anthropic;
mod openai_to_gemini;
mod pieces;
mod responses_to_openai;
mod roundtrip;
mod streams;
mod thinking;

/// When answers were made of which their provider does not say it.
const CREATED: u64 = 1_741_569_952;

/// What `pair` sends for `asked`.
fn sent(pair: &dyn Translate, asked: &Value) -> Value {
    let options = Options::new("theirs");
    match pair.request(&serde_json::to_vec(asked).unwrap(), &options) {
        Ok(body) => serde_json::from_slice(&body).unwrap(),
        Err(refused) => panic!("refused: {refused}"),
    }
}

/// What `pair` sends for `asked` where parameters may be dropped.
fn dropped(pair: &dyn Translate, asked: &Value) -> Value {
    let options = Options { drop_params: true, ..Options::new("theirs") };
    let body = pair.request(&serde_json::to_vec(asked).unwrap(), &options).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// Why `pair` does not send `asked`, and the field that is at fault.
fn refused(pair: &dyn Translate, asked: &Value) -> (RefusedKind, String) {
    let refused = [serde_json::to_vec(asked).unwrap(), serde_json::to_vec_pretty(asked).unwrap()]
        .map(|body| pair.request(&body, &Options::new("theirs")).expect_err("it was sent"));
    let [(kind, param), spaced] = refused.map(|refused| (refused.kind, refused.param));
    assert_eq!((kind, &param), (spaced.0, &spaced.1), "however it is spaced");
    (kind, param.unwrap_or_default())
}

/// What the caller is answered for `given`.
fn answered(pair: &dyn Translate, given: &Value) -> Value {
    let body = pair.answer(&serde_json::to_vec(given).unwrap(), CREATED).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// `base` with the fields of `more`.
fn with(base: &Value, more: Value) -> Value {
    let mut base = base.clone();
    let (Value::Object(fields), Value::Object(more)) = (&mut base, more) else {
        panic!("objects only");
    };
    fields.extend(more);
    base
}

/// The fields of `base` and those of `more`, as tests write them.
fn chat(more: Value) -> Value {
    with(&json!({"model": "ours", "messages": [{"role": "user", "content": "Hi"}]}), more)
}
