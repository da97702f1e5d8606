use super::*;

#[test]
fn leaves_out_what_is_not_available_yet_wherever_it_is_named() {
    let text = with_model(
        "  \
  - model_name: gpt-4
    litellm_params: {model: vertex_ai/gemini, vertex_project: p}
  - model_name: claude
    litellm_params: {model: bedrock/claude}
  - model_name: watsonx/*
    litellm_params: {model: watsonx/*}
router_settings:
  model_group_alias: {best: claude, good: gpt-4}
  fallbacks: [{gpt-4: [claude, watsonx/granite]}, {watsonx/granite: [gpt-4]}, {claude: [gpt-4]}]
  model_group_retry_policy: {claude: {TimeoutErrorRetries: 1}}
",
    );
    let loaded = read(&text).unwrap();
    let [group] = &loaded.config.groups[..] else { panic!("{:?}", loaded.config.groups) };
    assert_eq!((group.name.as_str(), group.deployments.len()), ("gpt-4", 1));
    assert_eq!(group.policy.fallback().to(), [""; 0]);
    assert_eq!(loaded.config.aliases, [("good".to_owned(), "gpt-4".to_owned())]);
    let told: Vec<_> = loaded.warnings.iter().map(|warning| warning.message.as_str()).collect();
    let claude = "`claude` has no deployment that is available yet: it is left out";
    let granite = "`watsonx/granite` has no deployment that is available yet: it is left out";
    assert_eq!(
        told,
        [
            "the dialect `vertex_ai` is not available yet: the deployment is left out",
            "`vertex_project` in `litellm_params` has no effect yet",
            "the dialect `bedrock` is not available yet: the deployment is left out",
            "the dialect `watsonx` is not available yet: the deployment is left out",
            claude,
            claude,
            granite,
            granite,
        ]
    );
}

#[test]
fn refuses_a_file_of_which_nothing_can_be_used_yet() {
    let text = "model_list: [{model_name: c, litellm_params: {model: bedrock/claude}}]";
    let findings = read(text).unwrap_err();
    assert_eq!(findings.errors(), 1);
    assert!(findings.to_string().contains("error: none of the deployments can be used yet\n"));
}

#[test]
fn leaves_out_a_deployment_whose_address_is_still_to_be_filled_in() {
    let text = with_model(
        "  \
  - {model_name: gpt-4, litellm_params: {model: azure/<your-deployment-name>, api_key: k, api_base: 'http://h'}}
  - {model_name: gpt-4, litellm_params: {model: azure/gpt-4, api_key: k, api_base: <your-azure-endpoint>}}
  - {model_name: gpt-4, litellm_params: {model: openai/gpt-4, api_key: k, api_base: Your_api_base}}
  - {model_name: gpt-4, litellm_params: {model: openai/gpt-4, api_key: k, api_base: 'https://your-host.example'}}
",
    );
    let loaded = read(&text).unwrap();
    assert_eq!(loaded.config.groups[0].deployments.len(), 2);
    let told: Vec<_> = loaded.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "`model` is still a placeholder: the deployment is left out",
            "`api_base` is still a placeholder: the deployment is left out (2 times)",
        ]
    );
}
