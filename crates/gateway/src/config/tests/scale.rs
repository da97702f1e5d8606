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
        writeln!(text, "    group-{group}: {{RateLimitErrorRetries: {}}}", group % 7).unwrap();
    }
    let size = text.len();
    let begun = tokio::time::Instant::now();
    let config = clean_with(&text, &[("KEY", "k")]);
    println!("{size} bytes in {:?}", begun.elapsed());
    assert_eq!(config.groups.len(), 1000);
    assert!(config.groups.iter().all(|group| group.deployments.len() == 10));
}

#[test]
fn tells_a_thousand_mistakes() {
    let mut text = String::from("model_list:\n");
    for n in 0..1000 {
        writeln!(text, "  - model_name: g{n}\n    litellm_params: {{model: m, weigth: {n}}}")
            .unwrap();
    }
    let findings = read(&text).unwrap_err();
    assert_eq!(findings.errors(), 1000);
    let telling = findings.to_string();
    assert_eq!(telling.matches("did you mean `weight`?").count(), 1000);
}

#[test]
fn shows_a_part_of_a_long_line_and_no_commands_to_the_terminal() {
    let text = format!(
        "{{model_list: [{{model_name: \"{}\x1b[31m\", x: 1, litellm_params: {{model: m, api_key: k}}}}]}}",
        "a".repeat(400)
    );
    // A control character is no YAML, so this comes from the parser.
    assert!(!told(&text).contains('\x1b'));

    let long = format!(
        "model_list: [{{model_name: {}, modle_name: x, litellm_params: {{model: m, api_key: k, n: [{}]}}}}]",
        "a".repeat(300),
        "b, ".repeat(100),
    );
    let told = told(&long);
    let lines: Vec<_> = told.lines().collect();
    assert!(lines[3].starts_with("1 | …a") && lines[3].ends_with('…'), "{told}");
    let caret = lines[4].find('^').unwrap();
    let under: String = lines[3].chars().skip(caret).take(10).collect();
    assert_eq!(under, "modle_name");
}
