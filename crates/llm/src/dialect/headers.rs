//! Which headers pass, whatever the dialect.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::InvalidKey;

/// Headers about one connection (RFC 9110, 7.6.1), and those that came to be treated like them.
const OF_THE_CONNECTION: [&str; 11] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    // hyper writes it from the body that is really sent.
    "content-length",
];

/// What a provider says of its own origin; from us it would be said of ours.
const OF_THE_ORIGIN: [&str; 9] = [
    "alt-svc",
    "clear-site-data",
    "nel",
    "report-to",
    "reporting-endpoints",
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
    "www-authenticate",
];

/// Whose account pays is between the operator and the provider.
const OF_THE_ACCOUNT: [&str; 3] =
    ["anthropic-organization-id", "openai-organization", "openai-project"];

/// The client libraries' own headers tell of the client, and are left as they are.
const OF_THE_CLIENT: &str = "x-stainless-";

/// How headers begin that are for us to write, or for no one behind us.
const OURS: [&str; 3] = ["x-litellm-", "x-secondwind-", "access-control-"];

/// How many headers are put on top on the way to a provider: a key, what is of its API, the host.
pub(super) const TO_PROVIDERS: usize = 3;

/// How many on the way to a caller: what became of the request.
pub(super) const TO_CALLERS: usize = 7;

/// Whether a provider's header may be passed on to a caller.
pub(super) fn relays(name: &HeaderName) -> bool {
    let name = name.as_str();
    let held = [&OF_THE_CONNECTION[..], &OF_THE_ORIGIN, &OF_THE_ACCOUNT];
    !held.iter().any(|names| names.contains(&name))
        && !OURS.iter().any(|start| name.starts_with(start))
}

/// Whether a header is one that client libraries add on their own.
pub(super) fn is_of_the_client(name: &HeaderName) -> bool {
    name.as_str().starts_with(OF_THE_CLIENT)
}

/// The one header that carries a key.
pub(super) fn secret(name: HeaderName, value: String) -> Result<HeaderMap, InvalidKey> {
    let mut value = HeaderValue::try_from(value).map_err(|_| InvalidKey)?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(name, value)]))
}

/// The headers that `passes` lets pass, without those that the `connection` header claims. There is room for `more`.
pub(super) fn filtered(
    headers: &HeaderMap,
    more: usize,
    passes: impl Fn(&HeaderName) -> bool,
) -> HeaderMap {
    let claims = headers.contains_key(header::CONNECTION);
    let passing = || {
        let passing = headers.iter().filter(|(name, _)| passes(name));
        passing.filter(|(name, _)| !(claims && is_claimed(headers, name)))
    };
    // Counted, since connections keep the room.
    let mut passed = HeaderMap::with_capacity(passing().count() + more);
    for (name, value) in passing() {
        passed.append(name, value.clone());
    }
    passed
}

/// Whether a `connection` header says that `name` is about the connection.
fn is_claimed(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(header::CONNECTION).iter().any(|value| {
        let tokens = value.as_bytes().split(|byte| *byte == b',');
        tokens.map(<[u8]>::trim_ascii).any(|token| token.eq_ignore_ascii_case(name.as_ref()))
    })
}
