//! Recorded and derived errors within streams, and what they mean.

use std::collections::BTreeMap;

use secondwind_layers::classify::{Blame, Verdict};
use secondwind_llm::stream::{
    AnthropicMessages, AtEnd, ChatCompletions, Responses, Seen, StreamDialect,
};
use secondwind_policy::{Class, FallsBack, Harm};
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
    let (mut ran, mut compared, mut judged) = (BTreeMap::new(), 0, 0);
    for row in vectors["rows"].as_array().unwrap() {
        let name = row["dialect"].as_str().unwrap();
        let dialect = DIALECTS.iter().find(|(read, _)| *read == name);
        let (true, Some((_, dialect))) = (row["in_stream"] == true, dialect) else {
            continue;
        };
        let id = row["id"].as_str().unwrap();
        let mut follow = dialect.follow();
        let mut content = false;
        // That the body ends without a finish.
        let mut verdict = Verdict::new(Class::Connection);
        for event in events(row["body"].as_str().unwrap().as_bytes()) {
            match follow.see(&event) {
                Seen::Error(said) => verdict = said,
                Seen::Preamble => {}
                Seen::Content => content = true,
                seen => panic!("{id}: {seen:?}"),
            }
        }
        // An error is no finish, and neither is an end.
        assert_eq!(follow.at_end(), AtEnd::Broken, "{id}");
        assert_eq!(content, row["stream_position"] == "after_text", "{id}");

        let facts = verdict.class.facts();
        let retried = facts.retried && verdict.should_retry != Some(false);
        let hurts = facts.harm != Harm::None && verdict.blame == Blame::Deployment;
        let fields = [
            ("class", Value::from(facts.name)),
            ("hint_ms", Value::from(verdict.hint.map(|hint| hint.as_millis() as u64))),
            ("retryable_same", retried.into()),
            ("fallback_ok", (facts.falls_back != FallsBack::Never).into()),
            ("hurts_health", hurts.into()),
        ];
        for (field, found) in fields {
            let wanted = &row["expect"][field];
            let judgement = &row["judgement_on"];
            if judgement.as_array().is_some_and(|on| on.iter().any(|on| on == field)) {
                // Once there is text, going on is for the recovery to decide and not for the class.
                let same = if found == *wanted { "as the row" } else { "unlike the row" };
                println!("of judgement: {id}: {field} {found}, {same}");
                judged += 1;
            } else {
                assert_eq!(found, *wanted, "{id}: {field}");
                compared += 1;
            }
        }
        *ran.entry(name).or_insert(0) += 1;
    }
    println!("{ran:?}: {compared} fields as expected, {judged} of judgement");
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
