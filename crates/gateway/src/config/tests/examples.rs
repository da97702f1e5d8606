use secondwind_policy::{Class, WhenAllOpen};

use super::*;

/// Every key that there is, those included that are not built yet.
const ALL: &str = "\
model_list:
  - model_name: gpt-4                      # the group
    litellm_params:
      model: openai/gpt-4o                 # dialect / upstream model
      api_base: https://eu.example.com/v1
      api_key: os.environ/OPENAI_API_KEY
      timeout: 20
      weight: 9
      order: 1
    model_info: {id: openai-1, max_input_tokens: 128000, supports_assistant_prefill: false}
  - model_name: gpt-3.5
    litellm_params: {model: openai/gpt-3.5-turbo, api_key: os.environ/OPENAI_API_KEY}
  - model_name: gpt-4-long
    litellm_params: {model: openai/gpt-4.1, api_key: os.environ/OPENAI_API_KEY}
  - model_name: small
    litellm_params: {model: openai/gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY}
router_settings:
  num_retries: 3
  retry_after: 5
  timeout: 60
  stream_timeout: 60
  retry_policy: {TimeoutErrorRetries: 3, RateLimitErrorRetries: 5}
  model_group_retry_policy: {gpt-4: {RateLimitErrorRetries: 10}}
  fallbacks: [{gpt-4: [gpt-3.5]}]
  context_window_fallbacks: [{gpt-4: [gpt-4-long]}]
  content_policy_fallbacks: []
  default_fallbacks: [small]
  allowed_fails: 3
  cooldown_time: 5
  routing_strategy: simple-shuffle
secondwind:
  policy:
    retry:
      backoff: {base: 1s, factor: 2, max: 60s}
      max_retry_after: 60s
      budget: {ratio: 0.2, min_per_second: 10, window: 10s}
      prefer_sibling: [timeout, connection, rate_limit, internal_server, service_unavailable]
    timeout: {connect: 5s, first_content: 10s, idle: 30s, content_idle: 120s, attempt: 60s, total: 120s, reserve: 10s}
    fallback: {max: 5, classes: [timeout, connection, rate_limit, internal_server]}
    hedge: {after: 2s, max_extra_load: 0.02}
    breaker: {when_all_open: fail_fast}
    stream: {recovery: continue, keepalive: 15s}
  groups:
    gpt-4: {timeout: {first_content: 20s}}
  store: redis://127.0.0.1:6379
";

/// The environment of the examples.
const ENV: &[(&str, &str)] = &[
    ("OPENAI_API_KEY", "sk-of-openai"),
    ("GROQ_API_KEY", "gsk-of-groq"),
    ("LITELLM_MASTER_KEY", "sk-of-master"),
    ("VLLM_URL", "http://10.0.0.7:8000/v1/"),
    ("RETRIES", "4"),
];

#[test]
fn the_example_of_all_keys_says_what_is_not_built_yet() {
    let findings = read_with(ALL, ENV).unwrap_err();
    let told = |severity| {
        let of = findings.iter().filter(|finding| finding.severity == severity);
        of.map(|finding| finding.message.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(
        told(Severity::Error),
        ["`hedge` is not available yet", "`store` is not available yet",]
    );
    assert_eq!(told(Severity::Warning), [] as [&str; 0]);
}

#[test]
fn the_example_without_them_is_clean() {
    let mut text = ALL
        .replace("first_content: 10s, idle: 30s, content_idle: 120s, ", "idle: off, ")
        .replace("hedge: {after: 2s, max_extra_load: 0.02}", "hedge: off")
        .replace("{recovery: continue, keepalive: 15s}", "{recovery: off}")
        .replace("{first_content: 20s}", "{total: 90s}")
        .replace("store: redis://127.0.0.1:6379", "store: memory");
    text = text.replace("  stream_timeout: 60\n", "");
    let config = clean_with(&text, ENV);

    let group = &config.groups[0];
    assert_eq!(group.name, "gpt-4");
    let policy = &group.policy;
    assert_eq!(policy.retry().num_retries(), 3);
    assert_eq!(policy.retry().retry_after(), secs(5));
    assert_eq!(policy.retry().explicit(Class::Timeout), Some(3));
    assert_eq!(policy.retry().explicit(Class::RateLimit), Some(10));
    assert!(!policy.retry().prefer_sibling(Class::Authentication));
    assert_eq!(policy.timeout().attempt(), Some(secs(60)));
    assert_eq!(policy.timeout().total(), Some(secs(90)));
    assert_eq!(policy.fallback().to(), ["gpt-3.5"]);
    assert_eq!(policy.fallback().context_window(), ["gpt-4-long"]);
    assert!(policy.fallback().content_policy().is_empty());
    assert!(!policy.fallback().allows(Class::NotFound));
    assert_eq!(policy.breaker().when_all_open(), WhenAllOpen::FailFast);

    let [deployment] = &group.deployments[..] else { panic!() };
    assert_eq!(deployment.id, "openai-1");
    assert_eq!(deployment.provider, "openai");
    assert_eq!(deployment.model, "gpt-4o");
    assert_eq!(deployment.api_base, "https://eu.example.com/v1");
    assert_eq!(deployment.api_key.as_ref().map(Secret::expose), Some("sk-of-openai"));
    assert_eq!((deployment.weight, deployment.order), (9.0, 1));
    assert_eq!(deployment.policy.timeout().attempt(), Some(secs(20)));

    let small = &config.groups[3];
    assert!(small.policy.fallback().to().is_empty(), "never to itself");
    assert_eq!(config.groups[1].policy.fallback().to(), ["small"]);
    assert_eq!(small.deployments[0].api_base, "https://api.openai.com/v1");
}

#[test]
fn reads_load_balancing() {
    let config = clean_with(
        "\
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: gpt-4o
      rpm: 900
  - model_name: gpt-4o
    litellm_params:
      model: openrouter/openai/gpt-4o
      api_key: sk-of-openrouter
      rpm: 100
  - model_name: gpt-4o
    litellm_params:
      model: llama-3.3-70b-versatile
      custom_llm_provider: groq

router_settings:
  routing_strategy: simple-shuffle
  num_retries: 2
  timeout: 30
  disable_cooldowns: True
",
        ENV,
    );
    let [group] = &config.groups[..] else { panic!() };
    let told: Vec<_> = group
        .deployments
        .iter()
        .map(|d| {
            let key = d.api_key.as_ref().map_or("", Secret::expose);
            (d.provider.as_str(), d.model.as_str(), d.api_base.to_string(), key, d.weight)
        })
        .collect();
    let base = |text: &str| text.to_owned();
    assert_eq!(
        told,
        [
            ("openai", "gpt-4o", base("https://api.openai.com/v1"), "sk-of-openai", 900.0),
            (
                "openrouter",
                "openai/gpt-4o",
                base("https://openrouter.ai/api/v1"),
                "sk-of-openrouter",
                100.0
            ),
            (
                "groq",
                "llama-3.3-70b-versatile",
                base("https://api.groq.com/openai/v1"),
                "gsk-of-groq",
                0.0
            ),
        ]
    );
    assert!(!group.policy.breaker().enabled());
    assert_eq!(config.master_key.as_ref().map(Secret::expose), Some("sk-of-master"));
}

#[test]
fn reads_fallbacks_in_litellm_settings() {
    let config = clean_with(
        "\
model_list:
  - model_name: zephyr
    litellm_params: {model: openai/zephyr-beta, api_base: 'http://0.0.0.0:8001', api_key: none}
  - model_name: zephyr
    litellm_params: {model: openai/zephyr-beta, api_base: 'http://0.0.0.0:8002', api_key: none}
  - model_name: gpt-4o-mini
    litellm_params: {model: gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY}
  - model_name: gpt-4.1
    litellm_params: {model: gpt-4.1, api_key: os.environ/OPENAI_API_KEY}

litellm_settings:
  num_retries: 3
  request_timeout: 10
  fallbacks: [{\"zephyr\": [\"gpt-4o-mini\"]}]
  context_window_fallbacks: [{\"zephyr\": [\"gpt-4.1\"]}, {\"gpt-4o-mini\": [\"gpt-4.1\"]}]
",
        ENV,
    );
    let zephyr = &config.groups[0];
    assert_eq!(zephyr.deployments.len(), 2);
    assert_eq!(zephyr.policy.fallback().list_for(Class::RateLimit), ["gpt-4o-mini"]);
    assert_eq!(zephyr.policy.fallback().list_for(Class::ContextWindow), ["gpt-4.1"]);
    assert_eq!(zephyr.policy.retry().num_retries(), 3);
    assert_eq!(zephyr.policy.timeout().attempt(), Some(secs(10)));
}

#[test]
fn reads_retry_policies_and_orders() {
    let config = clean_with(
        "\
model_list:
  - model_name: gpt-4
    litellm_params: {model: openai/gpt-4, api_key: os.environ/OPENAI_API_KEY, order: 1}
  - model_name: gpt-4
    litellm_params: {model: openai/gpt-4, api_key: sk-another, order: 2}

router_settings:
  retry_policy: {
    \"BadRequestErrorRetries\": 1,
    \"AuthenticationErrorRetries\": 0,
    \"TimeoutErrorRetries\": 2,
    \"RateLimitErrorRetries\": 3,
    \"ContentPolicyViolationErrorRetries\": 4,
    \"InternalServerErrorRetries\": 4
  }
  model_group_retry_policy:
    gpt-4: {\"RateLimitErrorRetries\": 6}
  retry_after: 0.5
",
        ENV,
    );
    let retry = config.groups[0].policy.retry();
    for (class, count) in [
        (Class::BadRequest, 1),
        (Class::Permission, 0),
        (Class::Timeout, 2),
        (Class::RateLimit, 6),
        (Class::ContentPolicy, 4),
        (Class::ServiceUnavailable, 4),
        (Class::Connection, 2),
    ] {
        assert_eq!(retry.allowed(class, None), count, "{class}");
    }
    let deployments = &config.groups[0].deployments;
    assert_eq!(deployments.iter().map(|d| d.order).collect::<Vec<_>>(), [1, 2]);
    assert_ne!(deployments[0].id, deployments[1].id);
}

#[test]
fn reads_servers_of_ones_own() {
    let config = clean_with(
        "\
environment_variables:
  SELF: os.environ/VLLM_URL
  PORT: 1234
model_list:
  - model_name: llama
    litellm_params:
      model: hosted_vllm/meta-llama/Llama-3.1-8B
      api_base: os.environ/SELF
      num_retries: os.environ/RETRIES
  - model_name: local
    litellm_params: {model: lm_studio/phi, base_url: 'http://localhost'}
    model_info: {id: 7}
general_settings:
  master_key: os.environ/PORT
",
        ENV,
    );
    let llama = &config.groups[0].deployments[0];
    assert_eq!(llama.api_base, "http://10.0.0.7:8000/v1");
    assert_eq!(llama.model, "meta-llama/Llama-3.1-8B");
    assert_eq!(llama.policy.retry().num_retries(), 4);
    assert!(llama.api_key.is_none());
    let local = &config.groups[1].deployments[0];
    assert_eq!(local.id, "7");
    assert_eq!(local.api_base, "http://localhost/");
    assert_eq!(config.master_key.as_ref().map(Secret::expose), Some("1234"));
}

#[test]
fn warns_of_a_provider_without_a_key() {
    let text = "\
model_list:
  - model_name: a
    litellm_params: {model: gpt-4o}
  - model_name: b
    litellm_params: {model: gpt-4o-mini}
  - model_name: c
    litellm_params: {model: gpt-4o, api_base: 'http://localhost/v1'}
";
    assert_eq!(
        warnings(text),
        ["`openai` gets no key: `OPENAI_API_KEY` is not set either (2 times)"]
    );
    // A key of the environment does not go just anywhere.
    let config = clean_with(text, ENV);
    let key = |n: usize| config.groups[n].deployments[0].api_key.is_some();
    assert_eq!([key(0), key(1), key(2)], [true, true, false]);
}

#[test]
fn made_ids_stay_when_others_come_and_go() {
    let ids = |bases: &[&str]| {
        let mut text = String::from("model_list:\n");
        for base in bases {
            text.push_str(&format!(
                "  - {{model_name: org/gpt, litellm_params: {{model: m, api_base: 'http://{base}'}}}}\n"
            ));
        }
        let config = clean(&text);
        let ids = config.groups[0].deployments.iter().map(|d| d.id.clone());
        ids.collect::<Vec<_>>()
    };
    let all = ids(&["a", "b", "c", "b"]);
    assert_eq!(all[0], "org-gpt-e8c9cf");
    assert_eq!(all[3], format!("{}-2", all[1]));
    assert_eq!(ids(&["c", "a"]), [all[2].clone(), all[0].clone()]);
}
