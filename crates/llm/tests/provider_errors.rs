//! Recorded and derived error replies of providers, and what they mean in the dialect in which these
//! are spoken to. What comes through an OpenAI-compatible server or a proxy is read as OpenAI's.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secondwind_layers::classify::{Blame, Verdict};
use secondwind_llm::dialect::{Endpoint, by_name};
use secondwind_policy::{Class, FallsBack, Harm};
use serde_json::Value;

/// Where the rows call their class a matter of judgement, and ours is another one: id, theirs, ours
/// (`None`: it is an answer). The rest of such a row follows from its class and is not compared.
const DECIDED_OTHERWISE: [(&str, &str, Option<Class>); 26] = [
    // An answer that was cut off by a filter is an answer; so is one that ends properly and is empty.
    ("openai_finish_content_filter", "content_policy", None),
    ("responses_incomplete_filter", "content_policy", None),
    ("anthropic_refusal", "content_policy", None),
    ("gemini_safety_candidate", "content_policy", None),
    // 502, 504 and the 5xx of proxies are internal_server, so that `InternalServerErrorRetries`
    // covers them as it does with LiteLLM.
    ("openrouter_200_choice_error", "service_unavailable", Some(Class::InternalServer)),
    ("nginx_502", "service_unavailable", Some(Class::InternalServer)),
    ("cloudflare_502", "service_unavailable", Some(Class::InternalServer)),
    ("cloudflare_520", "service_unavailable", Some(Class::InternalServer)),
    ("cloudflare_521", "service_unavailable", Some(Class::InternalServer)),
    ("cloudflare_523", "service_unavailable", Some(Class::InternalServer)),
    ("cloudflare_525", "connection", Some(Class::InternalServer)),
    ("cloudflare_526", "connection", Some(Class::InternalServer)),
    ("cloudflare_530", "service_unavailable", Some(Class::InternalServer)),
    ("empty_502", "service_unavailable", Some(Class::InternalServer)),
    ("empty_504", "timeout", Some(Class::InternalServer)),
    // What is no answer is internal_server, a page and a redirect included.
    ("html_200", "not_found", Some(Class::InternalServer)),
    // Other 4xx are bad_request.
    ("s425", "service_unavailable", Some(Class::BadRequest)),
    ("s307", "not_found", Some(Class::InternalServer)),
    ("llmock_openai_502", "service_unavailable", Some(Class::InternalServer)),
    ("llmock_openai_504", "timeout", Some(Class::InternalServer)),
    ("llmock_anthropic_502", "service_unavailable", Some(Class::InternalServer)),
    ("llmock_anthropic_504", "timeout", Some(Class::InternalServer)),
    ("llmock_cohere_502", "service_unavailable", Some(Class::InternalServer)),
    ("llmock_cohere_504", "timeout", Some(Class::InternalServer)),
    ("llmock_mistral_502", "service_unavailable", Some(Class::InternalServer)),
    ("llmock_mistral_504", "timeout", Some(Class::InternalServer)),
];

fn verdict(row: &Value) -> Option<Verdict> {
    let (provider, endpoint) = match row["dialect"].as_str().unwrap() {
        "anthropic_messages" => ("anthropic", Endpoint::Messages),
        "azure_openai" => ("azure", Endpoint::ChatCompletions),
        "gemini" => ("gemini", Endpoint::GenerateContent),
        "mistral" => ("mistral", Endpoint::ChatCompletions),
        "openai_responses" => ("openai", Endpoint::Responses),
        "bedrock" | "cohere_v2" | "ollama" => ("custom_openai", Endpoint::ChatCompletions),
        "empty" | "html" | "openai_chat" => ("openai", Endpoint::ChatCompletions),
        other => panic!("who speaks {other}?"),
    };
    let dialect = by_name(provider).unwrap().dialect;
    let status = StatusCode::from_u16(row["status"].as_u64().unwrap().try_into().unwrap()).unwrap();
    let headers: HeaderMap = row["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let value = HeaderValue::from_str(value.as_str().unwrap()).unwrap();
            (name.parse::<HeaderName>().unwrap(), value)
        })
        .collect();
    let body = match &row["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    if status.is_success() {
        dialect
            .classify_ok_head(status, &headers)
            .or_else(|| dialect.classify_ok_body(endpoint, &headers, body.as_bytes(), now))
    } else {
        Some(dialect.classify_error(status, &headers, body.as_bytes(), now))
    }
}

#[test]
fn every_reply_means_what_it_should() {
    replies_mean_what_they_should(&["openai_chat", "html", "empty"], 134);
}

#[test]
fn so_do_those_of_servers_that_speak_nearly_the_same() {
    replies_mean_what_they_should(&["azure_openai", "mistral"], 37);
}

#[test]
fn so_do_those_of_responses() {
    replies_mean_what_they_should(&["openai_responses"], 4);
}

#[test]
fn so_do_those_of_anthropic() {
    replies_mean_what_they_should(&["anthropic_messages"], 37);
}

#[test]
fn so_do_those_of_gemini() {
    replies_mean_what_they_should(&["gemini"], 41);
}

#[test]
fn so_do_those_of_others_behind_a_server_that_speaks_openai() {
    replies_mean_what_they_should(&["bedrock", "cohere_v2", "ollama"], 48);
}

/// Runs the rows of `dialects` whose error is not inside of a stream: `count` of them.
fn replies_mean_what_they_should(dialects: &[&str], count: usize) {
    let vectors = include_str!("../../../tests/vectors/provider_errors.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let rows = vectors["rows"].as_array().unwrap();
    assert_eq!(Some(rows.len() as u64), vectors["count"].as_u64());

    let (mut compared, mut judged, mut wrong) = (0, 0, Vec::new());
    let (mut ids, mut otherwise) = (Vec::new(), Vec::new());
    for row in rows {
        let dialect = row["dialect"].as_str().unwrap();
        if row["in_stream"] == true || !dialects.contains(&dialect) {
            continue;
        }
        let id = row["id"].as_str().unwrap();
        ids.push(id);
        let expect = &row["expect"];
        let verdict = verdict(row);
        let facts = verdict.map(|verdict| (verdict, verdict.class.facts()));

        // What the row expects, what came out, and whether that will do.
        let class = facts.map(|(_, facts)| facts.name);
        let retried = facts
            .is_some_and(|(verdict, facts)| facts.retried && verdict.should_retry != Some(false));
        let falls_back = facts.is_some_and(|(_, facts)| facts.falls_back != FallsBack::Never);
        let hurts = facts.is_some_and(|(verdict, facts)| {
            facts.harm != Harm::None && verdict.blame == Blame::Deployment
        });
        let hint = verdict.and_then(|verdict| verdict.hint).map(|hint| hint.as_millis() as u64);
        let fields = [
            ("class", Value::from(class), false),
            ("hint_ms", Value::from(hint), false),
            ("retryable_same", Value::from(retried), false),
            // The row says that moving on can help; we need not do it by default.
            ("fallback_ok", Value::from(falls_back), !falls_back),
            ("hurts_health", Value::from(hurts), false),
        ];
        for (field, found, will_do) in fields {
            let judged_on = |field: &str| {
                row["judgement_on"].as_array().is_some_and(|on| on.iter().any(|on| on == field))
            };
            let same = found == expect[field];
            let judgement =
                judged_on(field) || judged_on("class") && expect["class"] != Value::from(class);
            match (judgement, same || will_do) {
                (false, true) => compared += 1,
                (false, false) => {
                    wrong.push(format!("{id}: {field} {found}, not {}", expect[field]));
                }
                (true, _) => judged += 1,
            }
            if judgement && !same {
                println!("decided otherwise: {id}: {field} {found}, not {}", expect[field]);
                if field == "class" {
                    otherwise.push((
                        id,
                        expect[field].as_str().unwrap(),
                        verdict.map(|verdict| verdict.class),
                    ));
                }
            }
        }
    }
    println!(
        "{} rows; {compared} fields as expected, {} not; {judged} fields of judgement; \
         {} rows of another class by our judgement",
        ids.len(),
        wrong.len(),
        otherwise.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(ids.len(), count);
    let of_these = |(id, ..): &&(&str, &str, Option<Class>)| ids.contains(id);
    let wanted: Vec<_> = DECIDED_OTHERWISE.iter().filter(of_these).copied().collect();
    assert_eq!(otherwise, wanted);
}
