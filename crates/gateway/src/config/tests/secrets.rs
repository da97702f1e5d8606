use super::*;

/// What must be seen nowhere.
const CANARY: &str = "canary";

fn no_canary(what: &str, text: &str) {
    assert!(!text.contains(CANARY), "{what}: {text}");
}

#[test]
fn a_configuration_shows_no_secret() {
    let text = "\
model_list:
  - model_name: gpt-4
    litellm_params: {model: gpt-4o, api_key: canary-1, organization: canary-2}
  - model_name: small
    litellm_params: {model: gpt-4o, api_key: os.environ/KEY}
general_settings: {master_key: canary-3}
environment_variables: {KEY: canary-4}
";
    let loaded = read(text).unwrap();
    let first = &loaded.config.groups[0].deployments[0];
    let exposed = |secret: &Option<Secret>| secret.as_ref().map(|s| s.expose().to_owned());
    assert_eq!(exposed(&first.api_key).as_deref(), Some("canary-1"));
    assert_eq!(exposed(&first.organization).as_deref(), Some("canary-2"));
    assert_eq!(exposed(&loaded.config.master_key).as_deref(), Some("canary-3"));
    let second = &loaded.config.groups[1].deployments[0];
    assert_eq!(exposed(&second.api_key).as_deref(), Some("canary-4"));

    no_canary("Debug", &format!("{loaded:?}"));
    no_canary("Debug", &format!("{loaded:#?}"));
    no_canary("Display", &Secret::new("canary").to_string());
    let source = Source { name: "x".into(), text: text.into() };
    no_canary("Source", &format!("{source:?}"));
}

/// Every way to be wrong beside, in or about a secret.
#[test]
fn no_finding_shows_a_secret() {
    let texts = [
        // Beside it in the line.
        "model_list: [{model_name: a, litellm_params: {model: m, api_key: canary, foo: 1}}]",
        "model_list: [{model_name: a, litellm_params: {foo: 1, model: m, api_key: 'canary'}}]",
        "general_settings: {master_key: canary, foo: 1}",
        "general_settings: {database_url: 'postgres://u:canary@h/db', foo: 1}",
        "model_list: [{model_name: a, litellm_params: {model: m, organization: canary, n: x, q: 1}}]",
        // In it.
        "model_list: [{model_name: a, litellm_params: {model: m, api_key: [canary]}}]",
        "model_list: [{model_name: a, litellm_params: {model: m, api_key: {canary: canary}}}]",
        "general_settings: {master_key: {a: canary}}",
        "general_settings: {master_key: [canary, canary]}",
        "model_list: [{model_name: a, litellm_params: {model: m, api_key: \"canary\\n\"}}]",
        "model_list: [{model_name: a, litellm_params: {model: m, organization: \"canary\\n\"}}]",
        "model_list: [{model_name: a, litellm_params: {model: m, api_base: 'https://u:canary@h'}}]",
        // Under a key that is not known.
        "model_list: [{model_name: a, litellm_params: {model: m, api_keyy: canary}}]",
        "model_list: [{model_name: a, litellm_params: {model: m, openai_token: canary}}]",
        "model_list: [{model_name: a, litellm_params: {model: m, extra_headers: {x: canary}, y: 1}}]",
        "environment_variables: {A: [canary]}",
        "environment_variables: {A: canary, A: canary}",
        "general_settings: {master_key: canary, master_key: canary}",
        "general_settings: {<<: {master_key: canary}, master_key: canary, foo: 1}",
        "general_settings: {master_key: {canary}}",
        // Over more than one line.
        "general_settings:\n  master_key: >\n    canary\n    canary\n  foo: 1",
        "general_settings:\n  master_key: \"canary\n    canary\"\n  foo: 1",
        "general_settings:\n  master_key: [a,\n    canary, {b: canary}]\n",
        // Where the file is no YAML.
        "general_settings: {master_key: canary, [}",
        "general_settings:\n  master_key: \"canary\n  foo: 1\n",
        "general_settings:\n  master_key: 'canary' 'canary'\n",
        "general_settings:\n  master_key: canary: canary\n",
        "general_settings:\n  master_key:\n    - canary\n   - canary\n",
        "environment_variables:\n  FOO: \"canary\" canary\n",
        "environment_variables:\n  FOO: canary\n BAR: canary\n",
        "a:\n  api_key: |\n   x\n  canary\n b",
        "a: {api_key: os.environ/X, secret: canary, [}",
        "model_list:\n  - litellm_params: {api_key: os.environ/X canary: [}\n",
    ];
    for text in texts {
        match read(text) {
            Ok(loaded) => {
                no_canary(text, &format!("{loaded:?} {}", Findings::new(loaded.warnings.clone())));
            }
            Err(findings) => {
                no_canary(text, &findings.to_string());
                no_canary(text, &format!("{findings:?}"));
            }
        }
    }
}

#[test]
fn what_looks_like_a_token_is_hidden_everywhere() {
    let token = "sk-proj-0123456789abcdef";
    for text in [
        format!("model_list: [{{model_name: a, litellm_params: {{model: {token}/x}}}}]"),
        format!("{token}: 1"),
        format!("model_list: [{{{token}: a}}]"),
        format!("# {token}: [\na: [ # {token}"),
    ] {
        let findings = read(&text).unwrap_err();
        assert!(!findings.to_string().contains("0123456789"), "{findings}");
        assert!(!format!("{findings:?}").contains("0123456789"));
    }
}

#[test]
fn what_an_environment_variable_holds_is_not_shown() {
    for params in [
        "model: os.environ/V",
        "model: m, custom_llm_provider: os.environ/V",
        "model: m, api_base: os.environ/V",
        "model: m, api_key: k, weight: os.environ/V",
        "model: m, api_key: k, order: os.environ/V",
        "model: m, api_key: k, timeout: os.environ/V",
        "model: m, api_key: k, num_retries: os.environ/V",
        "model: m, api_key: k}, model_info: {id: os.environ/V",
    ] {
        for value in ["canary/x y", "canary", "-1canary", "https://u:canary@x"] {
            let text = format!("model_list: [{{model_name: a, litellm_params: {{{params}}}}}]");
            if let Err(findings) = read_with(&text, &[("V", value)]) {
                no_canary(&text, &findings.to_string());
                no_canary(&text, &format!("{findings:?}"));
            }
        }
    }
    for rest in [
        "router_settings: {timeout: os.environ/V}",
        "router_settings: {retry_after: os.environ/V}",
        "router_settings: {num_retries: os.environ/V}",
        "router_settings: {retry_policy: {TimeoutErrorRetries: os.environ/V}}",
        "router_settings: {retry_policy: os.environ/V}",
        "router_settings: {routing_strategy: os.environ/V}",
        "router_settings: {fallbacks: [{gpt-4: [os.environ/V]}]}",
        "router_settings: {default_fallbacks: [os.environ/V]}",
        "router_settings: {model_group_alias: {x: os.environ/V}}",
        "router_settings: {disable_cooldowns: os.environ/V}",
        "secondwind: {policy: {retry: {backoff: {base: os.environ/V}}}}",
        "secondwind: {policy: {retry: {prefer_sibling: [os.environ/V]}}}",
        "secondwind: {policy: {breaker: {when_all_open: os.environ/V}}}",
        "secondwind: {policy: os.environ/V}",
        "secondwind: {store: os.environ/V}",
    ] {
        let findings = read_with(&with_model(rest), &[("V", "canary")]).unwrap_err();
        no_canary(rest, &findings.to_string());
        no_canary(rest, &format!("{findings:?}"));
    }
}

#[test]
fn a_key_that_no_header_can_carry_is_refused() {
    let text = "\
model_list:
  - model_name: gpt-4
    litellm_params: {model: gpt-4o, api_key: os.environ/KEY}
";
    let findings = read_with(text, &[("KEY", "canary\n")]).unwrap_err();
    assert_eq!(
        findings.to_string(),
        "\
error: `api_key` has a character that no header can carry
 --> config.yaml:3:46
  |
3 |     litellm_params: {model: gpt-4o, api_key: os.environ/KEY}
  |                                              ^^^^^^^^^^^^^^ a line break at its end, for example"
    );
}

/// Breaks a file at every place in every way that comes to mind.
#[test]
fn a_broken_file_shows_no_secret() {
    let text = "\
environment_variables: {FOO: canary, \"BAR\": 'canary'}
general_settings:
  master_key: canary
  alerting_args: {x: [1, 2]}
model_list:
  - model_name: \"gpt-4\"   # ключ
    litellm_params: &p
      model: openai/gpt-4o
      api_key: \"canary\"
      extra_headers:
        x-key: canary
        y: |
          canary
    model_info: {id: a}
  - {model_name: b, litellm_params: {<<: *p, api_key: canary, timeout: 5}}
router_settings: {num_retries: 3, redis_password: canary, fallbacks: [{gpt-4: [b]}]}
";
    let mut shown = 0;
    let mut check = |broken: String| {
        let told = match read(&broken) {
            Ok(loaded) => format!("{loaded:?}"),
            Err(findings) => format!("{findings}\n{findings:?}"),
        };
        if told.contains(CANARY) {
            shown += 1;
            println!("--- {broken}\n--- {told}\n");
        }
    };
    let chars: Vec<char> = text.chars().collect();
    for at in 0..chars.len() {
        let (before, after) = chars.split_at(at);
        let (before, after): (String, String) = (before.iter().collect(), after.iter().collect());
        check(before.clone());
        check(after.clone());
        check(format!("{before}{}", after.chars().skip(1).collect::<String>()));
        for insert in ["\"", "'", "{", "]", ": ", "\n", "!", "#", "|"] {
            check(format!("{before}{insert}{after}"));
        }
    }
    assert_eq!(shown, 0);
}
