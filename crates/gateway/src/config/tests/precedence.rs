use secondwind_policy::{Class, Policy};

use super::*;

/// The policies of the groups of a text, and those of their deployments.
fn policies(text: &str) -> Vec<(Policy, Vec<Policy>)> {
    let config = clean(text);
    let of = |group: &GroupConfig| {
        let own = group.deployments.iter().map(|d| (*d.policy).clone());
        ((*group.policy).clone(), own.collect())
    };
    config.groups.iter().map(of).collect()
}

#[test]
fn nothing_said_is_the_default() {
    let config = clean(MODEL);
    assert_eq!(*config.policy, Policy::default());
    assert_eq!(*config.groups[0].policy, Policy::default());
    assert_eq!(*config.groups[0].deployments[0].policy, Policy::default());
}

#[test]
fn router_settings_win_over_litellm_settings() {
    let config = clean(&with_models(
        "\
litellm_settings:
  num_retries: 1
  request_timeout: 100
  max_fallbacks: 1
  fallbacks: [{small: [gpt-4]}]
  default_fallbacks: [gpt-4]
",
    ));
    let policy = &config.policy;
    assert_eq!(policy.retry().num_retries(), 1);
    assert_eq!(policy.timeout().attempt(), Some(secs(100)));
    assert_eq!(policy.fallback().max(), 1);
    assert_eq!(config.groups[1].policy.fallback().to(), ["gpt-4"]);

    let config = clean(&with_models(
        "\
litellm_settings:
  num_retries: 1
  request_timeout: 100
  max_fallbacks: 1
  fallbacks: [{small: [gpt-4]}]
router_settings:
  num_retries: 4
  timeout: 40
  max_fallbacks: 4
  fallbacks: [{gpt-4: [small]}]
",
    ));
    let policy = &config.policy;
    assert_eq!(policy.retry().num_retries(), 4);
    assert_eq!(policy.timeout().attempt(), Some(secs(40)));
    assert_eq!(policy.fallback().max(), 4);
    assert_eq!(config.groups[0].policy.fallback().to(), ["small"]);
    assert!(config.groups[1].policy.fallback().to().is_empty());
}

/// 3.2 of the semantics: the group's count, the policy's, `DefaultRetries`, the deployment's
/// number, the router's.
#[test]
fn the_nearest_count_decides() {
    let text = "\
model_list:
  - model_name: gpt-4
    litellm_params: {model: gpt-4o, api_key: k}
  - model_name: gpt-4
    litellm_params: {model: gpt-4o, api_key: k, num_retries: 7}
  - model_name: small
    litellm_params: {model: gpt-4o-mini, api_key: k, num_retries: 8}
litellm_settings: {num_retries: 1}
router_settings:
  num_retries: 3
  retry_policy: {TimeoutErrorRetries: 4, RateLimitErrorRetries: 5}
  model_group_retry_policy: {gpt-4: {RateLimitErrorRetries: 10}}
";
    let [(gpt4, gpt4_own), (_, small_own)] = &policies(text)[..] else { panic!() };
    let allowed = |policy: &Policy, class| policy.retry().allowed(class, None);
    // class, group, its first deployment, its second, the other group's
    for (class, counts) in [
        (Class::RateLimit, [10, 10, 10, 5]),
        (Class::Timeout, [4, 4, 4, 4]),
        (Class::InternalServer, [3, 3, 7, 8]),
        (Class::BadRequest, [0, 0, 0, 0]),
    ] {
        let found = [gpt4, &gpt4_own[0], &gpt4_own[1], &small_own[0]];
        assert_eq!(found.map(|policy| allowed(policy, class)), counts, "{class}");
    }

    let default = text.replace("TimeoutErrorRetries", "DefaultRetries");
    let [(_, gpt4_own), _] = &policies(&default)[..] else { panic!() };
    assert_eq!(allowed(&gpt4_own[1], Class::InternalServer), 4);
    assert_eq!(allowed(&gpt4_own[1], Class::RateLimit), 10);
    assert_eq!(gpt4_own[1].retry().allowed(Class::RateLimit, Some(0)), 0);
}

#[test]
fn group_counts_are_merged_value_by_value() {
    let text = with_model(
        "\
router_settings:
  retry_policy: {InternalServerErrorRetries: 2}
  model_group_retry_policy: {gpt-4: {RateLimitErrorRetries: 1}}
",
    );
    let config = clean(&text);
    let retry = config.groups[0].policy.retry();
    assert_eq!(retry.explicit(Class::InternalServer), Some(2));
    assert_eq!(retry.explicit(Class::RateLimit), Some(1));
}

#[test]
fn a_deployment_has_its_own_attempt_clock() {
    let text = "\
model_list:
  - model_name: gpt-4
    litellm_params: {model: gpt-4o, api_key: k, timeout: 20}
  - model_name: gpt-4
    litellm_params: {model: gpt-4o, api_key: k, request_timeout: 30}
  - model_name: gpt-4
    litellm_params: {model: gpt-4o, api_key: k, timeout: 250ms, request_timeout: 30}
  - model_name: gpt-4
    litellm_params: {model: gpt-4o, api_key: k, timeout: null}
router_settings: {timeout: 60}
";
    let [(group, own)] = &policies(text)[..] else { panic!() };
    let attempts: Vec<_> = own.iter().map(|policy| policy.timeout().attempt()).collect();
    let quarter = std::time::Duration::from_millis(250);
    assert_eq!(attempts, [Some(secs(20)), Some(secs(30)), Some(quarter), Some(secs(60))]);
    assert_eq!(group.timeout().attempt(), Some(secs(60)));
}

#[test]
fn secondwind_wins_over_the_keys_of_litellm() {
    let text = with_models(
        "\
router_settings:
  num_retries: 1
  retry_after: 1
  timeout: 60
  cooldown_time: 1
  default_fallbacks: [small]
  model_group_retry_policy: {gpt-4: {RateLimitErrorRetries: 1, TimeoutErrorRetries: 1}}
secondwind:
  policy:
    retry: {num_retries: 2, retry_after: 2s, counts: {timeout: 2, conflict: 2}}
    timeout: {total: 2m}
    fallback: {max: 2}
    breaker: {cooldown_time: 2}
  groups:
    gpt-4:
      retry: {num_retries: 3, counts: {rate_limit: 3}}
      timeout: {total: 30s}
",
    );
    let config = clean(&text);
    let base = &config.policy;
    assert_eq!(base.retry().num_retries(), 2);
    assert_eq!(base.retry().retry_after(), secs(2));
    assert_eq!(base.retry().explicit(Class::Timeout), Some(2));
    assert_eq!(base.timeout().attempt(), Some(secs(60)));
    assert_eq!(base.timeout().total(), Some(secs(120)));
    assert_eq!(base.fallback().max(), 2);
    assert_eq!(base.breaker().cooldown_time(), secs(2));

    let gpt4 = &config.groups[0].policy;
    assert_eq!(gpt4.retry().num_retries(), 3);
    assert_eq!(gpt4.retry().explicit(Class::RateLimit), Some(3));
    // What is said of one group is nearer than what is said of all.
    assert_eq!(gpt4.retry().explicit(Class::Timeout), Some(1));
    assert_eq!(gpt4.retry().explicit(Class::Conflict), Some(2));
    assert_eq!(gpt4.timeout().total(), Some(secs(30)));
    assert_eq!(gpt4.timeout().attempt(), None, "the deadline ends sooner");
    assert_eq!(gpt4.fallback().to(), ["small"]);
}

#[test]
fn what_secondwind_switches_off_stays_off() {
    let rest = "\
router_settings:
  num_retries: 5
  timeout: 60
  fallbacks: [{gpt-4: [small]}]
  model_group_retry_policy: {gpt-4: {RateLimitErrorRetries: 5}}
secondwind:
  policy: {retry: off, fallback: off, timeout: off}
";
    let text = with_models(rest).replace("api_key: k", "api_key: k, num_retries: 4, timeout: 9");
    let config = clean(&text);
    let group = &config.groups[0];
    assert_eq!(*group.policy, *config.policy);
    assert_eq!(*group.deployments[0].policy, *config.policy);
    assert_eq!(group.policy.retry().most(None), 0);
    assert!(group.policy.fallback().list_for(Class::Timeout).is_empty());
    assert_eq!(group.policy.timeout().attempt(), None);

    let text = format!("{text}  groups: {{gpt-4: {{retry: {{num_retries: 1}}}}}}\n");
    let config = clean(&text);
    assert_eq!(config.groups[0].policy.retry().num_retries(), 1);
    assert_eq!(config.groups[0].deployments[0].policy.retry().num_retries(), 4);
    assert_eq!(config.groups[1].policy.retry().most(None), 0);
}

#[test]
fn a_timeout_beyond_the_deadline_has_no_effect() {
    let text = with_model("router_settings: {timeout: 6000}\n");
    let loaded = read(&text).unwrap();
    assert_eq!(loaded.config.policy.timeout().attempt(), None);
    assert_eq!(
        loaded.warnings[0].to_string(),
        "\
warning: `timeout` has no effect: the deadline of 600s ends sooner
 --> config.yaml:4:28
  |
4 | router_settings: {timeout: 6000}
  |                            ^^^^ set `secondwind.policy.timeout.total`"
    );

    let more = format!("{text}secondwind: {{policy: {{timeout: {{total: 2h}}}}}}\n");
    let config = clean(&more);
    assert_eq!(config.policy.timeout().attempt(), Some(secs(6000)));

    // But where both are ours, they contradict each other.
    let ours = with_model("secondwind: {policy: {timeout: {attempt: 20, total: 10}}}\n");
    assert!(told(&ours).starts_with("error: `attempt` must not be longer than total (20s > 10s)"));
    let ours = with_model("secondwind: {groups: {gpt-4: {timeout: {attempt: 20, total: 10}}}}\n");
    assert!(told(&ours).starts_with("error: `attempt` must not be longer than total (20s > 10s)"));
}

#[test]
fn a_group_has_its_own_list_or_the_general_one() {
    let list = |rest: &str| {
        let models =
            with_models("  - model_name: long\n    litellm_params: {model: gpt-4.1, api_key: k}\n");
        let config = clean(&format!("{models}{rest}"));
        let of = |group: &GroupConfig| {
            let fallback = group.policy.fallback();
            [fallback.to(), fallback.context_window(), fallback.content_policy()]
                .map(|list| list.join(" "))
        };
        config.groups.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(
        list(
            "router_settings:\n  fallbacks: [{gpt-4: [long, small]}, {small: []}]\n  \
             default_fallbacks: [small, gpt-4]\n"
        ),
        [["long small", "", ""], ["", "", ""], ["small gpt-4", "", ""]]
    );
    assert_eq!(
        list("router_settings: {default_fallbacks: [small]}\n"),
        [["small", "", ""], ["", "", ""], ["small", "", ""]],
        "never to itself"
    );
    assert_eq!(
        list(
            "router_settings: {fallbacks: [{'*': [long]}], default_fallbacks: [small], \
             context_window_fallbacks: [{'*': [long]}, {small: [gpt-4]}], \
             content_policy_fallbacks: [{gpt-4: [small]}]}\n"
        ),
        [["long", "long", "small"], ["long", "gpt-4", ""], ["", "", ""]]
    );
    assert_eq!(
        list(
            "router_settings: {fallbacks: [{gpt-4: [small]}]}\nsecondwind: {policy: {fallback: \
             {to: [long]}}, groups: {small: {fallback: {to: [gpt-4]}}}}\n"
        ),
        [["small", "", ""], ["gpt-4", "", ""], ["", "", ""]]
    );
}

#[test]
fn an_alias_stands_for_its_group() {
    let text = with_models(
        "\
router_settings:
  model_group_alias: {gpt-4-turbo: gpt-4, cheap: {model: small, hidden: false}}
  fallbacks: [{gpt-4: [cheap]}]
",
    );
    let config = clean(&text);
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(config.aliases, [pair("gpt-4-turbo", "gpt-4"), pair("cheap", "small")]);
    assert_eq!(config.groups[0].policy.fallback().to(), ["small"]);

    let rest = "router_settings: {model_group_alias: {gpt-4-turbo: gpt4}}\n";
    assert!(told(&with_model(rest)).ends_with("^^^^ did you mean `gpt-4`?"));
    let rest =
        "router_settings: {model_group_alias: {x: gpt-4}, model_group_retry_policy: {x: {}}}\n";
    assert!(told(&with_model(rest)).ends_with("^ write `gpt-4`"));
    let rest = "\
router_settings:
  model_group_alias: {small: gpt-4, x: gpt-4}
  fallbacks: [{x: [small]}, {gpt-4: [{model: small, temperature: 0}]}, {gpt-4: []}]
";
    let loaded = read(&with_models(rest)).unwrap_err();
    assert!(loaded.to_string().contains("`gpt-4` cannot be its own fallback"), "{loaded}");
    assert_eq!(
        warnings(&with_models(&rest.replace("small: gpt-4, ", ""))),
        [
            "`x` is an alias and has no fallbacks of its own",
            "what a fallback says beyond its `model` has no effect yet",
            "`fallbacks` has a list for `gpt-4` already; this one is not used",
        ]
    );
}

#[test]
fn weights_come_from_the_first_that_anyone_has() {
    let weights = |params: &[&str]| {
        let mut text = String::from("model_list:\n");
        for params in params {
            text.push_str(&format!(
                "  - {{model_name: a, litellm_params: {{model: m, api_key: k{params}}}}}\n"
            ));
        }
        let config = clean(&text);
        config.groups[0].deployments.iter().map(|d| d.weight).collect::<Vec<_>>()
    };
    assert_eq!(weights(&["", ""]), [1.0, 1.0]);
    assert_eq!(weights(&[", weight: 9", ", weight: 1"]), [9.0, 1.0]);
    assert_eq!(weights(&[", weight: 2.5, rpm: 9", ", rpm: 3"]), [2.5, 0.0]);
    assert_eq!(weights(&[", rpm: 900", ", rpm: 100, tpm: 5"]), [900.0, 100.0]);
    assert_eq!(weights(&[", tpm: 5", ""]), [5.0, 0.0]);
    assert_eq!(weights(&[", weight: 0", ", weight: 0"]), [1.0, 1.0]);
    for bad in ["-1", ".nan", ".inf", "-.inf"] {
        let text = format!(
            "model_list: [{{model_name: a, litellm_params: {{model: m, api_key: k, weight: {bad}}}}}]"
        );
        assert!(told(&text).starts_with("error: `weight` must be a number, 0 or more"), "{bad}");
    }
}

#[test]
fn deployments_without_an_order_come_last() {
    let orders = |params: [&str; 3]| {
        let mut text = String::from("model_list:\n");
        for params in params {
            text.push_str(&format!(
                "  - {{model_name: a, litellm_params: {{model: m, api_key: k{params}}}}}\n"
            ));
        }
        let config = clean(&text);
        config.groups[0].deployments.iter().map(|d| d.order).collect::<Vec<_>>()
    };
    assert_eq!(orders(["", "", ""]), [0, 0, 0]);
    assert_eq!(orders([", order: 2", "", ", order: 1"]), [2, u32::MAX, 1]);
}

#[test]
fn callers_may_try_out_their_fallbacks_only_where_it_is_said() {
    let setting = |value: &str| {
        let key = "dangerously_allow_mock_testing_request_params";
        clean(&with_model(&format!("general_settings: {{{key}: {value}}}\n"))).allow_mock_testing
    };
    assert!(setting("true"));
    assert!(!setting("false"));
    assert!(!clean(&with_model("")).allow_mock_testing);
}
