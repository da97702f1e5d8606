use std::borrow::Cow;

use proptest::prelude::*;

use super::{MASK, redact, redact_known};

#[test]
fn takes_out_keys_of_every_make() {
    for key in [
        "sk-XXXX",
        "sk-proj-abcDEF_123-456",
        "sk-ant-api03-abc",
        "sk-or-v1-0123456789abcdef",
        "sk***gA",
        "sk-proj-********************wxyz",
        "sk-abc…wxyz",
        "gsk_0123456789abcdef",
        "xai-0123456789abcdef",
        "pplx-0123456789abcdef",
        "nvapi-0123456789abcdef",
        "hf_0123456789abcdef",
        "AIzaSyA0123456789abcdefghijklmnopqrstuv",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_",
    ] {
        for message in [
            format!("Incorrect API key provided: {key}. You can find your API key at …"),
            format!("key '{key}' was refused"),
            format!("{{\"key\":\"{key}\"}}"),
            key.to_owned(),
            format!("für {key} é"),
        ] {
            let clean = redact(&message);
            assert_eq!(clean, message.replace(key, MASK));
        }
    }
}

#[test]
fn takes_out_what_is_labelled_as_a_key() {
    for (message, clean) in [
        (
            "Authorization: Bearer abcdefgh12345678 refused",
            "Authorization: Bearer [redacted] refused",
        ),
        ("header 'Bearer abcdefgh12345678'", "header 'Bearer [redacted]'"),
        ("Invalid API Key: 0123456789abcdef0123!", "Invalid API Key: [redacted]!"),
        (
            "GET https://host/v1?key=abcdef123456&alt=sse",
            "GET https://host/v1?key=[redacted]&alt=sse",
        ),
        (
            "GET https://host/v1?api_key=\"abcdef123456\"",
            "GET https://host/v1?api_key=\"[redacted]\"",
        ),
        ("Received API Key = my-own, Key Hash = 1", "Received API Key = [redacted], Key Hash = 1"),
        ("Incorrect API key provided: hunter2.", "Incorrect API key provided: [redacted]."),
        ("sk-one and sk-two", "[redacted] and [redacted]"),
    ] {
        assert_eq!(redact(message), clean);
    }
}

#[test]
fn leaves_ordinary_messages_alone() {
    for message in [
        "",
        "You didn't provide an API key.",
        "Invalid API Key: please check it",
        "The risk-free task-force asks for llama-4-maverick-17b-128e-instruct-fp8",
        "Rate limit reached for gpt-4o in organization org-XXXX on tokens per min (TPM): Limit 30000",
        "request req_0123456789abcdef0123456789abcdef failed",
        "Invalid value for 'logit_bias': key '429' is not allowed",
        "Unsupported value: 'token' … max_tokens=5",
    ] {
        assert!(matches!(redact(message), Cow::Borrowed(same) if same == message), "{message}");
    }
}

#[test]
fn takes_out_a_known_key_whatever_it_looks_like() {
    assert_eq!(redact_known("no hunter2hunter2!", "hunter2hunter2"), "no [redacted]!");
    assert_eq!(redact_known("none of it", "none"), "none of it");
    assert_eq!(redact_known("x", ""), "x");
}

proptest! {
    #[test]
    fn never_panics_and_never_leaves_a_key(before: String, key in "sk-[A-Za-z0-9]{1,40}", after: String) {
        let message = format!("{before} {key} {after}");
        prop_assert!(!redact(&message).contains(&key));
        drop(redact(&before));
    }
}
