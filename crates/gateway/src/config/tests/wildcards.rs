use super::*;

/// The groups: name, whether it is listed, and the models of its deployments.
fn groups(config: &Config) -> Vec<(&str, bool, Vec<&str>)> {
    let models = |group: &GroupConfig| -> Vec<_> {
        config
            .groups
            .iter()
            .filter(|other| other.name == group.name)
            .flat_map(|group| &group.deployments)
            .map(|deployment| deployment.model.as_str())
            .collect()
    };
    let mut told = Vec::new();
    for group in &config.groups {
        told.push((group.name.as_str(), group.listed, models(group)));
    }
    told
}

const ANY: &str = "\
model_list:
  - model_name: gpt-4
    litellm_params: {model: openai/gpt-4o, api_key: k}
    model_info: {id: one}
  - model_name: gpt-4
    litellm_params: {model: openai/gpt-4o, api_key: l}
    model_info: {id: two}
  - model_name: openai/*
    litellm_params: {model: openai/*, api_key: k, num_retries: 7}
  - model_name: openai/gpt-*
    litellm_params: {model: openai/gpt-*, api_key: k}
";

#[test]
fn a_name_that_is_used_and_only_covered_is_a_group_of_its_own() {
    let text = format!(
        "{ANY}router_settings:
  model_group_alias: {{best: openai/o1}}
  fallbacks: [{{gpt-4: [openai/gpt-5]}}, {{openai/o3: [two]}}, {{openai/*: [gpt-4]}}]
secondwind:
  groups: {{openai/gpt-5: {{fallback: {{to: [openai/late]}}}}}}
"
    );
    let config = clean(&text);
    assert_eq!(
        groups(&config),
        [
            ("gpt-4", true, vec!["gpt-4o", "gpt-4o"]),
            ("openai/*", true, vec!["*"]),
            ("openai/gpt-*", true, vec!["gpt-*"]),
            ("openai/o1", false, vec!["*"]),
            ("openai/gpt-5", false, vec!["gpt-*"]),
            ("openai/o3", false, vec!["*"]),
            ("two", false, vec!["gpt-4o"]),
            ("openai/late", false, vec!["*"]),
        ]
    );
    let group = |name: &str| config.groups.iter().find(|group| group.name == name).unwrap();
    let to = |name: &str| group(name).policy.fallback().to();
    assert_eq!(to("gpt-4"), ["openai/gpt-5"]);
    assert_eq!(to("openai/gpt-5"), ["openai/late"]);
    assert_eq!(to("openai/late"), ["gpt-4"], "as all that `openai/*` covers");
    assert_eq!(to("openai/o3"), ["two"]);
    assert_eq!(to("two"), ["openai/gpt-5"], "as the group that it is in");
    assert_eq!(group("two").deployments[0].id, "two");
    assert_eq!(group("openai/o1").deployments[0].policy.retry().num_retries(), 7);
    assert_eq!(group("openai/o1").deployments[0].id, group("openai/*").deployments[0].id);
    assert_eq!(config.aliases, [("best".to_owned(), "openai/o1".to_owned())]);
}

#[test]
fn a_pattern_itself_is_no_fallback() {
    let text = format!("{ANY}router_settings: {{fallbacks: [{{gpt-4: [openai/*]}}]}}\n");
    let loaded = read(&text).unwrap();
    assert_eq!(loaded.config.groups[0].policy.fallback().to(), [""; 0]);
    let [warning] = &loaded.warnings[..] else { panic!("{:?}", loaded.warnings) };
    assert_eq!(
        warning.to_string(),
        "\
warning: `openai/*` is no model that could be asked for: it has no effect
  --> config.yaml:12:40
   |
12 | router_settings: {fallbacks: [{gpt-4: [openai/*]}]}
   |                                        ^^^^^^^^ name one that it covers"
    );
}

#[test]
fn leaves_out_a_model_with_more_stars_than_its_name() {
    let text = with_model(
        "  - {model_name: any, litellm_params: {model: openai/*, api_key: k}}
  - {model_name: a*, litellm_params: {model: openai/*-*, api_key: k}}
  - {model_name: any/*, litellm_params: {model: '*', api_key: k}}
",
    );
    let loaded = read(&text).unwrap();
    assert_eq!(
        groups(&loaded.config),
        [("gpt-4", true, vec!["gpt-4o"]), ("any/*", true, vec!["*"])]
    );
    let told: Vec<_> = loaded.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "`model` has more `*` than its `model_name`: the deployment is left out (2 times)",
            "the `model` `*` is taken for `openai/*`",
        ]
    );
}

#[test]
fn azures_address_has_the_star_of_its_deployment() {
    let text = with_model(
        "  - model_name: azure/*
    litellm_params: {model: azure/*, api_key: k, api_base: 'https://x.openai.azure.com', api_version: '2024-10-21'}
",
    );
    let config = clean(&text);
    assert_eq!(
        config.groups[1].deployments[0].api_base,
        "https://x.openai.azure.com/openai/deployments/*?api-version=2024-10-21"
    );
}
