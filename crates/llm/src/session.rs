//! What requests that belong together have in common, where their caller says anything of the kind.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Body {
    metadata: Option<Value>,
    litellm_session_id: Option<Value>,
    user: Option<Value>,
}

/// The first of `metadata.session_id`, `litellm_session_id` and `user` that is text.
#[must_use]
pub fn session(body: &[u8]) -> Option<String> {
    let body: Body = serde_json::from_slice(body).ok()?;
    let of_metadata = body.metadata.as_ref().and_then(|metadata| metadata.get("session_id"));
    let said = [of_metadata, body.litellm_session_id.as_ref(), body.user.as_ref()];
    let texts = said.into_iter().flatten().filter_map(Value::as_str);
    texts.filter(|text| !text.is_empty()).map(str::to_owned).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_goes_before_the_user() {
        for (body, expected) in [
            (r#"{"user": "u", "metadata": {"session_id": "s"}}"#, Some("s")),
            (r#"{"user": "u", "litellm_session_id": "l", "metadata": {"x": 1}}"#, Some("l")),
            (r#"{"user": "u", "metadata": {"session_id": 5}}"#, Some("u")),
            (r#"{"user": "u", "metadata": "text"}"#, Some("u")),
            (r#"{"user": ""}"#, None),
            (r#"{"model": "m"}"#, None),
            ("[]", None),
        ] {
            assert_eq!(session(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }
}
