use super::*;

/// The address of a deployment with these `litellm_params`, and its model's name there.
fn address(params: &str, env: &[(&str, &str)]) -> (String, String) {
    let text = format!("model_list: [{{model_name: a, litellm_params: {{api_key: k, {params}}}}}]");
    let config = clean_with(&text, env);
    let deployment = &config.groups[0].deployments[0];
    (deployment.api_base.to_string(), deployment.model.clone())
}

#[test]
fn knows_where_anthropic_and_gemini_are() {
    let at = |params| address(params, &[]).0;
    assert_eq!(at("model: anthropic/claude"), "https://api.anthropic.com/");
    assert_eq!(at("model: claude-sonnet-4"), "https://api.anthropic.com/");
    let gemini = "https://generativelanguage.googleapis.com/v1beta";
    assert_eq!(at("model: gemini/gemini-2.5-pro"), gemini);
    assert_eq!(at("model: gemini-2.5-pro"), gemini);
}

#[test]
fn an_address_of_anthropics_may_say_v1_or_not() {
    for base in ["http://h/p", "http://h/p/v1", "http://h/p/v1/", "http://h/p/v1/messages"] {
        let params = format!("model: anthropic/claude, api_base: '{base}'");
        assert_eq!(address(&params, &[]).0, "http://h/p", "{base}");
    }
}

#[test]
fn an_address_of_azures_has_the_deployment_and_the_version() {
    let at = |rest: &str, env: &[_]| address(&format!("model: azure/gpt-x, {rest}"), env).0;
    let base = "api_base: 'https://x.openai.azure.com/'";
    let deployment = "https://x.openai.azure.com/openai/deployments/gpt-x?api-version=";
    let version = "api_version: '2024-10-21'";
    assert_eq!(at(&format!("{base}, {version}"), &[]), format!("{deployment}2024-10-21"));
    let other = [("AZURE_API_VERSION", "2023-05-15")];
    assert_eq!(at(base, &other), format!("{deployment}2023-05-15"));
    assert_eq!(at(&format!("{base}, {version}"), &other), format!("{deployment}2024-10-21"));
    assert_eq!(at(base, &[]), format!("{deployment}2025-02-01-preview"));
    let env = [("AZURE_API_BASE", "https://x.openai.azure.com/openai")];
    assert_eq!(at(version, &env), format!("{deployment}2024-10-21"));
    let full = "api_base: 'https://x.openai.azure.com/openai/deployments/other'";
    assert!(at(full, &[]).ends_with("/openai/deployments/other?api-version=2025-02-01-preview"));
    let v1 = "https://x.openai.azure.com/openai/v1";
    assert_eq!(at(&format!("{base}, api_version: v1"), &[]), v1);
    assert_eq!(at("api_base: 'https://x.openai.azure.com/openai/v1/'", &[]), v1);
}

#[test]
fn a_hint_at_an_azure_model_is_no_part_of_its_name() {
    let (base, model) = address("model: azure/o_series/mine, api_base: 'http://h'", &[]);
    assert_eq!(base, "http://h/openai/deployments/mine?api-version=2025-02-01-preview");
    assert_eq!(model, "mine");
}

#[test]
fn an_address_of_ollamas_may_say_v1_or_not() {
    for model in ["ollama/llama3", "ollama_chat/llama3"] {
        for base in ["http://localhost:11434", "http://localhost:11434/v1"] {
            let params = format!("model: {model}, api_base: '{base}'");
            assert_eq!(address(&params, &[]).0, "http://localhost:11434/v1");
            let env = [("OLLAMA_API_BASE", base)];
            assert_eq!(address(&format!("model: {model}"), &env).0, "http://localhost:11434/v1");
        }
        assert_eq!(address(&format!("model: {model}"), &[]).0, "http://localhost:11434/v1");
    }
}

/// Servers and clouds that speak OpenAI's dialect at an address that only the configuration knows.
#[test]
fn whoever_speaks_openai_is_asked_where_the_configuration_says() {
    let bedrock = "https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1";
    let vertex = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/endpoints/openapi";
    let gemini = "https://generativelanguage.googleapis.com/v1beta/openai";
    for (model, base, upstream) in [
        ("openai/openai.gpt-oss-20b-1:0", bedrock, "openai.gpt-oss-20b-1:0"),
        ("openai/google/gemini-2.5-pro", vertex, "google/gemini-2.5-pro"),
        ("openai/gemini-2.5-pro", gemini, "gemini-2.5-pro"),
        ("openai/llama", "http://127.0.0.1:8080/v1", "llama"),
        ("llamafile/llama", "http://127.0.0.1:8080/v1", "llama"),
        ("hosted_vllm/qwen", "http://10.0.0.7:8000/v1", "qwen"),
        ("lm_studio/phi", "http://127.0.0.1:1234/v1", "phi"),
        ("xinference/bge", "http://0.0.0.0:9997/v1", "bge"),
    ] {
        let params = format!("model: '{model}', api_base: '{base}/'");
        assert_eq!(address(&params, &[]), (base.to_owned(), upstream.to_owned()));
    }
}

#[test]
fn says_what_is_missing_or_wrong_at_azure() {
    for (params, message) in [
        ("model: azure/gpt", "`api_base` is missing: `azure` has no address of its own"),
        (
            "model: azure/gpt, api_base: 'http://h', api_version: '2024&x=y'",
            "`api_version` is no version of Azure's API",
        ),
        ("model: azure/a?b, api_base: 'http://h'", "`model` names no deployment of Azure's"),
    ] {
        let text = format!("model_list: [{{model_name: a, litellm_params: {{{params}}}}}]");
        let findings = read(&text).unwrap_err().into_vec();
        let told: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(told, [message]);
    }
}

#[test]
fn warns_of_a_version_that_nobody_asks_for() {
    let text = "model_list: [{model_name: a, litellm_params: \
                {model: groq/m, api_key: k, api_version: v}}]";
    let loaded = read(text).unwrap();
    let told: Vec<_> = loaded.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(told, ["`api_version` has no effect for `groq`"]);
}
