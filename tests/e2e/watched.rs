//! What the operator sees: metrics, health, who is there.

use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, Full};
use secondwind_testkit::faults::{Break, Fault, FaultServer, TEXT};
use secondwind_testkit::upstream::{Reply, Upstream};
use serde_json::json;

use crate::gateway::{CHAT, Gateway, Setup, key_of, post, question, streamed};
use crate::strict::{Verdict, hear, with_usage};

pub(crate) async fn metrics(gateway: &Gateway) -> String {
    let answer = gateway.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// Each of `lines` is among the metrics, soon: what ends with a stream is counted after its last byte.
async fn counted(gateway: &Gateway, lines: &[&str]) -> String {
    for _ in 0..100 {
        let text = metrics(gateway).await;
        if lines.iter().all(|line| text.lines().any(|known| known == format!("secondwind_{line}")))
        {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not all of {lines:#?} in\n{}", metrics(gateway).await);
}

#[tokio::test]
async fn retries_moves_and_fallbacks_are_counted_where_they_were_needed() {
    let [east, west, spare] =
        [Upstream::start().await, Upstream::start().await, Upstream::start().await];
    east.always(Reply::status(500));
    west.always(Reply::overloaded());
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let setup = setup.with("small", "spare", &spare).router("fallbacks: [{gpt-4: [small]}]");
    let gateway = setup.policy("retry: {num_retries: 2}").start().await;
    let answer = gateway.ask("gpt-4").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.attempts(), 4);
    gateway.post(CHAT, streamed("small").to_string()).await;
    gateway.ask("nobody").await;
    let text = counted(
        &gateway,
        &[
            r#"requests_total{group="gpt-4",outcome="ok"} 1"#,
            r#"requests_total{group="small",outcome="ok"} 1"#,
            r#"refused_requests_total{class="not_found"} 1"#,
            r#"requests_in_flight{group="gpt-4"} 0"#,
            r#"requests_in_flight{group="small"} 0"#,
            r#"moves_total{group="gpt-4",deployment="east",class="internal_server"} 1"#,
            r#"attempts_total{group="small",deployment="spare",class="ok"} 2"#,
            r#"request_duration_seconds_count{group="gpt-4"} 1"#,
            r#"attempt_duration_seconds_bucket{group="small",le="+Inf"} 2"#,
            r#"attempt_duration_seconds_count{group="gpt-4"} 3"#,
            r#"deployment_resting{group="gpt-4",deployment="east"} 0"#,
        ],
    )
    .await;
    let sum = |family: &str| -> u64 {
        let lines = text.lines().filter(|line| line.starts_with(&format!("secondwind_{family}{{")));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    assert_eq!(sum("attempts_total"), 5);
    assert_eq!(sum("retries_total") + sum("moves_total"), 2);
    assert_eq!(sum("fallbacks_total"), 1);
    // Callers cannot make new series, and keys are nowhere.
    assert!(!text.contains("nobody") && !text.contains(&key_of("east")));
}

#[tokio::test]
async fn what_was_not_done_is_counted_too() {
    let east = Upstream::start().await;
    east.always(Reply::status(500));
    let setup = Setup::new().with("gpt-4", "east", &east);
    let setup = setup.policy("retry: {budget: {ratio: 0, min_per_second: 0, window: 10s}}");
    let gateway = setup.start().await;
    gateway.ask("gpt-4").await;
    east.always(Reply::rate_limited(120));
    gateway.ask("gpt-4").await;
    gateway.ask("gpt-4").await;
    counted(
        &gateway,
        &[
            r#"budget_denials_total{group="gpt-4",deployment="east",class="internal_server"} 1"#,
            r#"rests_total{group="gpt-4",deployment="east",class="rate_limit"} 1"#,
            r#"deployment_resting{group="gpt-4",deployment="east"} 1"#,
            r#"requests_total{group="gpt-4",outcome="internal_server"} 1"#,
            // The second was refused while it rested.
            r#"requests_total{group="gpt-4",outcome="rate_limit"} 2"#,
            r#"attempts_total{group="gpt-4",deployment="east",class="rate_limit"} 1"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn a_stream_is_counted_at_its_end_and_as_what_it_came_to() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    // Until there is content, there is no head either.
    east.always(Reply::stall_after(2));
    let mut caller = gateway.caller().await;
    let request = post(CHAT, streamed("gpt-4").to_string());
    let answer = caller.sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    counted(&gateway, &[r#"requests_in_flight{group="gpt-4"} 1"#]).await;
    drop(answer);
    caller.leave();
    counted(
        &gateway,
        &[
            r#"requests_in_flight{group="gpt-4"} 0"#,
            r#"requests_total{group="gpt-4",outcome="cancelled"} 1"#,
            r#"attempts_total{group="gpt-4",deployment="east",class="cancelled"} 1"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn a_stream_that_was_carried_on_counts_once_and_as_answered() {
    let (east, west) = (FaultServer::start().await, FaultServer::start().await);
    east.always(Fault::at(10, Break::Cut));
    let setup = Setup::new().at("gpt-4", "east", &east.base_url(), ", order: 1");
    let gateway = setup.at("gpt-4", "west", &west.base_url(), "").start().await;
    let heard = hear(gateway.address, &with_usage("gpt-4"), Duration::from_secs(20)).await;
    assert_eq!(heard.verdict(TEXT), Verdict::Whole);
    let text = counted(
        &gateway,
        &[
            r#"requests_total{group="gpt-4",outcome="ok"} 1"#,
            r#"requests_in_flight{group="gpt-4"} 0"#,
            r#"recoveries_total{group="gpt-4",deployment="east",class="interrupted"} 1"#,
            r#"attempts_total{group="gpt-4",deployment="east",class="interrupted"} 1"#,
            r#"attempts_total{group="gpt-4",deployment="west",class="ok"} 1"#,
            r#"request_duration_seconds_count{group="gpt-4"} 1"#,
        ],
    )
    .await;
    assert_eq!(text.matches("secondwind_requests_total{").count(), 1, "{text}");
    assert_eq!(text.matches("secondwind_attempts_total{").count(), 2, "{text}");
    // What broke off was said again by the other: it was paid for and of no use.
    let wasted = "secondwind_wasted_tokens_total{";
    assert_eq!(text.matches(wasted).count(), 1, "{text}");
    let line = text.lines().find(|line| line.starts_with(wasted)).unwrap();
    let labels = r#"group="gpt-4",deployment="east",count="estimated"} "#;
    let tokens = line.strip_prefix(wasted).and_then(|line| line.strip_prefix(labels));
    assert!(tokens.unwrap().parse::<u64>().unwrap() > 10, "{line}");
}

#[tokio::test]
async fn a_stream_that_broke_off_counts_as_interrupted_whatever_its_head_said() {
    for (recovery, others, keepalive) in
        [("off", false, ""), ("continue", false, ""), ("continue", true, ", keepalive: 10s")]
    {
        let (east, west) = (FaultServer::start().await, FaultServer::start().await);
        east.always(Fault::at(10, Break::Cut));
        // What it says is another answer.
        west.always(Fault::Differs(5));
        let mut setup = Setup::new().at("gpt-4", "east", &east.base_url(), ", order: 1");
        if others {
            setup = setup.at("gpt-4", "west", &west.base_url(), ", order: 2");
        }
        let setup = setup.policy(&format!("stream: {{recovery: {recovery}{keepalive}}}"));
        let gateway = setup.router("num_retries: 1").start().await;
        let heard = hear(gateway.address, &with_usage("gpt-4"), Duration::from_secs(20)).await;
        assert_eq!(heard.verdict(TEXT), Verdict::Told, "{recovery} {others}");
        let text = counted(
            &gateway,
            &[
                r#"requests_total{group="gpt-4",outcome="interrupted"} 1"#,
                r#"requests_in_flight{group="gpt-4"} 0"#,
            ],
        )
        .await;
        assert_eq!(text.matches("secondwind_requests_total{").count(), 1, "{text}");
        assert!(!text.contains(r#"class="ok""#), "{text}");
        if others {
            // Dropped at the first word that differs.
            let west = r#"attempts_total{group="gpt-4",deployment="west",class="cancelled"} 1"#;
            assert!(text.contains(west), "{text}");
        }
    }
}

#[tokio::test]
async fn a_failure_behind_a_sign_of_life_counts_as_what_it_is() {
    let east = FaultServer::start().await;
    east.always(Fault::Silence(Duration::from_secs(60)));
    let setup = Setup::new().at("gpt-4", "east", &east.base_url(), "");
    let setup = setup.router("timeout: 0.4").router("num_retries: 0");
    let gateway = setup.policy("stream: {keepalive: 100ms}").start().await;
    let heard = hear(gateway.address, &with_usage("gpt-4"), Duration::from_secs(20)).await;
    assert_eq!((heard.status.as_u16(), heard.class()), (200, "timeout"));
    let text = counted(&gateway, &[r#"requests_total{group="gpt-4",outcome="timeout"} 1"#]).await;
    assert_eq!(text.matches("secondwind_requests_total{").count(), 1, "{text}");
}

#[tokio::test]
async fn who_leaves_after_the_last_word_got_an_answer() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).start().await;
    // All is said, but the connection stays open.
    let chunk = |delta: &str, end: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"finish_reason\":{end}}}]}}\n\n"
        )
    };
    let text = chunk(r#""content":"I""#, "null") + &chunk("", "\"stop\"") + "data: [DONE]\n\n";
    east.always(Reply::chunks([text, ": more\n\n".to_owned()]).pause(Duration::from_secs(60)));
    let mut caller = gateway.caller().await;
    let request = post(CHAT, streamed("gpt-4").to_string());
    let answer = caller.sender.send_request(request).await.unwrap();
    let mut body = answer.into_body();
    let mut heard = Vec::new();
    while !heard.ends_with(b"[DONE]\n\n") {
        heard.extend_from_slice(body.frame().await.unwrap().unwrap().data_ref().unwrap());
    }
    drop(body);
    caller.leave();
    counted(
        &gateway,
        &[
            r#"requests_total{group="gpt-4",outcome="ok"} 1"#,
            r#"attempts_total{group="gpt-4",deployment="east",class="ok"} 1"#,
        ],
    )
    .await;
}

#[tokio::test]
async fn the_deployments_are_listed_with_how_they_do() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    east.always(Reply::rate_limited(100));
    let setup = Setup::new().and("gpt-4", "east", &east, ", order: 1").with("gpt-4", "west", &west);
    let gateway = setup.start().await;
    let health = gateway.get("/health").await.json();
    assert_eq!([&health["healthy_count"], &health["unhealthy_count"]], [2, 0]);
    assert_eq!(gateway.ask("gpt-4").await.trail(), ["gpt-4/east=rate_limit", "gpt-4/west=ok"]);

    let health = gateway.get("/health").await.json();
    assert_eq!([&health["healthy_count"], &health["unhealthy_count"]], [1, 1]);
    let sick = &health["unhealthy_endpoints"][0];
    assert_eq!(sick["model_id"], "east");
    assert_eq!(sick["api_base"], "127.0.0.1");
    assert_eq!(sick["resting"]["reason"], "rate_limit");
    let seconds = sick["resting"]["seconds"].as_f64().unwrap();
    assert!((90.0..=100.0).contains(&seconds), "{seconds}");

    for path in ["/model/info", "/v1/model/info"] {
        let info = gateway.get(path).await.json();
        assert_eq!(info["data"][0]["model_name"], "gpt-4");
        assert_eq!(info["data"][0]["litellm_params"]["model"], "model-of-east");
        assert_eq!(info["data"][0]["model_info"]["id"], "east");
        assert_eq!(info["data"][0]["model_info"]["resting"]["reason"], "rate_limit");
        assert_eq!(info["data"][1]["model_info"]["resting"], json!(null));
        assert!(!info.to_string().contains(&key_of("east")));
    }
    assert_eq!([east.attempts(), west.attempts()], [1, 1]);
}

#[tokio::test]
async fn what_names_the_configuration_needs_the_key() {
    let east = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "east", &east).master_key("sk-master-1").start().await;
    for path in ["/metrics", "/health", "/model/info", "/v1/model/info"] {
        assert_eq!(gateway.get(path).await.status, 401, "{path}");
        let request = Request::get(path).header("host", "gateway").body(Full::default()).unwrap();
        let (mut head, body) = request.into_parts();
        head.headers.insert("authorization", "Bearer sk-master-1".parse().unwrap());
        assert_eq!(gateway.send(Request::from_parts(head, body)).await.status, 200, "{path}");
    }
    assert_eq!(gateway.post("/metrics", question("gpt-4").to_string()).await.status, 405);
}
