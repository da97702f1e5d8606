use super::*;

#[test]
fn points_at_what_is_no_yaml() {
    assert_eq!(
        told("model_list:\n  - model_name: [gpt-4\n"),
        "\
error: unclosed bracket '['
 --> config.yaml:2:17
  |
2 |   - model_name: [***
  |                 ^"
    );
}

#[test]
fn says_which_key_was_meant() {
    assert_eq!(
        told(&with_model("router_settings:\n  num_retrys: 3\n")),
        "\
error: unknown key `num_retrys` in `router_settings`
 --> config.yaml:5:3
  |
5 |   num_retrys: 3
  |   ^^^^^^^^^^ did you mean `num_retries`?"
    );
}

#[test]
fn says_where_a_key_belongs() {
    assert_eq!(
        told(&with_model("litellm_settings: {retry_policy: {}}\n")),
        "\
error: unknown key `retry_policy` in `litellm_settings`
 --> config.yaml:4:20
  |
4 | litellm_settings: {retry_policy: {}}
  |                    ^^^^^^^^^^^^ it belongs in `router_settings`"
    );
}

#[test]
fn says_what_a_value_must_be() {
    let text = "\
model_list:
  - model_name: 4
    litellm_params:
      model: openai/gpt-4o
      api_key: k
      weight: \"9\"
      order: first
";
    assert_eq!(
        told(text),
        "\
error: `model_name` must be text, not a number
 --> config.yaml:2:17
  |
2 |   - model_name: 4
  |                 ^ write it in quotes

error: `weight` must be a number, not text
 --> config.yaml:6:15
  |
6 |       weight: \"9\"
  |               ^^^ write it without quotes

error: `order` must be a whole number, 0 or more, not text
 --> config.yaml:7:14
  |
7 |       order: first
  |              ^^^^^"
    );
}

#[test]
fn refuses_a_negative_duration() {
    assert_eq!(
        told(&with_model("router_settings: {timeout: -5, retry_after: -2s}\n")),
        "\
error: `timeout` must not be negative (-5)
 --> config.yaml:4:28
  |
4 | router_settings: {timeout: -5, retry_after: -2s}
  |                            ^^

error: `retry_after` must not be negative (`-2s`)
 --> config.yaml:4:45
  |
4 | router_settings: {timeout: -5, retry_after: -2s}
  |                                             ^^^"
    );
}

#[test]
fn refuses_a_ceiling_below_the_start() {
    let text = with_model(
        "\
secondwind:
  policy:
    retry:
      backoff: {base: 5s, max: 2s}
",
    );
    assert_eq!(
        told(&text),
        "\
error: `max` must not be below base (2s < 5s)
 --> config.yaml:7:32
  |
7 |       backoff: {base: 5s, max: 2s}
  |                                ^^"
    );
}

#[test]
fn refuses_a_fallback_that_does_not_exist() {
    let text = with_models("router_settings:\n  fallbacks: [{gpt-4: [smal]}]\n");
    assert_eq!(
        told(&text),
        "\
error: there is no group `smal`
 --> config.yaml:7:24
  |
7 |   fallbacks: [{gpt-4: [smal]}]
  |                        ^^^^ did you mean `small`?"
    );
}

#[test]
fn refuses_a_group_as_its_own_fallback() {
    let text = with_models("router_settings:\n  fallbacks: [{gpt-4: [small, gpt-4]}]\n");
    assert_eq!(
        told(&text),
        "\
error: `gpt-4` cannot be its own fallback
 --> config.yaml:7:31
  |
7 |   fallbacks: [{gpt-4: [small, gpt-4]}]
  |                               ^^^^^"
    );
}

#[test]
fn leaves_out_a_deployment_that_is_left_out_as_a_fallback() {
    let text = "\
model_list:
  - model_name: gpt-4
    litellm_params: {model: gpt-4o, api_key: k}
  - model_name: gpt-4
    litellm_params: {model: bedrock/claude}
    model_info: {id: bedrock-1}
  - model_name: small
    litellm_params: {model: gpt-4o-mini, api_key: k}
router_settings: {fallbacks: [{small: [bedrock-1]}]}
";
    let loaded = read(text).unwrap();
    assert!(loaded.config.groups.iter().all(|group| group.policy.fallback().to().is_empty()));
    let [_, warning] = &loaded.warnings[..] else { panic!("{:?}", loaded.warnings) };
    assert!(warning.to_string().ends_with("^^^^^^^^^ name a group"), "{warning}");
}

#[test]
fn refuses_two_deployments_with_one_id() {
    let text = "\
model_list:
  - model_name: gpt-4
    litellm_params: {model: gpt-4o, api_key: k}
    model_info: {id: one}
  - model_name: small
    litellm_params: {model: gpt-4o-mini, api_key: k}
    model_info: {id: one}
";
    assert_eq!(
        told(text),
        "\
error: two deployments have the id `one`
 --> config.yaml:7:22
  |
7 |     model_info: {id: one}
  |                      ^^^ the first is in line 4"
    );
}

#[test]
fn names_an_environment_variable_that_is_missing() {
    let text = "\
model_list:
  - model_name: gpt-4
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
";
    assert_eq!(
        told(text),
        "\
error: the environment variable `OPENAI_API_KEY` is not set, or empty
 --> config.yaml:5:16
  |
5 |       api_key: os.environ/OPENAI_API_KEY
  |                ^^^^^^^^^^^^^^^^^^^^^^^^^"
    );
}

#[test]
fn refuses_what_is_there_twice() {
    assert_eq!(
        told(&with_model("router_settings: {timeout: 5, timeout: 6}\n")),
        "\
error: the key `timeout` is there twice
 --> config.yaml:4:31
  |
4 | router_settings: {timeout: 5, timeout: 6}
  |                               ^^^^^^^ first written in line 4"
    );
}

#[test]
fn refuses_a_file_without_deployments() {
    assert_eq!(
        told("model_list: []\n"),
        "\
error: `model_list` is empty
 --> config.yaml:1:1
  |
1 | model_list: []
  | ^^^^^^^^^^ name at least one deployment"
    );
    assert_eq!(
        told("router_settings: {}\n"),
        "\
error: there is no `model_list`
  = help: a `model_list` names the places that can answer"
    );
    assert!(told("# soon\n").starts_with("error: there is nothing in this file\n"));
    assert!(told("- 1\n").starts_with("error: the file must be a mapping"));
}

#[test]
fn refuses_what_is_not_built_yet() {
    let text = with_model(
        "\
secondwind:
  policy:
    hedge: {after: 2s}
  store: redis://:canary@127.0.0.1:6379
",
    );
    assert_eq!(
        told(&text),
        "\
error: `hedge` is not available yet
 --> config.yaml:6:5
  |
6 |     hedge: {after: 2s}
  |     ^^^^^ leave it out, or write \"off\"

error: `store` is not available yet
 --> config.yaml:7:3
  |
7 |   store: ***
  |   ^^^^^ leave it out: what is known is kept in memory"
    );
}

#[test]
fn tells_what_is_wrong_with_a_model() {
    let text = "\
model_list:
  - model_name: a
    litellm_params: {model: bedrock/claude-sonnet, api_key: k}
  - model_name: b
    litellm_params: {model: bedrock/claude-haiku, api_key: k}
  - model_name: c
    litellm_params: {model: grok/llama, api_key: k}
  - model_name: d
    litellm_params: {model: my-org/llama, api_key: k}
  - model_name: e
    litellm_params: {model: openai/, api_key: k}
  - model_name: f
    litellm_params: {model: hosted_vllm/llama}
";
    let findings = read(text).unwrap_err();
    let told: Vec<_> = findings
        .iter()
        .map(|finding| (finding.message.as_str(), finding.help.as_deref()))
        .collect();
    let openai = |rest: &str| {
        format!("write `openai/{rest}` and its `api_base` if it speaks OpenAI's dialect")
    };
    assert_eq!(
        told,
        [
            (
                "the dialect `bedrock` is not available yet: the deployment is left out (2 times)",
                Some(openai("claude-sonnet").as_str())
            ),
            ("the provider `grok` is not known", Some("did you mean `groq`?")),
            ("the provider `my-org` is not known", Some(openai("llama").as_str())),
            ("`model` has no name", None),
            (
                "`api_base` is missing: `hosted_vllm` has no address of its own",
                Some("give it an `api_base`")
            ),
        ]
    );
}

#[test]
fn says_what_is_wrong_with_an_address() {
    for (base, message) in [
        ("ftp://example.com", "`api_base` must begin with `https://` or `http://`"),
        ("api.example.com/v1", "`api_base` is not a URL"),
        ("example.com", "`api_base` must begin with `https://` or `http://`"),
        ("https://u:p@example.com", "`api_base` must not hold credentials"),
        ("https://example.com?a=b", "`api_base` must not have a query"),
        ("https://example.com/v1/chat/completions/", "`api_base` goes too far"),
        ("https://exa mple.com", "`api_base` is not a URL"),
    ] {
        let text = format!(
            "model_list: [{{model_name: a, litellm_params: {{model: m, api_base: '{base}'}}}}]"
        );
        let findings = read(&text).unwrap_err().into_vec();
        assert_eq!(findings.len(), 1, "{base}");
        assert_eq!(findings[0].message, message, "{base}");
    }
}

#[test]
fn tells_all_at_once_and_in_order() {
    let text = "\
model_list:
  - model_name: gpt-4
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/NOPE, weigth: 1, order: -1}
  - model_name: gpt-4
    litellm_params: {model: bedrock/claude, timeout: 5x}
    model_info: {id: a b}
router_settings:
  fallbacks: [{gpt-4: [gpt-5]}]
  retry_policy: {TimeoutErrorRetrys: 1}
secondwind:
  policy: {retry: {backoff: {base: -1, factor: 0.5}}, breaker: {cooldwon_time: 5}}
  groups: {gpt-44: {}}
";
    let findings = read(text).unwrap_err();
    let told: Vec<_> = findings
        .iter()
        .map(|finding| {
            let place = finding.place.as_ref().unwrap();
            (place.line, place.column, finding.message.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            (3, 53, "the environment variable `NOPE` is not set, or empty"),
            (3, 70, "unknown key `weigth` in `litellm_params`"),
            (3, 88, "`order` must be a whole number, 0 or more, not a negative number"),
            (5, 29, "the dialect `bedrock` is not available yet: the deployment is left out"),
            (6, 22, "an `id` must be letters, digits and signs of ASCII, without spaces"),
            (8, 24, "there is no group `gpt-5`"),
            (9, 18, "unknown class `TimeoutErrorRetrys`"),
            (11, 36, "`base` must not be negative (-1)"),
            (11, 48, "`factor` must be at least 1, not 0.5"),
            (11, 65, "unknown key `cooldwon_time`"),
            (12, 12, "there is no group `gpt-44`"),
        ]
    );
    assert_eq!(findings.errors(), 10);
}

#[test]
fn warns_once_of_a_key_without_effect() {
    let text = "\
model_list:
  - model_name: a
    litellm_params: {model: m, api_key: k, stream_timeout: 60, drop_params: false}
    model_info: {max_tokens: 9, team: blue}
  - model_name: b
    litellm_params: {model: m, api_key: k, stream_timeout: 60, tags: []}
    model_info: {max_tokens: 9, supports_assistant_prefill: false}
router_settings: {redis_host: h, routing_strategy: provider-budget-routing, set_verbose: false}
guardrails: [{guardrail_name: x}]
";
    assert_eq!(
        warnings(text),
        [
            "`max_tokens` in `model_info` has no effect yet (2 times)",
            "`team` in `model_info` has no effect",
            "`redis_host` in `router_settings` has no effect yet",
            "`provider-budget-routing` has no effect yet; `simple-shuffle` is used",
            "`guardrails` has no effect yet",
        ]
    );
}

#[test]
fn warns_of_streams_that_are_to_be_carried_on_where_there_are_none() {
    let text = "\
model_list:
  - model_name: vectors
    litellm_params: {model: openai/text-embedding-3-small, api_key: k}
    model_info: {mode: embedding}
  - model_name: mixed
    litellm_params: {model: openai/text-embedding-3-small, api_key: k}
    model_info: {mode: embedding}
  - model_name: mixed
    litellm_params: {model: openai/gpt-4o, api_key: k}
secondwind:
  policy: {stream: {recovery: continue}}
  groups:
    vectors:
      stream: {recovery: continue, keepalive: 15s}
    mixed:
      stream: {recovery: continue, keepalive: 15s}
";
    let loaded = read(text).unwrap();
    let told: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told.join("\n"),
        "\
warning: `recovery` has no effect: the models of `vectors` make embeddings, which are no streams
  --> config.yaml:14:16
   |
14 |       stream: {recovery: continue, keepalive: 15s}
   |                ^^^^^^^^ leave it out
warning: `keepalive` has no effect: the models of `vectors` make embeddings, which are no streams
  --> config.yaml:14:36
   |
14 |       stream: {recovery: continue, keepalive: 15s}
   |                                    ^^^^^^^^^ leave it out"
    );
    assert_eq!(
        warnings(&text.replace("{recovery: continue, keepalive: 15s}", "{recovery: off}")),
        [""; 0]
    );
}
