//! What callers are told: headers, errors, the models there are.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::Full;
use secondwind_testkit::upstream::{Reply, Upstream};

use crate::gateway::{CHAT, Setup, post, question, streamed};

/// All that answers and errors alike must tell.
const HEADERS: [&str; 7] = [
    "x-litellm-model-id",
    "x-litellm-model-group",
    "x-litellm-model-api-base",
    "x-litellm-attempted-retries",
    "x-litellm-attempted-fallbacks",
    "x-litellm-call-id",
    "x-secondwind-trail",
];

#[tokio::test]
async fn an_answer_tells_who_gave_it_and_what_it_took() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::status(500));
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let gateway = setup.start().await;
    for body in [question("gpt-4"), streamed("gpt-4")] {
        let answer = gateway.post(CHAT, body.to_string()).await;
        assert_eq!(answer.status, 200);
        let told = HEADERS.map(|name| answer.header(name));
        assert_eq!(told[..5], ["west", "gpt-4", "127.0.0.1", "1", "0"]);
        assert_eq!(told[5].len(), 36, "{told:?}");
        assert_eq!(answer.trail(), ["gpt-4/east=internal_server", "gpt-4/west=ok"]);
        // Whoever answered says which model it was.
        assert!(String::from_utf8_lossy(&answer.body).contains("model-of-west"));
    }
}

#[tokio::test]
async fn an_error_tells_whose_it_is_and_what_was_tried() {
    let (east, spare) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::status(500));
    spare.always(Reply::overloaded());
    let setup = Setup::new().with("gpt-4", "east", &east).with("small", "spare", &spare);
    let setup = setup.router("num_retries: 1").router("fallbacks: [{gpt-4: [small]}]");
    let answer = setup.start().await.ask("gpt-4").await;
    let told = HEADERS.map(|name| answer.header(name));
    assert_eq!(told[..5], ["east", "gpt-4", "127.0.0.1", "2", "1"]);
    assert_eq!(answer.attempts(), 4);
    assert_eq!(answer.error()["trail"], answer.header("x-secondwind-trail"));
}

#[tokio::test]
async fn when_all_is_spent_the_error_of_the_group_that_was_asked_for_is_told() {
    let (east, spare) = (Upstream::start().await, Upstream::start().await);
    let body = r#"{"error": {"message": "No more for today.", "type": "tired", "code": "E7", "param": "n"}}"#;
    east.always(Reply::status(503).body(body).header("retry-after", "7"));
    spare.always(Reply::status(500));
    let setup = Setup::new().with("gpt-4", "east", &east).with("small", "spare", &spare);
    let setup = setup.router("num_retries: 0").router("fallbacks: [{gpt-4: [small]}]");
    let answer = setup.start().await.ask("gpt-4").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), "7");
    assert_eq!(answer.header("content-type"), "application/json");
    let error = answer.error();
    assert_eq!(error["message"], "No more for today.");
    assert_eq!([&error["type"], &error["code"], &error["param"]], ["tired", "E7", "n"]);
    assert_eq!(error["class"], "service_unavailable");
    assert_eq!(answer.trail(), ["gpt-4/east=service_unavailable", "small/spare=internal_server"]);
}

#[tokio::test]
async fn clients_are_asked_not_to_multiply_what_was_retried() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    for reply in [Reply::status(500), Reply::overloaded(), Reply::reset(), Reply::status(429)] {
        east.always(reply.header("x-should-retry", "true"));
        let answer = gateway.ask("gpt-4").await;
        assert!(answer.status.is_client_error() || answer.status.is_server_error());
        assert_eq!(answer.header("x-should-retry"), "false", "{}", answer.status);
    }
}

#[tokio::test]
async fn whoever_is_refused_for_now_is_told_when_to_come_back() {
    let east = Upstream::start().await;
    let setup = Setup::new().with("gpt-4", "east", &east).router("num_retries: 0");
    let gateway = setup.router("disable_cooldowns: true").start().await;
    for (reply, after) in [
        (Reply::rate_limited(7), "7"),
        (Reply::status(429).header("retry-after-ms", "1200"), "2"),
        (Reply::status(429), "1"),
        (Reply::overloaded(), "1"),
        (Reply::status(429).header("retry-after", "soon"), "1"),
        (Reply::status(500).header("retry-after", "3"), "3"),
        (Reply::status(500), ""),
        (Reply::status(500).header("retry-after", "soon"), ""),
    ] {
        east.always(reply.clone());
        let answer = gateway.ask("gpt-4").await;
        assert_eq!(answer.header("retry-after"), after, "{reply:?}");
        assert_eq!(answer.header("retry-after-ms"), "", "{reply:?}");
    }
}

#[tokio::test]
async fn a_provider_does_not_speak_for_the_gateway() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).router("num_retries: 0").start().await;
    for reply in [Reply::ok(), Reply::status(400)] {
        let reply =
            reply.header("x-litellm-model-id", "forged").header("x-secondwind-trail", "forged");
        let reply =
            reply.header("set-cookie", "a=b").header("strict-transport-security", "max-age=1");
        east.always(reply.header("x-kept", "yes").header("content-language", "tlh"));
        let answer = gateway.ask("gpt-4").await;
        assert!(!format!("{:?}", answer.headers).contains("forged"));
        assert_eq!(answer.header("set-cookie"), "");
        assert_eq!(answer.header("strict-transport-security"), "");
        assert_eq!(answer.header("x-kept"), "yes");
    }
}

#[tokio::test]
async fn an_error_of_ours_is_not_described_as_the_providers_was() {
    let east = Upstream::start().await;
    let reply =
        Reply::status(400).header("content-type", "text/html; charset=latin1").body("<h1>no</h1>");
    let reply = reply.header("content-encoding", "identity").header("etag", "\"1\"");
    east.always(
        reply.header("content-disposition", "attachment").header("content-range", "bytes 0-1/2"),
    );
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let answer = gateway.ask("gpt-4").await;
    assert_eq!(answer.header("content-type"), "application/json");
    for name in ["content-encoding", "etag", "content-disposition", "content-range"] {
        assert_eq!(answer.header(name), "", "{name}");
    }
}

#[tokio::test]
async fn a_call_has_an_id_which_is_the_callers_if_it_brings_one() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let mut request = post(CHAT, question("gpt-4").to_string());
    request.headers_mut().insert("x-litellm-call-id", "mine".parse().unwrap());
    assert_eq!(gateway.send(request).await.header("x-litellm-call-id"), "mine");
    let ids =
        [gateway.ask("gpt-4").await, gateway.ask("nobody").await, gateway.get("/nowhere").await]
            .map(|answer| answer.header("x-litellm-call-id").to_owned());
    assert!(ids.iter().all(|id| id.len() == 36), "{ids:?}");
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_trail_fits_into_a_header() {
    let east = Upstream::start().await;
    east.always(Reply::status(500));
    let setup = Setup::new().backoff("{base: 0, max: 0}").policy("retry: {num_retries: 90}");
    let name = "g".repeat(60);
    let answer = setup.with(&name, "east", &east).start().await.ask(&name).await;
    assert_eq!(answer.status, 500);
    assert_eq!(east.attempts(), 91);
    let trail = answer.header("x-secondwind-trail");
    assert!(trail.len() <= 2048, "{}", trail.len());
    assert!(trail.ends_with(" more"), "{trail}");
    assert_eq!(answer.header("x-litellm-attempted-retries"), "90");
}

#[tokio::test]
async fn a_trail_tells_the_times() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::status(500).after(Duration::from_millis(80)));
    west.always(Reply::slow(Duration::from_millis(60)));
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let answer = setup.start().await.ask("gpt-4").await;
    let trail = answer.header("x-secondwind-trail");
    let times: Vec<u64> = trail
        .split(['@', '+', ';'])
        .filter_map(|part| part.strip_suffix("ms")?.parse().ok())
        .collect();
    let [start, took, next_start, next_took] = times[..] else { panic!("{trail}") };
    assert!(start < 60, "{trail}");
    assert!((80..400).contains(&took), "{trail}");
    assert!(next_start >= start + took, "{trail}");
    assert!((60..400).contains(&next_took), "{trail}");
}

#[tokio::test]
async fn the_groups_are_listed_as_models() {
    let east = Upstream::start().await;
    let setup = Setup::new().with("gpt-4", "east", &east).with("team/small", "spare", &east);
    let gateway = setup.router("model_group_alias: {best: gpt-4}").start().await;
    for path in ["/v1/models", "/models"] {
        let list = gateway.get(path).await.json();
        assert_eq!(list["object"], "list");
        let ids = list["data"].as_array().unwrap().iter().map(|model| &model["id"]);
        assert_eq!(ids.collect::<Vec<_>>(), ["gpt-4", "team/small"]);
    }
    for name in ["gpt-4", "best", "team/small", "team%2Fsmall"] {
        let answer = gateway.get(&format!("/v1/models/{name}")).await;
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(answer.json()["id"], name.replace("%2F", "/"));
    }
    assert_eq!(gateway.get("/v1/models/gpt-5").await.error()["code"], "model_not_found");
    assert_eq!(east.attempts(), 0);
}

#[tokio::test]
async fn all_three_endpoints_are_served_with_and_without_v1() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    for endpoint in ["/chat/completions", "/completions", "/embeddings"] {
        for path in [format!("/v1{endpoint}"), endpoint.to_owned()] {
            let answer = gateway.post(&path, question("gpt-4").to_string()).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(east.requests().last().unwrap().path, format!("/v1{endpoint}"));
        }
    }
}

#[tokio::test]
async fn health_is_told_to_everybody() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).master_key("sk-master-1").start().await;
    for path in ["/health/liveliness", "/health/liveness", "/health/readiness"] {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
        let head = Request::head(path).header("host", "x").body(Full::default()).unwrap();
        assert_eq!(gateway.send(head).await.status, StatusCode::OK, "{path}");
    }
}
