use std::fmt::Write as _;

use super::*;

/// The table as `docs/errors.md` shows it, made from the table here.
fn row(facts: &Facts) -> String {
    let key = match (facts.policy_key, facts.policy_key_else) {
        ("", _) => "–".to_owned(),
        (key, Some(other)) if other.facts().policy_key != key => {
            format!("`{key}`, else `{}`", other.facts().policy_key)
        }
        (key, _) => format!("`{key}`"),
    };
    let retried = if facts.retried { "yes" } else { "no" };
    let falls_back = match facts.falls_back {
        FallsBack::Never => "no",
        FallsBack::General => "yes",
        FallsBack::ContextWindowFirst => "to `context_window`, else as others",
        FallsBack::ContentPolicyOnly => "to `content_policy` only",
    };
    let health = match facts.harm {
        Harm::None => "–",
        Harm::Counts => "counts",
        Harm::UntilHint => "rests until the hint passes",
        Harm::LongRest => "rests for long",
    };
    let http = match facts.http {
        HttpStatus::Fixed(status) => status.to_string(),
        HttpStatus::AsItCame { otherwise } => format!("as it came, else {otherwise}"),
        HttpStatus::None => "–".to_owned(),
    };
    let Facts { name, cause, grpc, .. } = facts;
    format!(
        "| `{name}` | {cause} | {key} | {retried} | {falls_back} | {health} | {http} | {grpc} |"
    )
}

#[test]
fn every_class_has_its_line_in_the_docs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
    let page = std::fs::read_to_string(path).unwrap();
    let shown: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let table: Vec<String> = Class::ALL.iter().map(|class| row(class.facts())).collect();
    if shown != table {
        let mut expected = String::new();
        table.iter().for_each(|row| writeln!(expected, "{row}").unwrap());
        panic!("the table of docs/errors.md should be:\n{expected}");
    }
}

#[test]
fn the_docs_say_what_to_do_about_every_class() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
    let page = std::fs::read_to_string(path).unwrap();
    for class in Class::ALL {
        let heading = format!("\n### `{class}`\n\n");
        let (_, text) = page.split_once(&heading).unwrap_or_else(|| panic!("no {heading:?}"));
        let advice = text.split("\n#").next().unwrap();
        assert!(advice.trim().len() > 40, "nothing is said of {class}");
    }
}

#[test]
fn every_class_stands_in_its_place() {
    assert_eq!(Class::ALL.len(), Class::COUNT);
    for (n, class) in Class::ALL.iter().enumerate() {
        assert_eq!(class.index(), n);
        assert_eq!(class.facts().class, *class);
    }
}

#[test]
fn names_lead_back_to_their_class() {
    for class in Class::ALL {
        assert_eq!(class.to_string(), class.name());
        assert_eq!(class.name().parse(), Ok(*class));
        let text = serde_json::to_string(class).unwrap();
        assert_eq!(text, format!("\"{class}\""));
        assert_eq!(serde_json::from_str::<Class>(&text).unwrap(), *class);
    }
}

#[test]
fn an_unknown_name_is_told_what_it_may_have_meant() {
    let error = "rate_limits".parse::<Class>().unwrap_err();
    assert_eq!(error.given(), "rate_limits");
    let text = error.to_string();
    assert!(text.starts_with("unknown class `rate_limits`; did you mean `rate_limit`?"), "{text}");
    assert!(Class::ALL.iter().all(|class| text.contains(class.name())), "{text}");
    assert!(serde_json::from_str::<Class>("\"Timeout\"").is_err());
}

#[test]
fn litellm_keys_name_their_class() {
    for (key, class) in [
        ("BadRequestErrorRetries", Class::BadRequest),
        ("AuthenticationErrorRetries", Class::Authentication),
        ("ContentPolicyViolationErrorRetries", Class::ContentPolicy),
        ("InternalServerErrorRetries", Class::InternalServer),
        ("ServiceUnavailableErrorRetries", Class::ServiceUnavailable),
        ("NotFoundErrorRetries", Class::NotFound),
        ("TimeoutErrorRetries", Class::Timeout),
        ("RateLimitErrorRetries", Class::RateLimit),
        ("UnsupportedParamsRetries", Class::UnsupportedParams),
    ] {
        assert_eq!(Class::from_policy_key(key), Some(class), "{key}");
    }
    for key in ["", "DefaultRetries", "timeout", "timeouterrorretries"] {
        assert_eq!(Class::from_policy_key(key), None, "{key}");
    }
}

#[test]
fn a_more_general_count_is_never_a_circle() {
    for class in Class::ALL {
        if let Some(general) = class.facts().policy_key_else {
            assert_eq!(general.facts().policy_key_else, None, "{class}");
            assert!(general.takes_count(), "{class}");
        }
    }
}

#[test]
fn an_answer_that_says_ok_is_never_passed_on_as_an_error() {
    for (class, came, seen) in [
        (Class::Timeout, Some(408), Some(504)),
        (Class::RateLimit, None, Some(429)),
        (Class::QuotaExhausted, Some(402), Some(429)),
        (Class::InternalServer, Some(500), Some(500)),
        (Class::InternalServer, Some(200), Some(502)),
        (Class::InternalServer, None, Some(502)),
        (Class::ServiceUnavailable, Some(529), Some(529)),
        (Class::ServiceUnavailable, Some(400), Some(503)),
        (Class::ServiceUnavailable, None, Some(503)),
        (Class::BadRequest, Some(422), Some(422)),
        (Class::BadRequest, Some(500), Some(400)),
        (Class::Interrupted, Some(200), None),
        (Class::Cancelled, None, None),
    ] {
        assert_eq!(class.facts().http_status(came), seen, "{class} {came:?}");
    }
}

#[test]
fn what_is_the_callers_own_affair_hurts_no_deployment() {
    for class in [
        Class::BadRequest,
        Class::RequestTooLarge,
        Class::UnsupportedParams,
        Class::ContextWindow,
        Class::ContentPolicy,
        Class::Conflict,
        Class::Cancelled,
    ] {
        assert_eq!(class.facts().harm, Harm::None, "{class}");
    }
}
