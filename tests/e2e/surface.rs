//! The rest of OpenAI's API: questions go by group as any other, what belongs to an account stays where it is.

mod account;

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use secondwind_testkit::upstream::{Reply, Upstream};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::gateway::{Answer, Gateway, Setup, key_of, model_of, post};

const PICTURE: &str = "/v1/images/generations";
const FILES: &str = "/v1/files";

fn asked(method: Method, path: &str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(path).header("host", "gateway");
    request.body(Full::default()).unwrap()
}

/// Two deployments in `gpt-4`, which falls back to `small`.
async fn cast() -> (Gateway, [Upstream; 3]) {
    let ups = [Upstream::start().await, Upstream::start().await, Upstream::start().await];
    let [east, west, spare] = &ups;
    let setup = Setup::new().with("gpt-4", "east", east).with("gpt-4", "west", west);
    let setup = setup.with("small", "spare", spare).router("fallbacks: [{gpt-4: [small]}]");
    (setup.start().await, ups)
}

async fn only() -> (Gateway, Upstream) {
    let east = Upstream::start().await;
    (Setup::new().with("gpt-4", "east", &east).start().await, east)
}

async fn of_account(gateway: &Gateway, method: Method, path: &str) -> Answer {
    gateway.send(asked(method, path)).await
}

#[tokio::test]
async fn a_question_to_a_model_is_retried_and_falls_back_as_a_conversation_does() {
    let (gateway, [east, west, spare]) = cast().await;
    east.always(Reply::status(500));
    west.always(Reply::status(500));
    for path in [
        PICTURE,
        "/v1/moderations",
        "/v1/audio/speech",
        "/v1/rerank",
        "/v1/new/thing",
        "/images/edits",
    ] {
        let before = spare.requests().len();
        spare.then(Reply::json(200, "{\"data\":[]}"));
        let body = json!({"model": "gpt-4", "input": "gpt-4", "num_retries": 1}).to_string();
        let answer = gateway.post(&format!("{path}?a=b%20c"), body).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, &b"{\"data\":[]}"[..]));
        assert_eq!(answer.header("x-litellm-model-group"), "small");
        assert_eq!(answer.header("x-litellm-model-id"), "spare");
        assert_eq!(answer.header("x-litellm-attempted-fallbacks"), "1");
        let sent = &spare.requests()[before];
        let path = path.strip_prefix("/v1").unwrap_or(path);
        assert_eq!(sent.path, format!("/v1{path}?a=b%20c"));
        assert_eq!(sent.json(), json!({"model": model_of("spare"), "input": "gpt-4"}));
    }
    assert_eq!(east.requests()[0].model(), model_of("east"));
    assert_eq!(west.requests()[0].model(), model_of("west"));
}

#[tokio::test]
async fn what_is_no_answer_is_none_here_either() {
    let (gateway, east) = only().await;
    for (reply, class) in [
        (Reply::garbage(), "internal_server"),
        (Reply::json(200, "nothing"), "internal_server"),
        (Reply::json(200, "{\"data\":"), "connection"),
        (Reply::json(200, ""), "internal_server"),
        (
            Reply::json(
                200,
                "{\"error\":{\"message\":\"slow down\",\"code\":\"rate_limit_exceeded\"}}",
            ),
            "rate_limit",
        ),
        (Reply::rate_limited(0), "rate_limit"),
        (Reply::content_policy(), "content_policy"),
    ] {
        east.always(reply);
        let setup = Setup::new().with("gpt-4", "east", &east).router("num_retries: 0");
        let gateway = setup.start().await;
        let answer = gateway.post(PICTURE, "{\"model\":\"gpt-4\"}").await;
        assert_eq!(answer.class(), class);
        assert_eq!(answer.header("x-should-retry"), "false");
    }
    for list in ["[]", "[1]", "{}"] {
        east.always(Reply::json(200, list));
        assert_eq!(gateway.post(PICTURE, "{\"model\":\"gpt-4\"}").await.body, list);
    }
    assert_eq!(gateway.post(PICTURE, "{\"model\":\"none\"}").await.status, 404);
    for bad in
        ["{\"model\":1}", "[]", "{\"model\":\"gpt-4\"", "{\"model\":\"gpt-4\",\"model\":\"x\"}"]
    {
        assert_eq!(gateway.post(PICTURE, bad).await.status, 400, "{bad}");
    }
    let told = gateway.post(PICTURE, "{\"model\":\"gpt-4\",\"api_base\":\"x\"}").await;
    assert_eq!(told.error()["param"], "api_base");
}

#[tokio::test]
async fn a_sound_comes_as_it_is() {
    let (gateway, east) = only().await;
    let sound: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let reply = Reply::json(200, sound.clone()).header("content-type", "audio/mpeg");
    east.then(Reply::status(500)).then(reply);
    let answer = gateway.post("/v1/audio/speech", "{\"model\":\"gpt-4\"}").await;
    assert_eq!(answer.trail(), ["gpt-4/east=internal_server", "gpt-4/east=ok"]);
    assert!(answer.body == sound);
    assert_eq!(answer.header("content-type"), "audio/mpeg");
    assert_eq!(answer.header("content-length"), "300000");
    // Nothing is no sound.
    let nothing = || Reply::json(200, "").header("content-type", "audio/mpeg");
    east.then(nothing()).then(Reply::json(200, "a").header("content-type", "audio/mpeg"));
    assert_eq!(gateway.post("/v1/audio/speech", "{\"model\":\"gpt-4\"}").await.body, "a");
}

#[tokio::test]
async fn events_come_as_they_are_and_when_they_are() {
    let (gateway, east) = only().await;
    let events =
        ["data: {\"type\":\"speech.audio.delta\"}\n\n", "event: x\r\ndata: 1\r\n\r\n", ": end\n\n"];
    east.always(Reply::chunks(events).pause(Duration::from_millis(300)));
    let body = json!({"model": "gpt-4", "stream_format": "sse", "stream": true}).to_string();
    let mut caller = gateway.caller().await;
    let answer = caller.sender.send_request(post("/v1/audio/speech", body)).await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let mut body = answer.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, events[0], "before the rest of it is there");
    assert_eq!(body.collect().await.unwrap().to_bytes(), events[1..].concat());
}

#[tokio::test]
async fn events_that_break_off_are_not_made_to_look_whole() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    // A head and no more; then a head and one event of the two that are announced.
    let upstream = tokio::spawn(async move {
        for events in ["", "9\r\ndata: 1\n\n\r\n"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(format!("{head}{events}").as_bytes()).await.unwrap();
        }
    });
    let gateway = Setup::new().at("gpt-4", "east", &base, "").start().await;
    let body = json!({"model": "gpt-4", "stream": true}).to_string();
    let mut caller = gateway.caller().await;
    let answer = caller.sender.send_request(post("/v1/audio/speech", body)).await.unwrap();
    let trail = answer.headers()["x-secondwind-trail"].to_str().unwrap().to_owned();
    assert!(trail.contains("connection@") && trail.contains(";gpt-4/east=ok"), "{trail}");
    let mut body = answer.into_body();
    let event = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(event, "data: 1\n\n");
    assert!(body.frame().await.unwrap().is_err(), "it is not over, and does not look so");
    upstream.await.unwrap();
}

#[tokio::test]
async fn an_answer_that_falls_silent_is_given_up() {
    let east = Upstream::start().await;
    let setup = Setup::new().with("gpt-4", "east", &east).policy("timeout: {idle: 200ms}");
    let gateway = setup.start().await;
    east.always(Reply::chunks(["data: 1\n\n", "data: 2\n\n"]).pause(Duration::from_secs(60)));
    let mut caller = gateway.caller().await;
    let request = post("/v1/audio/speech", "{\"model\":\"gpt-4\"}");
    let mut body = caller.sender.send_request(request).await.unwrap().into_body();
    assert!(body.frame().await.unwrap().is_ok());
    let silent = timeout(Duration::from_secs(10), body.frame()).await;
    assert!(silent.expect("within the clock").unwrap().is_err());
    east.until(|tally| tally.dropped == 1).await;
}

#[tokio::test]
async fn other_apis_have_no_place_for_it() {
    let (claude, east) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::json(200, "{}"));
    let setup = Setup::new().with("claude", "c", &claude).with("gpt-4", "c2", &claude);
    let setup = setup.edited("openai/", "anthropic/").with("gpt-4", "east", &east);
    let gateway = setup.router("fallbacks: [{claude: [gpt-4]}]").start().await;
    assert_eq!(of_account(&gateway, Method::GET, FILES).await.trail(), ["gpt-4/east=ok"]);
    assert_eq!(gateway.post(PICTURE, "{\"model\":\"gpt-4\"}").await.trail(), ["gpt-4/east=ok"]);
    assert_eq!(gateway.post(PICTURE, "{\"model\":\"claude\"}").await.trail(), ["gpt-4/east=ok"]);
    let setup = Setup::new().with("claude", "c", &claude).edited("openai/", "anthropic/");
    let gateway = setup.start().await;
    assert_eq!(of_account(&gateway, Method::GET, FILES).await.status, 404);
    let refused = gateway.post(PICTURE, "{\"model\":\"claude\"}").await;
    assert_eq!((refused.status.as_u16(), &*refused.class()), (400, "unsupported_params"));
    assert_eq!(claude.attempts(), 0);
}

#[tokio::test]
async fn a_path_leads_nowhere_else() {
    let (gateway, east) = only().await;
    for path in [
        "/v1/files/../../admin",
        "/v1/files/%2e%2e/%2E%2E/admin",
        "/v1/../admin",
        "/v1/files/a%2fb",
        "/v1/files/a%5cb",
        "/v1/files//a",
        "/v1//evil.example/files",
        "/v1/http://evil.example/",
        "/v1/files/..;/a",
        "/v1/files/a%00",
        "/v1/files/%252e%252e/a",
        "/v1/files?api_base=http://evil.example",
        "/v1/files?key=sk-evil",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = of_account(&gateway, method, path).await;
            assert_eq!(answer.status, 400, "{path}");
            assert_eq!(answer.error()["type"], "invalid_request_error");
        }
    }
    assert!(east.requests().is_empty());
    // Of a target in full only the path counts (RFC 9112, 3.2.2); and it must be ours.
    east.always(Reply::json(200, "{}"));
    let absolute = |host: &str| {
        let mut request = asked(Method::GET, &format!("http://{host}{FILES}"));
        request.headers_mut().insert("host", "gateway".parse().unwrap());
        request
    };
    assert_eq!(gateway.send(absolute("evil.example")).await.status, 400);
    assert_eq!(gateway.send(absolute("gateway")).await.status, 200);
    let sent = east.requests().pop().unwrap();
    assert_eq!((&*sent.path, sent.header("host")), (FILES, Some(&*east.addr().to_string())));
}

#[tokio::test]
async fn methods_that_cannot_be_passed_through_are_refused() {
    let (gateway, east) = only().await;
    for method in [Method::HEAD, Method::OPTIONS, Method::TRACE] {
        let answer = of_account(&gateway, method.clone(), FILES).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), "GET, POST, PUT, PATCH, DELETE");
    }
    let mut socket = asked(Method::GET, "/v1/realtime?model=gpt-4");
    socket.headers_mut().insert("connection", "upgrade".parse().unwrap());
    socket.headers_mut().insert("upgrade", "websocket".parse().unwrap());
    assert_eq!(gateway.send(socket).await.status, 400);
    let mut packed = post(PICTURE, "x");
    packed.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(gateway.send(packed).await.status, 415);
    assert_eq!(east.attempts(), 0);
}

#[tokio::test]
async fn a_key_is_struck_out_of_a_sound_wherever_its_bytes_are_parted() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    let key = key_of("east");
    let sound = format!("ID3 {key} tail {}", &key[..5]);
    let struck = sound.replace(&key, &"*".repeat(key.len()));
    for at in 4..=4 + key.len() {
        let pieces = [sound[..at].to_owned(), sound[at..].to_owned()];
        let reply = Reply::chunks(pieces).pause(Duration::from_millis(1));
        east.then(reply.header("content-type", "audio/mpeg"));
        let answer = gateway.send(post("/v1/audio/speech", "{\"model\":\"gpt-4\"}")).await;
        assert_eq!(answer.body, struck, "{at}");
    }
}

#[tokio::test]
async fn keys_stay_on_their_side() {
    let east = Upstream::start().await;
    let setup = Setup::new().with("gpt-4", "east", &east).master_key("sk-of-the-gateway");
    let gateway = setup.start().await;
    assert_eq!(of_account(&gateway, Method::GET, FILES).await.status, 401);
    let echo = format!("the key is {}.", key_of("east"));
    for kind in ["application/json", "text/plain"] {
        east.always(Reply::json(200, echo.clone()).header("content-type", kind));
        for path in [FILES, "/v1/audio/speech"] {
            let mut request = post(path, "{\"model\":\"gpt-4\"}");
            for name in ["authorization", "x-api-key", "api-key", "x-litellm-api-key", "cookie"] {
                let key = "Bearer sk-of-the-gateway".parse().unwrap();
                request.headers_mut().insert(name, key);
            }
            request.headers_mut().insert("openai-organization", "org-evil".parse().unwrap());
            request.headers_mut().insert("openai-beta", "assistants=v2".parse().unwrap());
            let answer = gateway.send(request).await;
            assert!(!format!("{answer:?}").contains(&key_of("east")), "{answer:?}");
        }
    }
    for sent in east.requests() {
        assert!(!format!("{sent:?}").contains("sk-of-the-gateway"), "{sent:?}");
        assert_eq!(sent.header("authorization"), Some(&*format!("Bearer {}", key_of("east"))));
        assert_eq!(sent.header("openai-organization"), None);
        assert_eq!(sent.header("openai-beta"), Some("assistants=v2"));
    }
}

#[tokio::test]
async fn what_is_passed_through_is_counted_by_the_group_that_was_used() {
    let (gateway, east) = only().await;
    east.then(Reply::status(500)).always(Reply::json(200, "{}"));
    of_account(&gateway, Method::GET, FILES).await;
    gateway.post("/v1/moderations", "{\"model\":\"gpt-4\"}").await;
    of_account(&gateway, Method::GET, "/v1/files/..").await;
    let text = String::from_utf8(gateway.get("/metrics").await.body.to_vec()).unwrap();
    for line in [
        "secondwind_requests_total{group=\"gpt-4\",outcome=\"ok\"} 2",
        "secondwind_attempts_total{group=\"gpt-4\",deployment=\"east\",class=\"ok\"} 2",
        "secondwind_attempts_total{group=\"gpt-4\",deployment=\"east\",class=\"internal_server\"} 1",
        "secondwind_refused_requests_total{class=\"bad_request\"} 1",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
