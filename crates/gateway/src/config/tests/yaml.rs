use super::*;

#[test]
fn takes_only_true_and_false_for_booleans() {
    let text = with_model("router_settings: {disable_cooldowns: yes}\n");
    assert_eq!(
        told(&text),
        "\
error: `disable_cooldowns` must be true or false, not text
 --> config.yaml:4:38
  |
4 | router_settings: {disable_cooldowns: yes}
  |                                      ^^^"
    );
    for (word, off) in [("True", true), ("TRUE", true), ("False", false)] {
        let config =
            clean(&with_model(&format!("router_settings: {{disable_cooldowns: {word}}}\n")));
        assert_eq!(config.policy.breaker().enabled(), !off, "{word}");
    }
}

#[test]
fn takes_off_as_a_word() {
    let config =
        clean(&with_model("secondwind: {policy: {breaker: off, retry: {budget: false}}}\n"));
    assert!(!config.policy.breaker().enabled());
    assert!(config.policy.retry().budget().is_none());
}

#[test]
fn follows_anchors_and_merge_keys() {
    let config = clean(
        "\
model_list:
  - model_name: gpt-4
    litellm_params: &shared
      model: openai/gpt-4o
      api_key: k
      weight: 1
      timeout: 20
  - model_name: gpt-4
    litellm_params:
      <<: *shared
      weight: 9
  - model_name: other
    litellm_params: *shared
",
    );
    let [gpt4, other] = &config.groups[..] else { panic!() };
    let weights: Vec<_> = gpt4.deployments.iter().map(|d| d.weight).collect();
    assert_eq!(weights, [1.0, 9.0]);
    for deployment in gpt4.deployments.iter().chain(&other.deployments) {
        assert_eq!(deployment.model, "gpt-4o");
        assert_eq!(deployment.policy.timeout().attempt(), Some(secs(20)));
    }
}

#[test]
fn tells_of_a_shared_mistake_once() {
    let text = "\
model_list:
  - model_name: a
    litellm_params: &shared {model: m, api_key: k, order: x}
  - model_name: b
    litellm_params: *shared
";
    assert_eq!(read(text).unwrap_err().into_vec().len(), 1);
}

#[test]
fn bounds_what_aliases_stand_for() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..10 {
        let before = format!("*a{}", n - 1);
        let ten = vec![before; 10].join(", ");
        text.push_str(&format!("a{n}: &a{n} [{ten}]\n"));
    }
    assert!(told(&text).starts_with("error: aliases stand for more than"));
}

#[test]
fn refuses_an_anchor_within_itself() {
    assert!(told("a: &a [*a]\n").starts_with("error: an anchor cannot contain itself\n"));
    assert!(told("a: *b\n").starts_with("error: "));
}

#[test]
fn refuses_what_is_nested_too_deep() {
    let text = format!("a: {}1{}\n", "[".repeat(80), "]".repeat(80));
    assert!(told(&text).starts_with("error: nested deeper than 64 levels\n"));
}

#[test]
fn refuses_a_second_document_and_unknown_tags() {
    assert!(told("a: 1\n---\nb: 2\n").starts_with("error: a second document begins here"));
    assert!(told("a: !secret x\n").starts_with("error: this tag has no meaning here"));
    assert!(told("a: !!int x\n").starts_with("error: the tag `!!int` does not fit this value"));
    assert!(told(": 1\n").starts_with("error: a key must be text\n"));
    assert!(told("? [a]\n: 1\n").starts_with("error: a key must be text\n"));
    assert!(told("<<: 1\n").starts_with("error: `<<` takes a mapping or a list of mappings\n"));
}

#[test]
fn reads_scalars_by_the_core_schema() {
    use super::super::node::Value;
    use super::super::read::number;

    let int = |text| match number(text) {
        Some(Value::Int(int)) => Some(int),
        _ => None,
    };
    let float = |text| match number(text) {
        Some(Value::Float(float)) => Some(float),
        _ => None,
    };
    for (text, value) in
        [("0", 0), ("-0", 0), ("+12", 12), ("-19", -19), ("0o14", 12), ("0x3A", 58), ("007", 7)]
    {
        assert_eq!(int(text), Some(value), "{text}");
    }
    for (text, value) in [
        ("0.", 0.0),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("+12e03", 12e3),
        ("-2E+05", -2e5),
        (".inf", f64::INFINITY),
        ("-.Inf", f64::NEG_INFINITY),
    ] {
        assert_eq!(float(text), Some(value), "{text}");
    }
    assert!(float(".nan").is_some_and(f64::is_nan));
    for text in [
        "",
        "-",
        "+",
        ".",
        "e3",
        "1e",
        "1_000",
        "0b1",
        "-0x1",
        "0x",
        "12:30",
        "1.2.3",
        "2024-01-01",
        "inf",
        "nan",
        "0x1g",
        "1s",
        "- 1",
    ] {
        assert!(number(text).is_none(), "{text}");
    }
}

#[test]
fn counts_columns_in_characters() {
    let text = with_model("router_settings: {\"ключ\": 1, zzzzzz: 2}\n");
    let findings = read(&text).unwrap_err().into_vec();
    let place = findings[1].place.as_ref().unwrap();
    assert_eq!((place.line, place.column, place.len), (4, 30, 6));
    assert!(findings[1].to_string().ends_with("\n  |                              ^^^^^^"));
}

#[test]
fn reads_files_of_windows() {
    let text = with_model("router_settings: {num_retrys: 3}\n").replace('\n', "\r\n");
    assert!(!told(&text).contains('\r'));
    clean(&MODEL.replace('\n', "\r\n"));
    clean(&format!("\u{feff}{MODEL}"));
}
