//! What belongs to an account stays where it is, whatever becomes of the models.

use http::Method;
use http_body_util::Full;
use secondwind_testkit::upstream::{Reply, Upstream};
use serde_json::json;

use super::{FILES, PICTURE, asked, cast, of_account, only};
use crate::gateway::{CHAT, Setup, post, question};

#[tokio::test]
async fn what_belongs_to_an_account_stays_with_one_deployment() {
    let (gateway, [east, west, spare]) = cast().await;
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        east.then(Reply::status(500)).then(Reply::reset()).then(Reply::json(200, "{\"id\":\"f\"}"));
        let answer = of_account(&gateway, method.clone(), "/v1/files/f?limit=2&after=a%2Fb").await;
        assert_eq!(answer.json()["id"], "f", "{method}");
        let trail = ["gpt-4/east=internal_server", "gpt-4/east=connection", "gpt-4/east=ok"];
        assert_eq!(answer.trail(), trail);
        assert_eq!(answer.header("x-litellm-model-group"), "gpt-4");
        assert_eq!(answer.header("x-litellm-attempted-retries"), "2");
        let sent = east.requests().pop().unwrap();
        assert_eq!((sent.method, &*sent.path), (method, "/v1/files/f?limit=2&after=a%2Fb"));
    }
    east.always(Reply::status(500));
    let answer = of_account(&gateway, Method::GET, FILES).await;
    assert_eq!((answer.status.as_u16(), answer.attempts()), (500, 3));
    assert_eq!(answer.header("x-litellm-attempted-fallbacks"), "0");
    east.always(Reply::hang());
    let mut hasty = asked(Method::GET, FILES);
    hasty.headers_mut().insert("x-litellm-timeout", "0.2".parse().unwrap());
    assert_eq!(gateway.send(hasty).await.status, 504);
    assert_eq!([west.attempts(), spare.attempts()], [0, 0]);
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_twice() {
    let (gateway, east) = only().await;
    for failure in [Reply::status(500), Reply::reset(), Reply::status(429)] {
        east.always(failure);
        let before = east.attempts();
        let answer = gateway.post("/v1/batches", "{\"input_file_id\":\"f\"}").await;
        assert_eq!((answer.attempts(), east.attempts() - before), (1, 1));
        assert_eq!(answer.header("x-should-retry"), "", "that is its caller's to know");
    }
    east.always(Reply::status(500));
    let mut keyed = post("/v1/batches", "{}");
    keyed.headers_mut().insert("idempotency-key", "once".parse().unwrap());
    assert_eq!(gateway.send(keyed).await.attempts(), 3);
    assert!(
        east.requests().iter().rev().take(3).all(|it| it.header("idempotency-key") == Some("once"))
    );
    let setup = Setup::new().with("gpt-4", "east", &east).policy("retry: {non_idempotent: true}");
    let gateway = setup.start().await;
    assert_eq!(gateway.post("/v1/batches", "{}").await.attempts(), 3);
}

#[tokio::test]
async fn what_could_not_be_sent_is_sent_again_whatever_it_is() {
    let (gateway, east) = only().await;
    east.refuse().await;
    let answer = gateway.post("/v1/batches", "{}").await;
    let refused = "gpt-4/east=connection";
    assert_eq!((answer.status.as_u16(), answer.trail()), (502, vec![refused.to_owned(); 3]));
    assert_eq!(answer.header("x-should-retry"), "false");
}

#[tokio::test]
async fn bodies_and_answers_of_an_account_are_whatever_they_are() {
    let (gateway, east) = only().await;
    // A model in it is the provider's.
    let sent = "{\"model\": \"gpt-4\",\"model\":\"x\", \"num_retries\":7, \"error\": \n1}";
    let answers = ["{\"error\":{\"message\":\"of a job\"}}", "{\"half\":", "<html>", ""];
    for answer in answers {
        for kind in ["application/json", "text/html", "application/octet-stream"] {
            east.always(Reply::json(200, answer).header("content-type", kind));
            let got = gateway.post("/v1/assistants", sent).await;
            assert_eq!((got.status.as_u16(), &*got.body), (200, answer.as_bytes()), "{kind}");
            assert_eq!(got.trail(), ["gpt-4/east=ok"]);
        }
    }
    assert_eq!(east.requests()[0].body, sent);
    east.always(Reply::json(204, ""));
    assert_eq!(of_account(&gateway, Method::DELETE, "/v1/files/f").await.status, 204);
    assert_eq!(east.requests().pop().unwrap().header("content-type"), None);
    let mut words = asked(Method::POST, "/v1/realtime/calls");
    words.headers_mut().insert("content-type", "application/sdp".parse().unwrap());
    *words.body_mut() = Full::from("v=0");
    east.always(Reply::json(201, "ok"));
    assert_eq!(gateway.send(words).await.status, 201);
    let sent = east.requests().pop().unwrap();
    assert_eq!((&*sent.body, sent.header("content-type")), (&b"v=0"[..], Some("application/sdp")));
}

#[tokio::test]
async fn a_missing_file_is_told_as_the_provider_tells_it_and_hurts_nobody() {
    let (gateway, east) = only().await;
    let error = json!({"error": {"message": "No such File object: f", "type": "invalid_request_error", "param": "id", "code": null}});
    east.always(Reply::json(404, error.to_string()));
    for _ in 0..6 {
        let answer = of_account(&gateway, Method::GET, "/v1/files/f").await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.error()["message"], error["error"]["message"]);
        assert_eq!(answer.error()["param"], "id");
        assert_eq!(answer.class(), "not_found");
        assert_eq!(answer.header("x-litellm-model-id"), "east");
        assert_eq!(answer.trail(), ["gpt-4/east=not_found"]);
    }
    for reply in [Reply::status(500), Reply::rate_limited(60), Reply::status(401), Reply::reset()] {
        east.always(reply);
        let mut once = asked(Method::GET, FILES);
        once.headers_mut().insert("x-litellm-num-retries", "0".parse().unwrap());
        assert!(gateway.send(once).await.status.as_u16() >= 400);
    }
    east.always(Reply::ok());
    assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/east=ok"]);
}

#[tokio::test]
async fn files_are_there_while_the_models_rest() {
    let (gateway, [east, ..]) = cast().await;
    east.always(Reply::rate_limited(60));
    for _ in 0..8 {
        gateway.ask("gpt-4").await;
    }
    let before = east.attempts();
    gateway.ask("gpt-4").await;
    assert_eq!(east.attempts(), before, "it rests");
    east.always(Reply::json(200, "{}"));
    assert_eq!(of_account(&gateway, Method::GET, FILES).await.trail(), ["gpt-4/east=ok"]);
    gateway.ask("gpt-4").await;
    assert_eq!(east.attempts(), before + 1, "and still does");
}

#[tokio::test]
async fn a_request_or_the_configuration_says_whose_account_is_meant() {
    let (gateway, [east, west, spare]) = cast().await;
    for upstream in [&east, &west, &spare] {
        upstream.always(Reply::json(200, "{}"));
    }
    let named = |name: &str| {
        let mut request = asked(Method::GET, "/v1/files?model=west");
        request.headers_mut().insert("x-litellm-model", name.parse().unwrap());
        request
    };
    assert_eq!(gateway.send(named("small")).await.trail(), ["small/spare=ok"]);
    assert_eq!(gateway.send(named("none")).await.status, 404);
    assert_eq!(spare.requests()[0].header("x-litellm-model"), None);
    assert_eq!(spare.requests()[0].path, "/v1/files?model=west");
    // Without a model, a question is for the same.
    let stored = "{\"prompt\":{\"id\":\"p\"},\"num_retries\":1}";
    assert_eq!(gateway.post("/v1/responses", stored).await.trail(), ["gpt-4/east=ok"]);
    let sent = east.requests().pop().unwrap();
    assert_eq!((&*sent.path, &*sent.body), ("/v1/responses", &b"{\"prompt\":{\"id\":\"p\"}}"[..]));
    assert_eq!(
        gateway.post("/v1/moderations", "{\"input\":\"a\"}").await.trail(),
        ["gpt-4/east=ok"]
    );

    let setup = || Setup::new().with("gpt-4", "east", &east).with("small", "spare", &spare);
    let gateway = setup().own("passthrough: small").start().await;
    assert_eq!(of_account(&gateway, Method::GET, FILES).await.trail(), ["small/spare=ok"]);
    let gateway = setup().own("passthrough: off").start().await;
    for request in [asked(Method::GET, FILES), named("small")] {
        let answer = gateway.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.attempts()), (404, 0));
    }
    for path in ["/v1/moderations", "/v1/responses"] {
        let answer = gateway.post(path, "{\"input\":\"a\"}").await;
        assert_eq!((answer.status.as_u16(), &answer.error()["param"]), (400, &json!("model")));
    }
    spare.always(Reply::json(200, "{}"));
    assert_eq!(gateway.post(PICTURE, "{\"model\":\"small\"}").await.status, 200);
}

#[tokio::test]
async fn what_was_stored_of_conversations_is_the_accounts() {
    let (gateway, east) = only().await;
    east.always(Reply::json(200, "{\"object\":\"list\"}"));
    for (method, path) in [
        (Method::GET, "/v1/chat/completions?limit=2"),
        (Method::GET, "/v1/chat/completions/c/messages"),
        (Method::DELETE, "/v1/chat/completions/c"),
        (Method::GET, "/v1/responses/r"),
        (Method::POST, "/v1/responses/r/cancel"),
        (Method::DELETE, "/v1/models/ft:gpt-4:me"),
    ] {
        assert_eq!(of_account(&gateway, method, path).await.json()["object"], "list", "{path}");
        assert_eq!(east.requests().pop().unwrap().path, path);
    }
    // The models themselves are the groups.
    assert_eq!(gateway.get("/v1/models").await.json()["data"][0]["id"], "gpt-4");
    east.always(Reply::ok());
    assert_eq!(gateway.post(CHAT, question("gpt-4").to_string()).await.status, 200);
}

#[tokio::test]
async fn an_address_that_depends_on_a_model_is_nobodys_account() {
    let east = Upstream::start().await;
    east.always(Reply::json(200, "{}"));
    let host = format!("http://{}", east.addr());
    let setup = Setup::new().at("azure/*", "azure", &host, ", api_version: '2024-10-21'");
    let setup = setup.edited("openai/model-of-azure", "azure/*").with("gpt-4", "east", &east);
    let gateway = setup.start().await;
    assert_eq!(of_account(&gateway, Method::GET, FILES).await.trail(), ["gpt-4/east=ok"]);
}
