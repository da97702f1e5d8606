//! What a caller may say beside the question: retries, clocks, fallbacks.

use std::time::Duration;

use http::Request;
use http_body_util::Full;
use secondwind_testkit::upstream::{Reply, Upstream};
use serde_json::{Value, json};

use crate::gateway::{Answer, CHAT, Gateway, Setup, key_of, model_of, post, question};

const ALL_PARAMETERS: &str = r#"{ "num_retries": 1,"timeout":20.5 , "model":"gpt-4", "fallbacks":["small", {"model":"small"}],
 "metadata": {"tags": ["a"], "user": "u\u0031"}, "stream_timeout":3,"tags":["b"], "messages": [{"role":"user","content":"timeout: 1"}],
 "request_timeout": 4, "context_window_fallbacks":[{"gpt-4":["small"]}],"content_policy_fallbacks":null , "disable_fallbacks":false,
 "max_fallbacks":2,"mock_testing_fallbacks":false,"mock_testing_context_fallbacks":null,"mock_testing_content_policy_fallbacks":false,
 "seed":1.50,"mock_testing_rate_limit_error":false}"#;

fn with(name: &str, value: Value) -> String {
    let mut question = question("gpt-4");
    question[name] = value;
    question.to_string()
}

fn said(
    name: &'static str,
    value: &str,
    body: impl Into<bytes::Bytes>,
) -> Request<Full<bytes::Bytes>> {
    let mut request = post(CHAT, body);
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

async fn ask(gateway: &Gateway, name: &str, value: Value) -> Answer {
    gateway.post(CHAT, with(name, value)).await
}

#[tokio::test]
async fn what_is_said_to_the_gateway_never_reaches_a_provider() {
    let (east, spare) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::status(500));
    let setup = Setup::new().with("gpt-4", "east", &east).with("small", "spare", &spare);
    let gateway = setup.start().await;
    let mut request = post(CHAT, ALL_PARAMETERS);
    for (name, value) in [
        ("x-litellm-num-retries", "1"),
        ("x-litellm-timeout", "20"),
        ("x-litellm-stream-timeout", "3"),
        ("x-litellm-tags", "c"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let answer = gateway.send(request).await;
    assert_eq!(
        answer.trail(),
        ["gpt-4/east=internal_server", "gpt-4/east=internal_server", "small/spare=ok"]
    );
    for (id, upstream) in [("east", &east), ("spare", &spare)] {
        for sent in upstream.requests() {
            let model = model_of(id);
            let rest = format!(
                "{{ \"model\":\"{model}\",\n \"metadata\": {{\"user\": \"u\\u0031\"}}, \
                 \"messages\": [{{\"role\":\"user\",\"content\":\"timeout: 1\"}}],\n \"seed\":1.50}}"
            );
            let plain = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(plain(&String::from_utf8_lossy(&sent.body)), plain(&rest));
            assert!(sent.headers.keys().all(|name| !name.as_str().starts_with("x-litellm")));
        }
    }
}

#[tokio::test]
async fn a_request_has_the_retries_that_it_asks_for() {
    let east = Upstream::start().await;
    east.always(Reply::status(500));
    let setup = Setup::new().with("gpt-4", "east", &east).router("num_retries: 2");
    let gateway = setup.router("retry_policy: {InternalServerErrorRetries: 4}").start().await;
    assert_eq!(gateway.ask("gpt-4").await.attempts(), 5);
    assert_eq!(ask(&gateway, "num_retries", json!(1)).await.attempts(), 2);
    assert_eq!(ask(&gateway, "num_retries", json!(0)).await.attempts(), 1);
    assert_eq!(ask(&gateway, "num_retries", json!(null)).await.attempts(), 5);
    let header = "x-litellm-num-retries";
    let answer = gateway.send(said(header, "3", question("gpt-4").to_string())).await;
    assert_eq!(answer.attempts(), 4);
    // As in LiteLLM, the header wins.
    let answer = gateway.send(said(header, "0", with("num_retries", json!(6)))).await;
    assert_eq!(answer.attempts(), 1);
}

#[tokio::test]
async fn a_callers_timeout_is_that_of_all_retries_together() {
    let east = Upstream::start().await;
    east.always(Reply::hang());
    let setup = Setup::new().with("gpt-4", "east", &east).router("timeout: 0.15");
    let gateway = setup.router("num_retries: 50").policy("timeout: {total: 2s}").start().await;
    for request in [
        post(CHAT, with("timeout", json!(0.4))),
        post(CHAT, with("request_timeout", json!(0.4))),
        said("x-litellm-timeout", "0.4", question("gpt-4").to_string()),
        said("x-litellm-timeout", "0.4", with("timeout", json!(60))),
    ] {
        let answer = gateway.send(request).await;
        assert_eq!(answer.status, 504);
        assert!(answer.attempts() > 1, "{:?}", answer.trail());
        assert!(answer.took < Duration::from_millis(1200), "{:?}", answer.took);
    }
    // It only shortens.
    let answer = ask(&gateway, "timeout", json!(600)).await;
    assert_eq!(answer.status, 504);
    assert!(answer.took < Duration::from_secs(5), "{:?}", answer.took);
}

#[tokio::test]
async fn a_parameter_that_makes_no_sense_is_told_by_its_name() {
    let east = Upstream::start().await;
    let setup = Setup::new().with("gpt-4", "east", &east).with("small", "spare", &east);
    let gateway = setup.start().await;
    let lists = ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"];
    let mut mistakes = vec![
        ("num_retries", json!([-1, 1.5, "3", true, [], {}])),
        ("timeout", json!([-1, 0, "30", true, [], {"read": 3}])),
        ("request_timeout", json!([-0.5, "x"])),
        ("stream_timeout", json!([-1, 0, "3"])),
        ("max_fallbacks", json!([-1, 0.5, "1"])),
        ("disable_fallbacks", json!([1, "true", []])),
        ("mock_testing_fallbacks", json!([1, "yes"])),
        ("tags", json!(["a", 1, [1], {}])),
        ("metadata.tags", json!(["a", [null]])),
    ];
    let wrong = json!(["small", 1, {}, [1], [null], [["small"]], ["large"], [{"model": 1}], [{"model": "large"}],
        [{"model": "small", "stream": true}], [{"model": "small", "num_retries": 1}], [{"gpt-4": "small"}],
        [{"gpt-4": ["large"]}], [{"model": "small", "metadata": {"tags": []}}], [{"Model": "small"}]]);
    mistakes.extend(lists.map(|name| (name, wrong.clone())));
    for (name, values) in mistakes {
        for value in values.as_array().unwrap() {
            let body = match name.strip_prefix("metadata.") {
                Some(within) => with("metadata", json!({ within: value })),
                None => with(name, value.clone()),
            };
            let answer = gateway.post(CHAT, body).await;
            assert_eq!(answer.status, 400, "{name}: {value}");
            assert_eq!(answer.error()["param"], name, "{value}");
            let message = answer.error()["message"].to_string();
            assert!(message.contains(name), "{message}");
        }
    }
    for (name, values) in [
        ("x-litellm-num-retries", ["-1", "1.5", "", "three"]),
        ("x-litellm-timeout", ["-1", "0", "", "inf"]),
        ("x-litellm-stream-timeout", ["-1", "nan", "", "1e"]),
    ] {
        for value in values {
            let answer = gateway.send(said(name, value, question("gpt-4").to_string())).await;
            assert_eq!(answer.status, 400, "{name}: {value}");
            assert_eq!(answer.error()["param"], name);
        }
    }
    let twice = r#"{"model": "gpt-4", "messages": [], "timeout": 1, "timeout": 2}"#;
    assert_eq!(gateway.post(CHAT, twice).await.error()["param"], "timeout");
    assert_eq!(east.attempts(), 0);
}

/// `gpt-4` fails with `failure`; `small` and `other` answer, `gpt-4` falls back to `other`.
async fn cast(failure: Reply) -> (Gateway, [Upstream; 3]) {
    let ups = [Upstream::start().await, Upstream::start().await, Upstream::start().await];
    let [east, small, other] = &ups;
    east.always(failure);
    let setup = Setup::new().with("gpt-4", "east", east).with("small", "s", small);
    // That it fails is not to keep it from being asked the next time.
    let setup = setup.router("disable_cooldowns: true");
    let setup = setup.with("other", "o", other).router("num_retries: 0");
    let setup = setup.router("model_group_alias: {best: small}");
    (setup.router("fallbacks: [{gpt-4: [other]}]").start().await, ups)
}

#[tokio::test]
async fn a_request_may_bring_fallbacks_of_its_own() {
    let (gateway, [_east, small, _other]) = cast(Reply::status(500)).await;
    let failed = "gpt-4/east=internal_server";
    assert_eq!(gateway.ask("gpt-4").await.trail(), [failed, "other/o=ok"]);
    for list in [
        json!(["small"]),
        json!(["best"]),
        json!([{"model": "small"}]),
        json!([{"gpt-4": ["small"]}]),
        json!([{"*": ["small"]}]),
        json!([{"*": ["other"]}, {"gpt-4": [{"model": "small"}]}]),
    ] {
        let answer = ask(&gateway, "fallbacks", list.clone()).await;
        assert_eq!(answer.trail(), [failed, "small/s=ok"], "{list}");
        assert_eq!(answer.header("x-litellm-model-group"), "small");
        assert_eq!(answer.header("x-litellm-attempted-fallbacks"), "1");
    }
    small.always(Reply::status(500));
    let answer = ask(&gateway, "fallbacks", json!(["small", "other"])).await;
    assert_eq!(answer.trail(), [failed, "small/s=internal_server", "other/o=ok"]);
    for none in [json!([]), json!([{"small": ["other"]}])] {
        assert_eq!(ask(&gateway, "fallbacks", none).await.trail(), [failed]);
    }
}

#[tokio::test]
async fn a_fallback_may_be_asked_something_else() {
    let (gateway, [east, small, _other]) = cast(Reply::status(500)).await;
    let words = json!([{"role": "user", "content": "Shorter?"}]);
    let body = r#"{"temperature": 1.0, "model": "gpt-4", "top_p": 0.50, "messages": [{"role": "user", "content": "é"}], "fallbacks": [
        {"model": "small", "messages": [{"role": "user", "content": "Shorter?"}], "temperature": 0.20}]}"#;
    let answer = gateway.post(CHAT, body).await;
    assert_eq!(answer.trail(), ["gpt-4/east=internal_server", "small/s=ok"]);
    let asked = east.requests()[0].json();
    assert_eq!(asked["messages"][0]["content"], "é");
    assert_eq!(asked["temperature"], 1.0);
    let sent = &small.requests()[0];
    let expected =
        json!({"model": "model-of-s", "messages": words, "temperature": 0.2, "top_p": 0.5});
    assert_eq!(sent.json(), expected);
    let text = String::from_utf8_lossy(&sent.body).into_owned();
    // Numbers are passed on as they were written.
    assert!(text.contains("0.20") && text.contains("0.50"), "{text}");
    assert_eq!(sent.header("authorization"), Some(&*format!("Bearer {}", key_of("s"))));
}

#[tokio::test]
async fn the_same_model_may_be_asked_something_else() {
    let (gateway, [east, _small, _other]) = cast(Reply::context_window()).await;
    east.then(Reply::context_window()).then(Reply::ok());
    let short = json!([{"role": "user", "content": "Short."}]);
    let list = json!([{"model": "gpt-4", "messages": short}]);
    let answer = ask(&gateway, "context_window_fallbacks", list).await;
    assert_eq!(answer.trail(), ["gpt-4/east=context_window", "gpt-4/east=ok"]);
    assert_eq!(answer.header("x-litellm-attempted-fallbacks"), "1");
    assert_eq!(east.requests()[1].json()["messages"], short);
    assert_eq!(east.requests()[1].json()["model"], "model-of-east");
}

#[tokio::test]
async fn the_list_for_the_failure_is_the_one_that_counts() {
    let lists = json!({"fallbacks": ["other"], "context_window_fallbacks": ["small"],
        "content_policy_fallbacks": [{"gpt-4": ["small"]}]});
    for (failure, to) in [
        (Reply::status(500), Some("other/o=ok")),
        (Reply::context_window(), Some("small/s=ok")),
        (Reply::content_policy(), Some("small/s=ok")),
        (Reply::status(400), None),
    ] {
        let (gateway, _ups) = cast(failure.clone()).await;
        let mut body = question("gpt-4");
        for (name, list) in lists.as_object().unwrap() {
            body[name] = list.clone();
        }
        let trail = gateway.post(CHAT, body.to_string()).await.trail();
        assert_eq!(trail.get(1).map(String::as_str), to, "{failure:?}");
    }
}

#[tokio::test]
async fn a_request_may_do_without_fallbacks() {
    let (gateway, [_east, small, _other]) = cast(Reply::status(500)).await;
    let answer = ask(&gateway, "disable_fallbacks", json!(true)).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.attempts(), 1);
    assert_eq!(ask(&gateway, "disable_fallbacks", json!(false)).await.status, 200);
    assert_eq!(ask(&gateway, "max_fallbacks", json!(0)).await.attempts(), 1);

    small.always(Reply::status(500));
    let mut body = question("gpt-4");
    body["fallbacks"] = json!(["small", "other"]);
    body["max_fallbacks"] = json!(1);
    let answer = gateway.post(CHAT, body.to_string()).await;
    assert_eq!(answer.trail(), ["gpt-4/east=internal_server", "small/s=internal_server"]);
}

#[tokio::test]
async fn a_caller_can_only_lower_the_number_of_fallbacks() {
    let up = Upstream::start().await;
    up.always(Reply::status(500));
    let mut setup = Setup::new().router("num_retries: 0").router("max_fallbacks: 1");
    for name in ["gpt-4", "b", "c"] {
        setup = setup.with(name, &format!("{name}-1"), &up);
    }
    let gateway = setup.start().await;
    let mut body = question("gpt-4");
    body["fallbacks"] = json!(["b", "c"]);
    body["max_fallbacks"] = json!(9);
    assert_eq!(gateway.post(CHAT, body.to_string()).await.attempts(), 2);
}

#[tokio::test]
async fn default_fallbacks_and_any_stand_in_for_a_missing_list() {
    for setting in ["default_fallbacks: [small]", "fallbacks: [{\"*\": [small]}]"] {
        let (east, small) = (Upstream::start().await, Upstream::start().await);
        east.always(Reply::status(500));
        let setup = Setup::new().with("gpt-4", "east", &east).with("small", "s", &small);
        let gateway = setup.router("num_retries: 0").router(setting).start().await;
        assert_eq!(gateway.ask("gpt-4").await.trail()[1], "small/s=ok", "{setting}");
    }
}

const MOCKS: [(&str, &str); 4] = [
    ("mock_testing_fallbacks", "fallbacks"),
    ("mock_testing_context_fallbacks", "context_window_fallbacks"),
    ("mock_testing_content_policy_fallbacks", "content_policy_fallbacks"),
    ("mock_testing_rate_limit_error", "fallbacks"),
];

#[tokio::test]
async fn fallbacks_can_be_tried_out_where_the_operator_allows_it() {
    let (east, small) = (Upstream::start().await, Upstream::start().await);
    let setup = Setup::new().with("gpt-4", "east", &east).with("small", "s", &small);
    let setup = setup.general("dangerously_allow_mock_testing_request_params: true");
    let gateway = setup.start().await;
    for (flag, list) in MOCKS {
        let mut body = question("gpt-4");
        body[flag] = json!(true);
        assert!(!gateway.post(CHAT, body.to_string()).await.status.is_success(), "{flag}");
        body[list] = json!(["small"]);
        let answer = gateway.post(CHAT, body.to_string()).await;
        assert_eq!(answer.trail(), ["small/s=ok"], "{flag}");
        body[flag] = json!(false);
        assert_eq!(gateway.post(CHAT, body.to_string()).await.trail(), ["gpt-4/east=ok"]);
    }
    assert_eq!(east.attempts(), 4);
}

#[tokio::test]
async fn without_that_nobody_can() {
    let (gateway, [east, _small, _other]) = cast(Reply::ok()).await;
    for (flag, _) in MOCKS {
        let answer = ask(&gateway, flag, json!(true)).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.error()["param"], flag);
        assert_eq!(answer.error()["code"], "not_allowed");
    }
    assert_eq!(east.attempts(), 0);
}
