use super::*;

const TWO: &str = "\
credential_list:
  - credential_name: eu
    credential_values:
      api_key: os.environ/EU_KEY
      api_base: https://eu.example.com/v1
    credential_info: {description: the account in Europe}
  - credential_name: os.environ/NAME
    credential_values: {api_key: sk-of-us, base_url: 'https://us.example.com/v1', organization: org-1}
model_list:
";

const ENV: &[(&str, &str)] = &[("EU_KEY", "sk-of-eu"), ("NAME", "us")];

fn deployments(list: &str) -> Vec<DeploymentConfig> {
    let mut config = clean_with(&format!("{TWO}{list}"), ENV);
    config.groups.remove(0).deployments
}

fn key(deployment: &DeploymentConfig) -> Option<&str> {
    deployment.api_key.as_ref().map(Secret::expose)
}

#[test]
fn a_deployment_has_what_its_credential_says() {
    let found = deployments(
        "  \
  - model_name: a
    litellm_params: {model: openai/m, litellm_credential_name: eu}
  - model_name: a
    litellm_params: {model: openai/m, litellm_credential_name: os.environ/NAME}
",
    );
    assert_eq!(key(&found[0]), Some("sk-of-eu"));
    assert_eq!(found[0].api_base, "https://eu.example.com/v1");
    assert!(found[0].organization.is_none());
    assert_eq!(key(&found[1]), Some("sk-of-us"));
    assert_eq!(found[1].api_base, "https://us.example.com/v1");
    assert_eq!(found[1].organization.as_ref().map(Secret::expose), Some("org-1"));
}

#[test]
fn what_a_deployment_says_itself_counts() {
    let found = deployments(
        "  \
  - model_name: a
    litellm_params:
      model: openai/m
      api_base: http://10.0.0.7/v1
      litellm_credential_name: us
",
    );
    assert_eq!(key(&found[0]), Some("sk-of-us"));
    assert_eq!(found[0].api_base, "http://10.0.0.7/v1");
}

#[test]
fn a_key_of_a_credential_is_not_shown() {
    let text = "\
credential_list: [{credential_name: a, credential_values: {api_key: canary, api_bose: canary}}]
model_list: [{model_name: a, litellm_params: {model: m, litellm_credential_name: a}}]
";
    let told = told(text);
    assert!(!told.contains("canary"), "{told}");
    assert!(told.contains("did you mean `api_base`?"), "{told}");
}
