use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use super::builtin::{by_name, names};
use super::{Anthropic, Azure, Dialect, Endpoint, Gemini, OpenAi, OpenAiChat};

const ALL: [&dyn Dialect; 5] = [&Anthropic, &Azure, &Gemini, &OpenAi, &OpenAiChat];

fn headers(names: &[&str]) -> HeaderMap {
    names
        .iter()
        .map(|name| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("canary")))
        .collect()
}

fn names_of(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_callers_credentials_reach_no_provider() {
    let caller = headers(&[
        "authorization",
        "proxy-authorization",
        "cookie",
        "cookie2",
        "host",
        "api-key",
        "x-api-key",
        "x-goog-api-key",
        "x-goog-user-project",
        "x-amz-security-token",
        "x-amz-date",
        "ocp-apim-subscription-key",
        "openai-organization",
        "openai-project",
        "anthropic-organization-id",
        "x-litellm-api-key",
        "x-litellm-timeout",
        "x-secondwind-trail",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
        "forwarded",
        "via",
        "referer",
        "origin",
        "connection",
        "keep-alive",
        "te",
        "transfer-encoding",
        "content-length",
        "content-encoding",
        "accept-encoding",
        "expect",
        "traceparent",
        "x-anything",
    ]);
    for dialect in ALL {
        let sent = dialect.request_headers(&caller);
        assert!(sent.values().all(|value| value != "canary"), "{} {sent:?}", dialect.name());
    }
}

#[test]
fn what_a_provider_needs_reaches_it_as_it_was() {
    let names = [
        "accept",
        "content-type",
        "idempotency-key",
        "openai-beta",
        "user-agent",
        "x-client-request-id",
        "x-stainless-lang",
        "x-stainless-retry-count",
    ];
    assert_eq!(names_of(&OpenAiChat.request_headers(&headers(&names))), names);
}

#[test]
fn a_header_of_one_api_is_not_sent_to_another() {
    let caller =
        headers(&["anthropic-beta", "anthropic-version", "openai-beta", "x-goog-api-client"]);
    for (dialect, passed) in [
        (&Anthropic as &dyn Dialect, &["anthropic-beta", "anthropic-version"][..]),
        (&Azure, &["openai-beta"]),
        (&Gemini, &["x-goog-api-client"]),
        (&OpenAi, &["openai-beta"]),
        (&OpenAiChat, &["openai-beta"]),
    ] {
        assert_eq!(names_of(&dialect.request_headers(&caller)), passed, "{}", dialect.name());
    }
}

#[test]
fn what_the_connection_claims_stays_with_it() {
    let mut caller = headers(&["accept", "openai-beta", "user-agent"]);
    caller.append("connection", HeaderValue::from_static("close , OpenAI-Beta"));
    caller.append("connection", HeaderValue::from_static("user-agent"));
    assert_eq!(names_of(&OpenAiChat.request_headers(&caller)), ["accept"]);
}

#[test]
fn a_caller_sees_the_providers_headers_but_not_its_secrets() {
    let mut provider = headers(&[
        "set-cookie",
        "www-authenticate",
        "proxy-authenticate",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "content-length",
        "alt-svc",
        "strict-transport-security",
        "access-control-allow-origin",
        "openai-organization",
        "openai-project",
        "anthropic-organization-id",
        "x-litellm-model-id",
        "x-secondwind-trail",
        "content-type",
        "content-encoding",
        "openai-processing-ms",
        "retry-after",
        "x-ratelimit-remaining-tokens",
        "x-request-id",
        "x-should-retry",
    ]);
    provider.append("x-twice", HeaderValue::from_static("1"));
    provider.append("x-twice", HeaderValue::from_static("2"));
    let relayed = OpenAiChat.reply_headers(&provider);
    assert_eq!(
        names_of(&relayed),
        [
            "content-encoding",
            "content-type",
            "openai-processing-ms",
            "retry-after",
            "x-ratelimit-remaining-tokens",
            "x-request-id",
            "x-should-retry",
            "x-twice",
        ]
    );
    assert_eq!(relayed.get_all("x-twice").iter().count(), 2);
}

#[test]
fn a_key_is_sent_and_never_shown() {
    for (dialect, name, value) in [
        (&Anthropic as &dyn Dialect, "x-api-key", "sk-secret"),
        (&Azure, "api-key", "sk-secret"),
        (&Gemini, "x-goog-api-key", "sk-secret"),
        (&OpenAi, "authorization", "Bearer sk-secret"),
        (&OpenAiChat, "authorization", "Bearer sk-secret"),
    ] {
        let auth = dialect.auth("sk-secret").unwrap();
        assert_eq!((auth.len(), &auth[name]), (1, &HeaderValue::from_static(value)));
        assert!(!format!("{auth:?}").contains("secret"));
        let error = dialect.auth("sk-secret\n").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}

#[test]
fn every_name_is_in_the_list_once_and_leads_to_an_address() {
    let known: Vec<_> = names().collect();
    assert!(known.is_sorted_by(|one, next| one < next), "{known:?}");
    for name in known {
        let provider = by_name(name).unwrap();
        assert_eq!(provider.name, name);
        assert!(
            provider
                .api_base
                .is_none_or(|base| base.starts_with("https://") && !base.ends_with('/'))
        );
        let (endpoint, wanted) = match provider.dialect.name() {
            "anthropic_messages" => (Endpoint::Messages, "/v1/messages"),
            "gemini" => (Endpoint::GenerateContent, "/models/m:generateContent"),
            _ => (Endpoint::Embeddings, "/embeddings"),
        };
        let path = provider.dialect.endpoint_path(endpoint, "m", false);
        assert_eq!(path.as_deref(), Some(wanted), "{name}");
    }
    assert!(by_name("OpenAI").is_none() && by_name("").is_none());
}

#[test]
fn what_can_be_streamed_has_a_reader_of_its_own_protocol() {
    let streams = |endpoint| OpenAiChat.streams(endpoint).map(|streams| format!("{streams:?}"));
    assert_eq!(streams(Endpoint::ChatCompletions).as_deref(), Some("ChatCompletions"));
    assert_eq!(streams(Endpoint::Completions).as_deref(), Some("Completions"));
    assert_eq!(streams(Endpoint::Responses).as_deref(), Some("Responses"));
    assert_eq!(streams(Endpoint::Embeddings), None);
    assert!(Anthropic.streams(Endpoint::Messages).is_some());
    assert!(Gemini.streams(Endpoint::GenerateContent).is_some());
}

#[test]
fn each_speaks_the_endpoints_of_its_api_and_no_others() {
    for (dialect, endpoints) in [
        (&Anthropic as &dyn Dialect, &[Endpoint::Messages][..]),
        (&Azure, &[Endpoint::ChatCompletions, Endpoint::Completions, Endpoint::Embeddings]),
        (&Gemini, &[Endpoint::GenerateContent]),
        (
            &OpenAi,
            &[
                Endpoint::ChatCompletions,
                Endpoint::Completions,
                Endpoint::Embeddings,
                Endpoint::Responses,
            ],
        ),
        (&OpenAiChat, &[Endpoint::ChatCompletions, Endpoint::Completions, Endpoint::Embeddings]),
    ] {
        let all = [
            Endpoint::ChatCompletions,
            Endpoint::Completions,
            Endpoint::Embeddings,
            Endpoint::Responses,
            Endpoint::Messages,
            Endpoint::GenerateContent,
        ];
        let spoken = all.into_iter().filter(|at| dialect.endpoint_path(*at, "m", true).is_some());
        assert_eq!(spoken.collect::<Vec<_>>(), endpoints, "{}", dialect.name());
    }
}

#[test]
fn what_is_an_accounts_stands_beside_azures_deployments() {
    assert_eq!(OpenAiChat.account_base("/v1"), Some("/v1"));
    assert_eq!(OpenAi.account_base("/v1"), Some("/v1"));
    assert_eq!(Azure.account_base("/openai/deployments/y"), Some("/openai"));
    assert_eq!(Azure.account_base("/openai/v1"), Some("/openai/v1"));
    assert_eq!(Anthropic.account_base("/"), None);
    assert_eq!(Gemini.account_base("/v1beta"), None);
}
