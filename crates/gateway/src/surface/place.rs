//! What a path is, and that it leads nowhere else.
//!
//! The path and the query of a caller are put behind the address of a deployment. Whoever reads them there must come to
//! no other conclusion than we do, so that no caller gets beyond that address: what could be read in two ways is refused.

use http::{Method, Uri};
use secondwind_llm::escapes::decoded;
use secondwind_llm::peek::ours::OPERATORS;

use crate::respond::Refusal;
use crate::routes::unknown;

/// What belongs to an account, by the first part of its path. Bodies of these go through as they are: a `model` in them
/// is the provider's name of it.
const OF_ACCOUNT: [&str; 21] = [
    "assistants",
    "batches",
    "chat",
    "chatkit",
    "containers",
    "conversations",
    "evals",
    "files",
    "fine_tuning",
    "graders",
    "models",
    "organization",
    "projects",
    "realtime",
    "responses",
    "skills",
    "threads",
    "uploads",
    "vector_stores",
    "videos",
    "webhooks",
];

/// What is asked of a model, and may stand without `/v1` as well.
const OF_A_MODEL: [&str; 4] = ["audio", "images", "moderations", "rerank"];

/// What is asked of a model although it stands among what was stored.
const QUESTIONS: [&str; 3] = ["/responses", "/responses/compact", "/responses/input_tokens"];

/// What stands under `/v1` in another API.
const OF_OTHERS: &str = "messages";

/// Parameters that carry a key.
const KEYS: [&str; 6] =
    ["access_token", "api-key", "key", "subscription-key", "x-api-key", "x-goog-api-key"];

/// What a request is for.
#[derive(Debug)]
pub(super) struct Place {
    /// What stands behind `/v1`.
    pub(super) path: String,
    pub(super) query: Option<String>,
    /// Whether a `model` in the body says who is asked.
    pub(super) asks_a_model: bool,
}

// === impl Place ===

impl Place {
    /// What `method` at `uri` is; nothing, where it is not under `/v1` and not known to be.
    pub(super) fn of(method: &Method, uri: &Uri) -> Result<Self, Refusal> {
        let path = uri.path();
        let first = |path: &str| path.split('/').nth(1).unwrap_or_default().to_owned();
        let path = match path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')) {
            Some(rest) if first(rest) != OF_OTHERS => rest,
            None if OF_ACCOUNT.contains(&&*first(path)) => path,
            None if OF_A_MODEL.contains(&&*first(path)) => path,
            _ => return Err(unknown(method, path)),
        };
        let stored = OF_ACCOUNT.contains(&&*first(path)) && !QUESTIONS.contains(&path);
        Ok(Self {
            path: path.to_owned(),
            query: uri.query().map(str::to_owned),
            asks_a_model: *method == Method::POST && !stored,
        })
    }

    /// That it leads nowhere else.
    pub(super) fn is_sound(&self) -> Result<(), Refusal> {
        if !self.path.split('/').skip(1).all(is_name) {
            let message = "the path is ambiguous: no part of it may be empty, `.` or `..`, or hold \
                           an escaped slash, a backslash or a control character";
            return Err(Refusal::bad_request(message).code("invalid_path"));
        }
        let pairs = self.query.iter().flat_map(|query| query.split('&'));
        let names = pairs.map(|pair| pair.split('=').next().unwrap_or_default());
        for name in names {
            let name = String::from_utf8_lossy(&decoded(name)).to_ascii_lowercase();
            if OPERATORS.contains(&&*name) || KEYS.contains(&&*name) {
                let message = format!(
                    "`{name}` is not the caller's to set: where a request goes, with which key, is configured"
                );
                return Err(Refusal::bad_request(message).code("not_allowed"));
            }
        }
        Ok(())
    }
}

/// Whether a part of a path is a name and nothing else, however often its escapes are resolved.
fn is_name(part: &str) -> bool {
    let bare = decoded(part);
    // What stands behind a semicolon some take for parameters of the part.
    let name = bare.split(|byte| *byte == b';').next().unwrap_or_default();
    let odd =
        |byte: &u8| byte.is_ascii_control() || matches!(byte, b'/' | b'\\' | b'%' | b'?' | b'#');
    !name.is_empty() && name != b"." && name != b".." && !bare.iter().any(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(method: Method, path: &str) -> Option<(String, bool)> {
        let place = Place::of(&method, &path.parse().unwrap()).ok()?;
        Some((place.path, place.asks_a_model))
    }

    fn is_sound(path: &str) -> bool {
        Place::of(&Method::GET, &path.parse().unwrap()).unwrap().is_sound().is_ok()
    }

    #[test]
    fn questions_are_told_from_what_belongs_to_an_account() {
        let post = |path: &str| place(Method::POST, path).unwrap();
        for question in ["/images/edits", "/moderations", "/unheard-of", "/responses/compact"] {
            assert_eq!(post(&format!("/v1{question}")), (question.to_owned(), true));
        }
        for stored in ["/files", "/threads/a/runs", "/responses/a/cancel", "/chat/completions/a"] {
            assert_eq!(post(&format!("/v1{stored}")), (stored.to_owned(), false));
        }
        assert_eq!(place(Method::GET, "/v1/unheard-of").unwrap(), ("/unheard-of".into(), false));
    }

    #[test]
    fn what_is_known_may_stand_without_its_version() {
        assert_eq!(place(Method::POST, "/audio/speech").unwrap(), ("/audio/speech".into(), true));
        assert_eq!(place(Method::GET, "/files/a").unwrap(), ("/files/a".into(), false));
        for nothing in
            ["/", "/v1", "/v2/files", "/v1files", "/v1/messages/batches", "/unheard-of", "/metrics"]
        {
            assert_eq!(place(Method::GET, nothing), None, "{nothing}");
        }
    }

    #[test]
    fn refuses_a_path_that_could_lead_elsewhere() {
        for good in ["a", "a.b", "...", "ft:gpt-4o:org::id", "a%20b", "%C3%A4", "a;b", "-_~"] {
            assert!(is_sound(&format!("/v1/files/{good}")), "{good}");
        }
        for bad in [
            "",
            "/a",
            "a//b",
            "a/",
            ".",
            "..",
            "../a",
            "a/../../b",
            "%2e%2e",
            "%2E.",
            ".%2e/a",
            "..;/a",
            "..;x=1",
            ";a",
            "a%2fb",
            "a%2Fb",
            "%5c..",
            "a%00",
            "a%0d%0ab",
            "%252e%252e",
            "a%3Fb",
            "a%23b",
            "%",
            "a%2",
            "http://evil/a",
            "@evil//",
        ] {
            assert!(!is_sound(&format!("/v1/files/{bad}")), "{bad}");
        }
    }

    #[test]
    fn refuses_a_query_that_says_where_it_goes() {
        for good in ["limit=2&after=a", "api-version=1", "metadata[key]=a", "model=gpt-4", "&&a"] {
            assert!(is_sound(&format!("/v1/files?{good}")), "{good}");
        }
        for bad in
            ["api_base=x", "a=1&API_KEY=x", "key=x", "%61pi_key=x", "access_token", "base_url="]
        {
            assert!(!is_sound(&format!("/v1/files?{bad}")), "{bad}");
        }
    }
}
