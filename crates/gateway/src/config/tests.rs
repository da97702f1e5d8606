use super::*;

mod addresses;
mod checkups;
mod credentials;
mod examples;
mod files;
mod left_out;
mod messages;
mod precedence;
mod routing;
mod scale;
mod secrets;
mod wildcards;
mod yaml;

/// Reads a text with no environment.
fn read(text: &str) -> Result<Loaded, Findings> {
    read_with(text, &[])
}

/// Reads a text with an environment.
fn read_with(text: &str, env: &[(&str, &str)]) -> Result<Loaded, Findings> {
    let source = Source { name: "config.yaml".to_owned(), text: text.to_owned() };
    parse(source, &|name| {
        let (_, value) = env.iter().find(|(known, _)| *known == name)?;
        Some((*value).to_owned())
    })
}

/// What is told of a text that cannot be used.
fn told(text: &str) -> String {
    match read(text) {
        Ok(loaded) => panic!("nothing is wrong: {:?}", loaded.warnings),
        Err(findings) => findings.to_string(),
    }
}

/// The configuration in a text about which there is nothing to say.
fn clean(text: &str) -> Config {
    clean_with(text, &[])
}

fn clean_with(text: &str, env: &[(&str, &str)]) -> Config {
    match read_with(text, env) {
        Ok(loaded) if loaded.warnings.is_empty() => loaded.config,
        Ok(loaded) => panic!("{}", Findings::new(loaded.warnings)),
        Err(findings) => panic!("{findings}"),
    }
}

/// The messages of the warnings of a text that can be used.
fn warnings(text: &str) -> Vec<String> {
    let loaded = read(text).unwrap();
    loaded.warnings.into_iter().map(|finding| finding.message).collect()
}

/// A group with one deployment, in front of whatever a test is about.
fn with_model(rest: &str) -> String {
    format!("{MODEL}{rest}")
}

const MODEL: &str = "\
model_list:
  - model_name: gpt-4
    litellm_params: {model: openai/gpt-4o, api_key: k}
";

/// Two groups, in front of whatever a test is about.
fn with_models(rest: &str) -> String {
    format!("{MODEL}{SMALL}{rest}")
}

const SMALL: &str = "  \
  - model_name: small
    litellm_params: {model: openai/gpt-4o-mini, api_key: k}
";

fn secs(secs: u64) -> std::time::Duration {
    std::time::Duration::from_secs(secs)
}
