use secondwind_llm::dialect::Endpoint;
use secondwind_router::Checkup;

use super::*;

const ON: &str = "general_settings: {background_health_checks: true}\n";

#[test]
fn nothing_is_checked_unless_it_is_wanted() {
    assert_eq!(clean(MODEL).checkups, None);
    let config = clean(&with_model(ON));
    assert_eq!(config.checkups, Some(Checkups { every: secs(300), at_once: 4 }));
    let (endpoint, timeout) = (Endpoint::ChatCompletions, secs(60));
    let checkup = Some(Checkup { endpoint, model: None, timeout });
    assert_eq!(config.groups[0].deployments[0].checkup, checkup);
}

#[test]
fn reads_how_deployments_are_checked() {
    let config = clean(
        "\
model_list:
  - model_name: vectors
    litellm_params: {model: openai/embedding, api_key: k}
    model_info: {mode: embedding, health_check_timeout: 10}
  - model_name: any/*
    litellm_params: {model: openai/*, api_key: k}
    model_info: {health_check_model: openai/gpt-4o-mini}
  - model_name: dear
    litellm_params: {model: openai/o3, api_key: k}
    model_info: {disable_background_health_check: true}
  - model_name: pictures
    litellm_params: {model: openai/dall-e, api_key: k}
    model_info: {mode: image_generation}
general_settings:
  background_health_checks: true
  health_check_interval: 1m30s
  health_check_concurrency: 2
  enable_health_check_routing: true
",
    );
    assert_eq!(config.checkups, Some(Checkups { every: secs(90), at_once: 2 }));
    let checkup = |n: usize| config.groups[n].deployments[0].checkup.clone();
    let vectors = Checkup { endpoint: Endpoint::Embeddings, model: None, timeout: secs(10) };
    assert_eq!(checkup(0), Some(vectors));
    assert_eq!(checkup(1).unwrap().model.as_deref(), Some("gpt-4o-mini"));
    assert_eq!((checkup(2), checkup(3)), (None, None));
}

#[test]
fn tells_of_what_is_not_checked_and_of_what_has_no_effect() {
    let star = "  - {model_name: any/*, litellm_params: {model: openai/*, api_key: k}}\n";
    assert_eq!(
        warnings(&with_model(&format!("{star}{ON}"))),
        ["a `model` with `*` is not checked in the background"]
    );
    assert_eq!(warnings(&with_model(star)), [""; 0]);
    let off = "general_settings: {health_check_interval: 30, enable_health_check_routing: true}\n";
    assert_eq!(
        warnings(&with_model(off)),
        [
            "`health_check_interval` has no effect without `background_health_checks`",
            "`enable_health_check_routing` has no effect without `background_health_checks`",
        ]
    );
}

#[test]
fn refuses_checks_without_a_pause() {
    for (setting, message) in [
        ("health_check_interval: 0", "`health_check_interval` must be more than 0"),
        ("health_check_interval: often", "`health_check_interval` `often` is not a duration"),
        ("health_check_concurrency: 0", "`health_check_concurrency` must be 1 or more"),
    ] {
        let text = format!("general_settings: {{background_health_checks: true, {setting}}}\n");
        let told = told(&with_model(&text));
        assert!(told.contains(message), "{told}");
    }
}
