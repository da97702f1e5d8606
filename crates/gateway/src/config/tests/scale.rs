use std::fmt::Write;

use super::*;

/// A thousand groups of ten, each with a fallback. Run it with `--release -- --nocapture` to see
/// how long it takes.
#[test]
fn reads_ten_thousand_deployments() {
    let mut text = String::from("model_list:\n");
    for group in 0..1000 {
        for n in 0..10 {
            writeln!(
                text,
                "  - model_name: group-{group}\n    litellm_params:\n      model: openai/gpt-4o\n      \
                 api_base: https://eu-{n}.example.com/v1\n      api_key: os.environ/KEY\n      \
                 weight: {n}\n      timeout: 20\n      num_retries: 3\n    model_info: {{id: g{group}-d{n}}}",
            )
            .unwrap();
        }
    }
    text.push_str("router_settings:\n  num_retries: 3\n  fallbacks:\n");
    for group in 0..1000 {
        writeln!(text, "    - group-{group}: [group-{}]", (group + 1) % 1000).unwrap();
    }
    text.push_str("  model_group_retry_policy:\n");
    for group in 0..1000 {
        writeln!(
            text,
            "    group-{group}: {{RateLimitErrorRetries: {}}}",
            group % 7
        )
        .unwrap();
    }
    let size = text.len();
    let begun = tokio::time::Instant::now();
    let config = clean_with(&text, &[("KEY", "k")]);
    println!("{size} bytes in {:?}", begun.elapsed());
    assert_eq!(config.groups.len(), 1000);
    assert!(
        config
            .groups
            .iter()
            .all(|group| group.deployments.len() == 10)
    );
}

#[test]
fn tells_a_thousand_mistakes() {
    let mut text = String::from("model_list:\n");
    for n in 0..1000 {
        writeln!(
            text,
            "  - model_name: g{n}\n    litellm_params: {{model: m, weigth: {n}}}"
        )
        .unwrap();
    }
    let findings = read(&text).unwrap_err();
    assert_eq!(findings.errors(), 1000);
    let telling = findings.to_string();
    assert_eq!(telling.matches("did you mean `weight`?").count(), 1000);
}
