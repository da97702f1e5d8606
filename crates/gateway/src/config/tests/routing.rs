use secondwind_policy::Class;
use secondwind_router::{Checks, Limits};

use super::*;

fn strategy(config: &Config) -> String {
    format!("{:?}", config.strategy)
}

#[test]
fn every_strategy_that_is_built_in_can_be_named() {
    for (name, built) in [
        ("simple-shuffle", "SimpleShuffle"),
        ("least-busy", "LeastBusy"),
        ("latency-based-routing", "LatencyBased { buffer: 0.0 }"),
        ("usage-based-routing", "UsageBased"),
        ("usage-based-routing-v2", "UsageBased"),
        ("cost-based-routing", "CostBased"),
    ] {
        let config =
            clean(&with_model(&format!("router_settings: {{routing_strategy: {name}}}\n")));
        assert_eq!(strategy(&config), built);
        // Limits are what such a strategy goes by.
        assert_eq!(config.checks.rates, name.starts_with("usage"), "{name}");
    }
    assert_eq!(strategy(&clean(MODEL)), "SimpleShuffle");
}

#[test]
fn the_latency_buffer_is_an_argument_of_its_strategy() {
    let args = "{routing_strategy: latency-based-routing, routing_strategy_args: {lowest_latency_buffer: 0.25}}";
    let config = clean(&with_model(&format!("router_settings: {args}\n")));
    assert_eq!(strategy(&config), "LatencyBased { buffer: 0.25 }");

    let args = "{routing_strategy_args: {ttl: 10, lowest_latency_buffer: 0.5}}";
    assert_eq!(
        warnings(&with_model(&format!("router_settings: {args}\n"))),
        [
            "`ttl` in `routing_strategy_args` has no effect",
            "`lowest_latency_buffer` in `routing_strategy_args` has no effect",
        ]
    );
    let args = "{routing_strategy: latency-based-routing, routing_strategy_args: {lowest_latency_buffer: -1}}";
    let told = told(&with_model(&format!("router_settings: {args}\n")));
    assert!(told.contains("`lowest_latency_buffer` must be a number, 0 or more"), "{told}");
}

#[test]
fn checks_are_switched_on_by_litellms_names() {
    for (said, checks) in [
        (
            "enable_pre_call_checks: true",
            Checks { rates: true, context_window: true, ..Checks::default() },
        ),
        ("enable_tag_filtering: true", Checks { tags: true, ..Checks::default() }),
        (
            "optional_pre_call_checks: [session_affinity]",
            Checks { affinity: true, ..Checks::default() },
        ),
        (
            "optional_pre_call_checks: [deployment_affinity, enforce_model_rate_limits]",
            Checks { affinity: true, rates: true, ..Checks::default() },
        ),
        ("enable_weighted_failover: true", Checks::default()),
    ] {
        let config = clean(&with_model(&format!("router_settings: {{{said}}}\n")));
        assert_eq!(config.checks, checks, "{said}");
    }
    let text = with_model("router_settings: {optional_pre_call_checks: [prompt_caching]}\n");
    assert_eq!(warnings(&text), ["the check `prompt_caching` has no effect yet"]);
    let told =
        told(&with_model("router_settings: {optional_pre_call_checks: [sesion_affinity]}\n"));
    assert!(told.contains("there is no check `sesion_affinity`"), "{told}");
    assert!(told.contains("did you mean `session_affinity`?"), "{told}");
}

#[test]
fn a_deployment_says_how_much_it_takes_what_it_costs_and_whom_it_is_for() {
    let config = clean(
        "\
model_list:
  - model_name: a
    litellm_params:
      {model: m, api_key: k, rpm: 60, tpm: 9000, max_parallel_requests: 4, tags: [paid, eu],
       input_cost_per_token: 0.5, output_cost_per_token: 1.5}
    model_info: {max_input_tokens: 128000}
  - model_name: a
    litellm_params: {model: n, api_key: k, rpm: 0}
    model_info: {input_cost_per_token: 0.25}
router_settings: {default_max_parallel_requests: 9}
",
    );
    let [first, second] = &config.groups[0].deployments[..] else { panic!() };
    let limits = Limits {
        rpm: Some(60),
        tpm: Some(9000),
        max_parallel_requests: Some(4),
        max_input_tokens: Some(128_000),
    };
    assert_eq!(first.limits, limits);
    assert_eq!((first.price, &first.tags[..]), (Some(2.0), &["paid".into(), "eu".into()][..]));
    let limits = Limits { max_parallel_requests: Some(9), ..Limits::default() };
    assert_eq!(second.limits, limits);
    assert_eq!((second.price, &second.tags[..]), (Some(0.25), &[][..]));
}

#[test]
fn allowed_fails_and_cooldowns_hold_at_every_level() {
    let config = clean(
        "\
model_list:
  - model_name: a
    litellm_params: {model: m, api_key: k, cooldown_time: 9}
    model_info: {allowed_fails: 7, allowed_fails_policy: {TimeoutErrorAllowedFails: 2}}
  - model_name: a
    litellm_params: {model: n, api_key: k}
    model_info: {cooldown_time: 8}
  - model_name: b
    litellm_params: {model: m, api_key: k}
litellm_settings: {allowed_fails: 1}
router_settings:
  cooldown_time: 5
  allowed_fails_policy: {BadGatewayErrorAllowedFails: 4, RateLimitErrorAllowedFails: 6}
secondwind: {groups: {b: {breaker: {allowed_fails: 3, cooldown_time: 7}}}}
",
    );
    let base = config.policy.breaker();
    assert_eq!(base.allowed_fails(), Some(1));
    assert_eq!(base.allowed_fails_policy().get(Class::InternalServer), Some(4));
    let [first, second] = &config.groups[0].deployments[..] else { panic!() };
    let (first, second) = (first.policy.breaker(), second.policy.breaker());
    assert_eq!((first.allowed_fails(), first.cooldown_time()), (Some(7), secs(9)));
    assert_eq!(first.allowed_fails_policy().get(Class::Timeout), Some(2));
    assert_eq!(first.allowed_fails_policy().get(Class::RateLimit), Some(6));
    assert_eq!((second.allowed_fails(), second.cooldown_time()), (Some(1), secs(8)));
    let group = config.groups[1].policy.breaker();
    assert_eq!((group.allowed_fails(), group.cooldown_time()), (Some(3), secs(7)));
}

#[test]
fn router_settings_win_over_litellm_settings_and_off_is_off() {
    let text = "\
litellm_settings: {allowed_fails: 1}
router_settings: {allowed_fails: 2, disable_cooldowns: true}
";
    let config = clean(&with_model(text));
    assert!(!config.policy.breaker().enabled());
    let text = "\
model_list:
  - model_name: a
    litellm_params: {model: m, api_key: k, cooldown_time: 9}
router_settings: {disable_cooldowns: true}
";
    assert!(!clean(text).groups[0].deployments[0].policy.breaker().enabled());
    let text = "\
litellm_settings: {allowed_fails: 1}
router_settings: {allowed_fails: 2}
";
    assert_eq!(clean(&with_model(text)).policy.breaker().allowed_fails(), Some(2));
}

#[test]
fn what_litellm_counts_and_we_do_not_is_told() {
    let text = with_model(
        "\
router_settings:
  allowed_fails_policy:
    BadRequestErrorAllowedFails: 1000
    ContentPolicyViolationErrorAllowedFails: 1000
    BadGatewayErrorAllowedFails: 5
    InternalServerErrorAllowedFails: 6
",
    );
    let no_fault = "has no effect: it is no fault of the deployment's";
    assert_eq!(
        warnings(&text),
        [
            format!("`BadRequestErrorAllowedFails` {no_fault}"),
            format!("`ContentPolicyViolationErrorAllowedFails` {no_fault}"),
            "`BadGatewayErrorAllowedFails` has no effect beside `InternalServerErrorAllowedFails`"
                .to_owned(),
        ]
    );
    for (said, message) in [
        (
            "allowed_fails: -1",
            "`allowed_fails` must be a whole number from 0 to 4294967295, not -1",
        ),
        (
            "allowed_fails_policy: {BadGatewayErrorAllowedFails: x}",
            "`BadGatewayErrorAllowedFails` must be a whole number",
        ),
        (
            "allowed_fails_policy: {TimeoutErorAllowedFails: 1}",
            "unknown class `TimeoutErorAllowedFails`",
        ),
        ("default_max_parallel_requests: many", "`default_max_parallel_requests`"),
        ("enable_tag_filtering: 7", "`enable_tag_filtering`"),
    ] {
        let told = told(&with_model(&format!("router_settings: {{{said}}}\n")));
        assert!(told.contains(message), "{told}");
    }
}
