//! Recorded and derived error replies of providers, and what they mean in the dialect in which these
//! are spoken to. What comes through an OpenAI-compatible server or a proxy is read as OpenAI's.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
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

/// Amazon's framing of streams: an exception in it is read with the answer it is in.
const FRAMED: &str = "bedrock_eventstream";

/// A message in Amazon's framing.
fn framed(message: &Value) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in message["event_headers"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        headers.push(name.len() as u8);
        headers.extend_from_slice(name.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let payload = message["payload"].to_string();
    let whole = 16 + headers.len() + payload.len();
    let lengths = [whole, headers.len()].map(|length| (length as u32).to_be_bytes());
    // The checksums are not looked at.
    [&lengths.concat(), &[0; 4][..], &headers, payload.as_bytes(), &[0; 4]].concat()
}

fn verdict(row: &Value) -> Option<Verdict> {
    let (provider, endpoint) = match row["dialect"].as_str().unwrap() {
        "anthropic_messages" => ("anthropic", Endpoint::Messages),
        "azure_openai" => ("azure", Endpoint::ChatCompletions),
        "gemini" => ("gemini", Endpoint::GenerateContent),
        "mistral" => ("mistral", Endpoint::ChatCompletions),
        "openai_responses" => ("openai", Endpoint::Responses),
        "bedrock" | "bedrock_eventstream" | "cohere_v2" | "ollama" => {
            ("custom_openai", Endpoint::ChatCompletions)
        }
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
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        body if row["dialect"] == FRAMED => framed(body),
        body => body.to_string().into_bytes(),
    };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    if status.is_success() {
        dialect
            .classify_ok_head(status, &headers)
            .or_else(|| dialect.classify_ok_body(endpoint, &headers, &body, now))
    } else {
        Some(dialect.classify_error(status, &headers, &body, now))
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

#[test]
fn so_do_exceptions_in_amazons_framing() {
    replies_mean_what_they_should(&[FRAMED], 3);
}

/// What became of one row.
struct Compared<'a> {
    id: &'a str,
    /// How many fields are as the row expects them, of those that leave no doubt.
    same: usize,
    /// Those that are not.
    wrong: Vec<String>,
    /// How many fields are a matter of judgement: those as the row has them, and the others.
    judged: [usize; 2],
    /// The class that the row expects, where ours is another one by our judgement.
    otherwise: Option<(&'a str, &'a str, Option<Class>)>,
}

fn rows(vectors: &Value) -> &Vec<Value> {
    let rows = vectors["rows"].as_array().unwrap();
    assert_eq!(Some(rows.len() as u64), vectors["count"].as_u64());
    rows
}

fn vectors() -> Value {
    let vectors = include_str!("../../../tests/vectors/provider_errors.json");
    serde_json::from_str(vectors).unwrap()
}

/// Reads a row, and compares what comes out with what it expects.
fn compare(row: &Value) -> Compared<'_> {
    let id = row["id"].as_str().unwrap();
    let mut compared = Compared { id, same: 0, wrong: Vec::new(), judged: [0; 2], otherwise: None };
    let expect = &row["expect"];
    let verdict = verdict(row);
    let facts = verdict.map(|verdict| (verdict, verdict.class.facts()));

    // What the row expects, what came out, and whether that will do.
    let class = facts.map(|(_, facts)| facts.name);
    let retried =
        facts.is_some_and(|(verdict, facts)| facts.retried && verdict.should_retry != Some(false));
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
            (false, true) => compared.same += 1,
            (false, false) => {
                compared.wrong.push(format!("{id}: {field} {found}, not {}", expect[field]));
            }
            (true, _) => compared.judged[usize::from(!same)] += 1,
        }
        if judgement && !same {
            println!("decided otherwise: {id}: {field} {found}, not {}", expect[field]);
            if field == "class" {
                let theirs = expect[field].as_str().unwrap();
                compared.otherwise = Some((id, theirs, verdict.map(|verdict| verdict.class)));
            }
        }
    }
    compared
}

/// Runs the rows of `dialects` whose error is not inside of a stream: `count` of them.
fn replies_mean_what_they_should(dialects: &[&str], count: usize) {
    let vectors = vectors();
    let ours = |row: &&Value| {
        let dialect = row["dialect"].as_str().unwrap();
        (row["in_stream"] != true || dialect == FRAMED) && dialects.contains(&dialect)
    };
    let compared: Vec<_> = rows(&vectors).iter().filter(ours).map(compare).collect();
    let wrong: Vec<_> = compared.iter().flat_map(|row| &row.wrong).collect();
    let otherwise: Vec<_> = compared.iter().filter_map(|row| row.otherwise).collect();
    println!(
        "{} rows; {} fields as expected, {} not; {} fields of judgement; \
         {} rows of another class by our judgement",
        compared.len(),
        compared.iter().map(|row| row.same).sum::<usize>(),
        wrong.len(),
        compared.iter().flat_map(|row| row.judged).sum::<usize>(),
        otherwise.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(compared.len(), count);
    let of_these = |(id, ..): &&(&str, &str, Option<Class>)| {
        compared.iter().any(|compared| compared.id == *id)
    };
    let wanted: Vec<_> = DECIDED_OTHERWISE.iter().filter(of_these).copied().collect();
    assert_eq!(otherwise, wanted);
}

/// `docs/provider-errors.md`, made from the rows. With `SECONDWIND_REWRITE=1` it is written anew.
#[test]
fn the_table_in_the_docs_is_what_was_found() {
    let vectors = vectors();
    let mut providers: BTreeMap<&str, [usize; 6]> = BTreeMap::new();
    for row in rows(&vectors) {
        if row["dialect"] == "transport" {
            continue;
        }
        let provider = row["provider"].as_str().unwrap();
        let of_provider = providers.entry(provider).or_default();
        if row["in_stream"] == true {
            of_provider[1] += 1;
            if row["dialect"] != FRAMED {
                continue;
            }
        }
        let compared = compare(row);
        let [as_row, other] = compared.judged;
        let found = [
            usize::from(row["in_stream"] != true),
            0,
            compared.same,
            compared.wrong.len(),
            as_row,
            other,
        ];
        of_provider.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
    }
    let mut table = ABOUT.to_owned();
    let mut line = |name: &str, sums: &[usize; 6]| {
        let sums = sums.map(|sum| sum.to_string()).join(" | ");
        writeln!(table, "| {name} | {sums} |").unwrap();
    };
    let mut all = [0; 6];
    for (provider, sums) in &providers {
        let name = if *provider == "any" { "any, and proxies between" } else { provider };
        line(name, sums);
        all.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum);
    }
    line("**all**", &all);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/provider-errors.md");
    if std::env::var_os("SECONDWIND_REWRITE").is_some() {
        fs::write(path, &table).unwrap();
    }
    let told = fs::read_to_string(path).unwrap_or_default();
    assert!(told == table, "{path} is stale: SECONDWIND_REWRITE=1 writes it anew");
}

const ABOUT: &str = "\
# What providers' errors are taken for

Recorded and derived error replies (`tests/vectors/provider_errors.json`), each read in the dialect in which the provider is spoken to; what
comes through an OpenAI-compatible server or a proxy is read as OpenAI's. Of each reply five facts are compared: its class, the wait that it asks
for, whether it is tried again in its place, whether another group may help, and whether it hurts the deployment's health. Where the rows call
one a matter of judgement, it is counted apart; `DECIDED_OTHERWISE` in the test has the reasons. Replies within streams are read by
`crates/llm/tests/streams/vectors.rs`, but for the three in Bedrock's own framing, which are read here. The eleven
rows without a reply (a connection that is refused or reset, a clock that runs out) are not counted here. Each of these failures is made, and
compared with its row: nine over sockets in `tests/e2e/transport.rs`, whose `DECIDED_OTHERWISE` has the one fact that is another, and the two that
only HTTP/2 has in `crates/router/src/client/tests.rs`.

Made by `cargo test -p secondwind-llm --test provider_errors`, which fails if it is stale.

| provider | replies | in streams | facts as expected | not | of judgement, the same | of judgement, other |
|---|---:|---:|---:|---:|---:|---:|
";
