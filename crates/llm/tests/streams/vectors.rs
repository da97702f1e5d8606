//! Recorded and derived errors within streams, and what they mean.

use std::collections::BTreeMap;

use secondwind_llm::stream::{
    AnthropicMessages, AtEnd, ChatCompletions, Responses, Seen, StreamDialect,
};
use serde_json::Value;

use super::events;

/// Rows of each of these are read by the dialect beside it. (Bedrock's frames are no events.)
const DIALECTS: &[(&str, &dyn StreamDialect)] = &[
    ("anthropic_messages", &AnthropicMessages),
    ("azure_openai", &ChatCompletions),
    ("openai_chat", &ChatCompletions),
    ("openai_responses", &Responses),
];

#[test]
fn every_error_in_a_stream_means_what_it_should() {
    let vectors = include_str!("../../../../tests/vectors/provider_errors.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let mut ran = BTreeMap::new();
    for row in vectors["rows"].as_array().unwrap() {
        let name = row["dialect"].as_str().unwrap();
        let dialect = DIALECTS.iter().find(|(read, _)| *read == name);
        let (true, Some((_, dialect))) = (row["in_stream"] == true, dialect) else {
            continue;
        };
        let id = row["id"].as_str().unwrap();
        let mut follow = dialect.follow();
        let mut content = false;
        let mut class = None;
        for event in events(row["body"].as_str().unwrap().as_bytes()) {
            match follow.see(&event) {
                Seen::Error(verdict) => class = Some(verdict.class.name()),
                Seen::Preamble => {}
                Seen::Content => content = true,
                seen => panic!("{id}: {seen:?}"),
            }
        }
        // An error is no finish, and neither is an end.
        assert_eq!(follow.at_end(), AtEnd::Broken, "{id}");
        assert_eq!(class.unwrap_or("connection"), row["expect"]["class"], "{id}");
        assert_eq!(content, row["stream_position"] == "after_text", "{id}");
        *ran.entry(name).or_insert(0) += 1;
    }
    println!("{ran:?}");
    assert_eq!(
        ran,
        BTreeMap::from([
            ("anthropic_messages", 4),
            ("azure_openai", 1),
            ("openai_chat", 5),
            ("openai_responses", 3)
        ])
    );
}
