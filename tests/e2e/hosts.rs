//! Where a request goes is never its caller's to say.

use http_body_util::BodyExt;
use secondwind_testkit::upstream::{Reply, Upstream};
use serde_json::{Value, json};

use crate::gateway::{CHAT, Setup, key_of, post, question};

/// What would lead elsewhere, were it followed.
fn elsewhere(evil: &Upstream) -> Vec<(&'static str, Value)> {
    let base = evil.base_url();
    vec![
        ("api_base", json!(base)),
        ("API_Base", json!(base)),
        ("base_url", json!(base)),
        ("azure_endpoint", json!(base)),
        ("aws_bedrock_runtime_endpoint", json!(base)),
        ("aws_sts_endpoint", json!(base)),
        ("api_key", json!("sk-evil")),
        ("azure_ad_token", json!("sk-evil")),
        ("vertex_credentials", json!("{}")),
        ("api_version", json!("evil")),
        ("organization", json!("org-evil")),
        ("extra_headers", json!({"x-evil": "evil", "authorization": "Bearer sk-evil"})),
        ("headers", json!({"x-evil": "evil"})),
        ("default_headers", json!({"x-evil": "evil"})),
        ("extra_query", json!({"evil": "evil"})),
        ("extra_body", json!({"api_base": base})),
        ("custom_llm_provider", json!("evil")),
        ("litellm_credential_name", json!("evil")),
        ("model_list", json!([])),
        ("user_config", json!({"model_list": []})),
        ("router_settings_override", json!({"fallbacks": []})),
        ("ssl_verify", json!(false)),
    ]
}

#[tokio::test]
async fn a_body_cannot_say_where_it_goes_nor_with_which_key() {
    let (east, evil) = (Upstream::start().await, Upstream::start().await);
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    for (name, value) in elsewhere(&evil) {
        for value in [value, Value::Null] {
            let mut body = question("gpt-4");
            body[name] = value.clone();
            let answer = gateway.post(CHAT, body.to_string()).await;
            assert_eq!(answer.status, 400, "{name}");
            assert_eq!(answer.error()["param"], name.to_ascii_lowercase());
            assert_eq!(answer.error()["code"], "not_allowed");

            let hop = json!({"model": "gpt-4", name: value});
            let mut body = question("gpt-4");
            body["fallbacks"] = json!([hop]);
            assert_eq!(gateway.post(CHAT, body.to_string()).await.status, 400, "{name}");
        }
    }
    assert_eq!([east.attempts(), evil.attempts()], [0, 0]);
    // Nobody minds the words within.
    let mut body = question("gpt-4");
    body["tools"] = json!([{"headers": {"a": "b"}, "api_key": "x"}]);
    assert_eq!(gateway.post(CHAT, body.to_string()).await.status, 200);
}

#[tokio::test]
async fn no_header_and_no_query_leads_elsewhere() {
    let (east, evil) = (Upstream::start().await, Upstream::start().await);
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let base = evil.base_url();
    let address = evil.addr().to_string();
    let query =
        format!("?api_base={base}&base_url={base}&api_key=sk-evil&api-version=evil&host={address}");
    let headers = [
        "x-portkey-custom-host",
        "x-litellm-api-base",
        "x-litellm-custom-host",
        "x-custom-host",
        "x-api-base",
        "api-base",
        "x-base-url",
        "x-upstream-host",
        "x-forwarded-host",
        "x-original-url",
        "x-rewrite-url",
        "x-host",
        "forwarded",
        "helicone-target-url",
        "cf-aig-custom-host",
        "x-provider-api-key",
        "openai-organization",
        "ocp-apim-subscription-key",
        "x-goog-api-key",
    ];
    let mut request = post(&format!("{CHAT}{query}"), question("gpt-4").to_string());
    for name in headers {
        request.headers_mut().insert(name, format!("http://{address}/evil").parse().unwrap());
    }
    assert_eq!(gateway.send(request).await.status, 200);
    assert_eq!([east.attempts(), evil.attempts()], [1, 0]);
    let sent = &east.requests()[0];
    assert_eq!(sent.header("authorization"), Some(&*format!("Bearer {}", key_of("east"))));
    assert_eq!(sent.header("host"), Some(&*east.addr().to_string()));
    assert!(!format!("{sent:?}").contains("evil"), "{sent:?}");
    assert!(!format!("{sent:?}").contains(&address), "{sent:?}");
}

#[tokio::test]
async fn a_model_that_is_an_address_is_no_model() {
    let (east, evil) = (Upstream::start().await, Upstream::start().await);
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    for model in [evil.base_url(), format!("openai/{}", evil.base_url()), "gpt-4@evil".into()] {
        assert_eq!(gateway.ask(&model).await.status, 404, "{model}");
    }
    assert_eq!([east.attempts(), evil.attempts()], [0, 0]);
}

#[tokio::test]
async fn nothing_within_leads_elsewhere_either() {
    let (east, evil) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::status(401));
    let setup = Setup::new().with("gpt-4", "east", &east).with("small", "west", &east);
    let gateway = setup.start().await;
    let base = evil.base_url();
    let hop = json!({"model": "small", "api_base": base, "api_key": "sk-evil"});
    for name in ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"] {
        for list in [json!([hop]), json!([{"gpt-4": [hop]}]), json!([{"*": [hop]}])] {
            let mut body = question("gpt-4");
            body[name] = list;
            let answer = gateway.post(CHAT, body.to_string()).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.error()["code"]),
                (400, &json!("not_allowed"))
            );
        }
    }
    assert_eq!(east.attempts(), 0);
    east.always(Reply::ok());
    let elsewhere = json!({"api_base": base, "base_url": base, "headers": {"host": "evil"}});
    for name in ["metadata", "litellm_metadata", "litellm_params", "provider_options"] {
        let mut body = question("gpt-4");
        body[name] = elsewhere.clone();
        assert_eq!(gateway.post(CHAT, body.to_string()).await.status, 200, "{name}");
    }
    assert_eq!([east.attempts(), evil.attempts()], [4, 0]);
}

#[tokio::test]
async fn an_address_is_but_a_name_to_a_group_with_a_star() {
    let (east, evil) = (Upstream::start().await, Upstream::start().await);
    let setup = Setup::new().with("'*'", "east", &east).edited("model-of-east", "*");
    let gateway = setup.start().await;
    let model = evil.base_url();
    assert_eq!(gateway.ask(&model).await.status, 200);
    assert_eq!(east.requests()[0].model(), model);
    assert_eq!(evil.attempts(), 0);
}

#[tokio::test]
async fn a_provider_cannot_send_us_elsewhere_either() {
    let (east, evil) = (Upstream::start().await, Upstream::start().await);
    let gateway = Setup::new().with("gpt-4", "east", &east).router("num_retries: 0").start().await;
    for status in [301, 302, 303, 307, 308] {
        east.always(Reply::status(status).header("location", &format!("{}/chat", evil.base_url())));
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.status, 502, "{status}");
        assert_eq!(answer.header("location"), "");
    }
    assert_eq!(evil.attempts(), 0);
}

#[tokio::test]
async fn a_host_that_could_be_read_in_two_ways_is_refused() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    for host in ["a b", "user@gateway", "a/b", "a:b", "http://gateway"] {
        let mut request = post(CHAT, question("gpt-4").to_string());
        request.headers_mut().insert("host", host.parse().unwrap());
        let answer = gateway.send(request).await;
        assert_eq!(answer.status, 400, "{host}");
        assert_eq!(answer.error()["code"], "invalid_host");
    }
    let mut twice = post(CHAT, question("gpt-4").to_string());
    twice.headers_mut().append("host", "other".parse().unwrap());
    assert_eq!(gateway.send(twice).await.status, 400);
    let mut absolute = post(CHAT, question("gpt-4").to_string());
    *absolute.uri_mut() = format!("http://{}{CHAT}", east.addr()).parse().unwrap();
    let mut caller = gateway.caller().await;
    let refused = caller.sender.send_request(absolute).await.unwrap();
    assert_eq!(refused.status(), 400);
    let _ = refused.into_body().collect().await;
    assert_eq!(east.attempts(), 0);
}
