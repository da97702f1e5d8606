//! Whether a request says without ambiguity whom it is for (RFC 9112, section 3.2).
//!
//! Nothing here goes by the host; but whoever stands before or behind the gateway may, and two of them that
//! understand a request differently are a way around both.

use axum::response::Response;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Request, Uri, Version};

use crate::respond::Refusal;

/// The refusal of a request whose host is missing, given twice, malformed, or another than its target's.
pub(crate) fn refusal<B>(request: &Request<B>) -> Option<Response> {
    let mistake = mistake(request.version(), request.uri(), request.headers())?;
    Some(Refusal::bad_request(mistake).code("invalid_host").into_response())
}

fn mistake(version: Version, target: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else {
        return (version == Version::HTTP_11).then_some("there is no `host` header");
    };
    if hosts.next().is_some() {
        return Some("there is more than one `host` header");
    }
    let Some(host) = Authority::try_from(host.as_bytes()).ok().filter(is_host_and_port) else {
        return Some("the `host` header is not a host, with or without a port");
    };
    let other = target.authority().is_some_and(|target| *target != host);
    other.then_some("the `host` header and the request's target name different hosts")
}

fn is_host_and_port(authority: &Authority) -> bool {
    let text = authority.as_str();
    let port = text.strip_prefix(authority.host());
    // Somebody's name before the host would be left over as well.
    port.is_some_and(|port| port.is_empty() || authority.port_u16().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(target: &str, hosts: &[&str]) -> Option<&'static str> {
        let hosts = hosts.iter().map(|host| (HOST, host.parse().unwrap()));
        mistake(Version::HTTP_11, &target.parse().unwrap(), &hosts.collect())
    }

    #[test]
    fn takes_a_host_with_or_without_a_port() {
        for host in
            ["gateway", "gateway:4000", "127.0.0.1:4000", "[::1]:4000", "[::1]", "a.example"]
        {
            assert_eq!(of("/v1/models", &[host]), None, "{host}");
        }
        assert_eq!(of("http://Gateway:4000/v1/models", &["gateway:4000"]), None);
    }

    #[test]
    fn refuses_what_two_could_read_differently() {
        for host in [
            "",
            "a b",
            "a@b",
            "user:pass@b",
            "a/b",
            "a?b",
            "a#b",
            "a:b",
            "a:99999",
            "http://a",
            "a\\b",
        ] {
            assert!(of("/v1/models", &[host]).is_some(), "{host}");
        }
        assert!(of("/", &[]).is_some());
        assert!(of("/", &["a", "a"]).is_some());
        assert!(of("http://other/v1/models", &["gateway"]).is_some());
    }

    #[test]
    fn http_2_says_it_in_its_target() {
        let target = "http://gateway/".parse().unwrap();
        assert_eq!(mistake(Version::HTTP_2, &target, &HeaderMap::new()), None);
        assert_eq!(mistake(Version::HTTP_10, &"/".parse().unwrap(), &HeaderMap::new()), None);
    }
}
