//! Who gets to see what: keys, headers, and the caller's words.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt;
use secondwind_testkit::upstream::{Received, Reply, Upstream};
use tracing_subscriber::filter::LevelFilter;

use crate::alone::alone;
use crate::gateway::{CHAT, Gateway, Setup, key_of, model_of, post, question, streamed};

/// What a caller may send along, and no provider may see.
const PRIVATE: [(&str, &str); 14] = [
    ("authorization", "Bearer sk-canary-caller-1"),
    ("api-key", "sk-canary-caller-2"),
    ("x-api-key", "sk-canary-caller-3"),
    ("x-litellm-api-key", "sk-canary-caller-4"),
    ("proxy-authorization", "Basic canary-caller"),
    ("cookie", "session=canary-caller"),
    ("openai-organization", "org-canary-caller"),
    ("openai-project", "proj-canary-caller"),
    ("x-forwarded-for", "10.1.2.3"),
    ("forwarded", "for=10.1.2.3"),
    ("referer", "https://canary-caller.example/"),
    ("origin", "https://canary-caller.example"),
    ("x-custom", "canary-caller"),
    ("x-litellm-tags", "canary-caller"),
];

/// What a provider is meant to see.
const PASSED: [(&str, &str); 5] = [
    ("user-agent", "OpenAI/Python 1.2.3"),
    ("idempotency-key", "again-1"),
    ("x-stainless-retry-count", "0"),
    ("accept", "application/json"),
    ("openai-beta", "assistants=v2"),
];

/// Asks with all of them, in the query as well.
async fn ask(gateway: &Gateway, body: &str) -> crate::gateway::Answer {
    let mut request = post(&format!("{CHAT}?api-key=sk-canary-caller-5&x=1"), body.to_owned());
    for (name, value) in PRIVATE.iter().chain(&PASSED) {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    gateway.send(request).await
}

fn names(request: &Received) -> Vec<&str> {
    let mut names: Vec<&str> = request.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_provider_sees_its_own_key_and_the_headers_that_are_meant_for_it() {
    let (east, west, spare) =
        (Upstream::start().await, Upstream::start().await, Upstream::start().await);
    east.always(Reply::status(500));
    west.always(Reply::status(500));
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let setup = setup.and("small", "spare", &spare, ", organization: org-ours");
    let gateway = setup.router("fallbacks: [{gpt-4: [small]}]").start().await;
    assert_eq!(ask(&gateway, &question("gpt-4").to_string()).await.status, 200);

    let mut expected = vec!["authorization", "content-length", "content-type", "host"];
    expected.extend(PASSED.map(|(name, _)| name));
    expected.sort_unstable();
    for (id, upstream) in [("east", &east), ("west", &west), ("spare", &spare)] {
        assert!(upstream.attempts() > 0);
        for request in upstream.requests() {
            let shown = format!("{request:?}");
            assert!(!shown.contains("canary-caller") && !shown.contains("10.1.2.3"), "{shown}");
            assert_eq!(request.path, "/v1/chat/completions");
            assert_eq!(request.header("authorization"), Some(&*format!("Bearer {}", key_of(id))));
            assert_eq!(request.headers.get_all("authorization").iter().count(), 1);
            assert_eq!(request.header("host"), Some(&*upstream.addr().to_string()));
            for (name, value) in PASSED {
                assert_eq!(request.header(name), Some(value));
            }
            if id == "spare" {
                assert_eq!(request.header("openai-organization"), Some("org-ours"));
            } else {
                assert_eq!(names(&request), expected);
            }
        }
    }
}

#[tokio::test]
async fn a_deployment_without_a_key_is_sent_none() {
    let east = Upstream::start().await;
    let setup = Setup::new().at("gpt-4", "east", &east.base_url(), "");
    let text_key = format!("api_key: {}", key_of("east"));
    let gateway = setup.edited(&text_key, "api_key: \"\"").start().await;
    ask(&gateway, &question("gpt-4").to_string()).await;
    assert_eq!(east.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn all_of_a_question_but_its_model_reaches_the_provider_byte_for_byte() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    for (before, after) in [
        ("{\"a\":1,\"a\":2.50,\n\t \"model\" :  ", " , \"messages\": [{\"model\": \"gpt-4\"}]}\n "),
        (
            "{\"n\": 123456789012345678901234567890.0e-2, \"model\":",
            ",\"é\": \"\\u00e9\\/\", \"\":null}",
        ),
        ("\n{", "}"),
    ] {
        let (name, key) = ("\"gpt-\\u0034\"", if before == "\n{" { "\"model\":" } else { "" });
        let answer = ask(&gateway, &format!("{before}{key}{name}{after}")).await;
        assert_eq!(answer.status, 200);
        let sent = east.requests().pop().unwrap().body;
        let expected = format!("{before}{key}\"{}\"{after}", model_of("east"));
        assert_eq!(String::from_utf8_lossy(&sent), expected);
    }
}

/// Everything that is written while it lives.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// In a process of its own: where several threads have subscribers of their own, or none, an event that is first
/// looked at on another thread may be nobody's from then on.
#[test]
fn a_key_that_a_provider_echoes_is_struck_out() {
    alone("secrets::a_key_that_a_provider_echoes_is_struck_out", echoes());
}

async fn echoes() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();

    let east = Upstream::start().await;
    let key = key_of("east");
    let setup = Setup::new().with("gpt-4", "east", &east).router("num_retries: 1");
    let gateway = setup.start().await;
    let error = format!(
        r#"{{"error": {{"message": "bad: {key}", "type": "{key}", "code": "x{key}", "param": "{key}y"}}}}"#
    );
    let choice =
        format!(r#"{{"choices": [{{"message": {{"content": "You sent {key} and {key}."}}}}]}}"#);
    let replies = [
        Reply::status(401).body(error.clone()),
        Reply::status(400).body(format!("<p>{key}</p>")),
        Reply::status(500).body(format!("\"{key}\"")),
        Reply::status(429).body(error.clone()).header("x-echo", &key),
        Reply::json(200, error),
        Reply::json(200, choice).header("x-echo", &format!("Bearer {key}")),
        // The words of a stream go through as they come; its head does not.
        Reply::chunks(["data: [DONE]\n\n".to_owned()]).header("authorization", &key),
    ];
    for reply in replies {
        east.always(reply.clone());
        for body in [question("gpt-4"), streamed("gpt-4")] {
            let answer = ask(&gateway, &body.to_string()).await;
            let shown = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
            assert!(!shown.contains(&key), "{reply:?}\n{shown}");
        }
    }
    let log = log.0.lock().unwrap();
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("giving way") || log.contains("retrying"), "nothing was logged");
    for line in log.lines() {
        assert!(!line.contains("sk-canary"), "{line}");
        assert!(!line.contains("Who?"), "a prompt is nobody's business: {line}");
    }
}

#[tokio::test]
async fn a_key_is_struck_out_wherever_its_bytes_are_parted() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let key = key_of("east");
    let chunk = |delta: &str, finish: &str| {
        format!(r#"data: {{"choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}"#)
            + "\n\n"
    };
    let text = chunk(&format!(r#"{{"content":"You sent {key}."}}"#), "null");
    let end = chunk("{}", "\"stop\"") + "data: [DONE]\n\n";
    let start = text.find(&key).unwrap();
    for at in start..=start + key.len() {
        let (before, after) = text.split_at(at);
        let chunks = [before.to_owned(), after.to_owned(), end.clone()];
        east.then(Reply::chunks(chunks).pause(Duration::from_millis(1)));
        let answer = gateway.send(post(CHAT, streamed("gpt-4").to_string())).await;
        let body = String::from_utf8_lossy(&answer.body);
        assert!(body.contains("You sent ***.") && !body.contains(&key), "{at}: {body}");
    }
}

/// Word by word it is not seen on its way to the caller, but it is when another is to go on from what was said.
#[tokio::test]
async fn a_key_that_a_provider_spells_out_reaches_no_other_provider() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    let chunk = |word: &str| {
        format!(r#"data: {{"choices":[{{"index":0,"delta":{{"content":"{word}"}}}}]}}"#) + "\n\n"
    };
    let key = key_of("east");
    let (first, second) = key.split_at(7);
    for (words, carried_on) in [([first, second], false), (["some", " words"], true)] {
        east.then(Reply::chunks(words.map(chunk)));
        let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1");
        let setup = setup.and("gpt-4", "west", &west, ", order: 2");
        let setup = setup.edited("id: west", "supports_assistant_prefill: true, id: west");
        let before = west.attempts();
        let answer = setup.start().await.send(post(CHAT, streamed("gpt-4").to_string())).await;
        assert_eq!(west.attempts() > before, carried_on, "{answer:?}");
        let seen = west.requests();
        assert!(seen.iter().all(|seen| !String::from_utf8_lossy(&seen.body).contains(&key)));
    }
}

/// Such an answer is on its way before it was read to its end.
#[tokio::test]
async fn a_key_is_struck_out_of_an_answer_that_is_too_long_to_be_held() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let key = key_of("east");
    let long = |word: &str| {
        let words = [word, "word ".repeat(17 << 18).as_str(), word, &word[..5]].concat();
        format!(r#"{{"choices": [{{"message": {{"content": "{words}"}}}}]}}"#)
    };
    east.then(Reply::json(200, long(&key)));
    let answer = gateway.ask("gpt-4").await;
    let expected = long(&key).replace(&key, "***");
    assert!(answer.body == expected, "{} for {} bytes", answer.body.len(), expected.len());
}

#[tokio::test]
async fn what_a_provider_says_besides_our_key_is_passed_on_unchanged() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let text =
        r#"{ "choices":[{"message":{"content":"sk-other-key sk-canary-eas t"}}], "x": 1.0 }"#;
    east.then(Reply::json(200, text));
    assert_eq!(gateway.ask("gpt-4").await.body, text);

    let chunks = [
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"sk-other\"}}],\"a\"",
        ": 1}\n\nda",
        "ta: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}",
        "\n\n: ping\n\n",
        "data: [DONE]\n\n",
    ];
    east.then(Reply::chunks(chunks));
    let mut caller = gateway.caller().await;
    let response =
        caller.sender.send_request(post(CHAT, streamed("gpt-4").to_string())).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, chunks.concat());
}
