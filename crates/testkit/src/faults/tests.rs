use std::io::ErrorKind;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::words::words;
use super::*;

const LONG: Duration = Duration::from_secs(60);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn question(model: &str, stream: bool) -> Value {
    let user = json!({"role": "user", "content": "Who?"});
    json!({"model": model, "stream": stream, "messages": [user]})
}

async fn send(server: &FaultServer, body: &Value) -> TcpStream {
    let mut socket = TcpStream::connect(server.addr()).await.unwrap();
    let body = body.to_string();
    let head =
        format!("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    socket
}

/// What comes until the connection ends, or for so long; and how it ended.
async fn read(socket: &mut TcpStream, patience: Duration) -> (String, Option<ErrorKind>) {
    let (mut all, until) = (Vec::new(), Instant::now() + patience);
    let end = loop {
        match tokio::time::timeout_at(until, socket.read_buf(&mut all)).await {
            Ok(Ok(0)) => break Some(ErrorKind::UnexpectedEof),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => break Some(error.kind()),
            Err(_) => break None,
        }
    };
    (String::from_utf8_lossy(&all).into_owned(), end)
}

async fn ask(server: &FaultServer, body: &Value) -> (String, Option<ErrorKind>) {
    read(&mut send(server, body).await, millis(150)).await
}

/// The text within a stream's bytes.
fn said(bytes: &str) -> String {
    let events = bytes.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = events.filter_map(|event| serde_json::from_str::<Value>(event).ok());
    events
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect()
}

fn first(words_: usize) -> String {
    words(TEXT).take(words_).collect()
}

#[test]
fn the_text_has_as_many_words_as_it_says() {
    assert_eq!(words(TEXT).count(), WORDS);
}

#[tokio::test]
async fn answers_well_when_nothing_is_wrong() {
    let server = FaultServer::start().await;
    server.pace(Duration::ZERO);
    let (stream, end) = ask(&server, &question("m", true)).await;
    assert_eq!(said(&stream), TEXT);
    assert!(stream.contains("\"finish_reason\":\"stop\"") && stream.contains("data: [DONE]"));
    assert_eq!(end, None, "the connection is kept");
    let (whole, _) = ask(&server, &question("m", false)).await;
    let json = whole.lines().find(|line| line.starts_with('{')).unwrap();
    let json: Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["choices"][0]["message"]["content"], TEXT);
    assert!(server.attempts().iter().all(|attempt| attempt.ended.is_some()));
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let server = FaultServer::start().await;
    server.pace(Duration::ZERO).then(Fault::Status(503));
    let mut socket = send(&server, &question("m", true)).await;
    let (refused, _) = read(&mut socket, millis(50)).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    let body = question("m", true).to_string();
    let head = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    assert_eq!(said(&read(&mut socket, millis(100)).await.0), TEXT);
}

#[tokio::test]
async fn breaks_at_the_word_that_was_chosen_and_in_the_way_that_was_chosen() {
    let breaks = [
        (Break::Cut, Some(ErrorKind::UnexpectedEof)),
        (Break::Reset, Some(ErrorKind::ConnectionReset)),
        (Break::End, None),
        (Break::Error, None),
        (Break::Garbage, Some(ErrorKind::UnexpectedEof)),
        (Break::Stall(LONG), None),
        (Break::StallAndCut(millis(1)), Some(ErrorKind::UnexpectedEof)),
    ];
    for (how, end) in breaks {
        for word in [0, 7, WORDS] {
            let server = FaultServer::start().await;
            server.pace(Duration::ZERO).always(Fault::at(word, how));
            let (stream, ended) = ask(&server, &question("m", true)).await;
            assert_eq!(ended, end, "{how:?} at {word}");
            if how != Break::Reset {
                assert_eq!(said(&stream), first(word), "{how:?} at {word}");
            }
            assert!(!stream.contains("\"stop\""), "{how:?} at {word}");
            let whole = stream.ends_with("0\r\n\r\n");
            assert_eq!(whole, matches!(how, Break::End | Break::Error), "{how:?} at {word}");
            assert!(server.attempts()[0].broke.is_some());
        }
    }
}

#[tokio::test]
async fn goes_on_behind_what_is_merely_malformed() {
    for (how, lost) in [(Break::Malformed, 0), (Break::Nuls, 0), (Break::Mangled, 1)] {
        let server = FaultServer::start().await;
        server.pace(Duration::ZERO).always(Fault::at(9, how));
        let (stream, _) = ask(&server, &question("m", true)).await;
        assert_eq!(words(&said(&stream)).count(), WORDS - lost, "{how:?}");
        let events = stream.lines().filter_map(|line| line.strip_prefix("data: "));
        let no_json = events.filter(|event| serde_json::from_str::<Value>(event).is_err());
        assert_eq!(no_json.count(), 2, "the event and [DONE]: {how:?}");
    }
}

#[tokio::test]
async fn breaks_json_in_the_same_ways() {
    let server = FaultServer::start().await;
    for how in [Break::Cut, Break::Reset, Break::End, Break::Stall(LONG), Break::Mangled] {
        server.then(Fault::at(30, how));
        let (whole, _) = ask(&server, &question("m", false)).await;
        let json = whole.lines().find(|line| line.starts_with('{')).unwrap_or_default();
        assert!(serde_json::from_str::<Value>(json).is_err(), "{how:?}: {whole}");
    }
    server.then(Fault::at(30, Break::Error));
    assert!(ask(&server, &question("m", false)).await.0.contains("{\"error\":"));
}

#[tokio::test]
async fn says_nothing_before_the_head_when_it_should_not() {
    let server = FaultServer::start().await;
    let faults = [
        (Fault::ResetBeforeHead, Some(ErrorKind::ConnectionReset)),
        (Fault::CloseBeforeHead, Some(ErrorKind::UnexpectedEof)),
        (Fault::Silence(LONG), None),
    ];
    for (fault, end) in faults {
        server.then(fault.clone());
        assert_eq!(ask(&server, &question("m", true)).await, (String::new(), end), "{fault:?}");
    }
}

#[tokio::test]
async fn tells_when_its_client_went_away() {
    let server = FaultServer::start().await;
    server.always(Fault::at(3, Break::Stall(LONG)));
    let socket = send(&server, &question("m", true)).await;
    server.until(|attempts| attempts.iter().any(|attempt| attempt.broke.is_some())).await;
    assert!(server.attempts()[0].is_open());
    let left = Instant::now();
    drop(socket);
    let gone = server.until(|attempts| attempts[0].left.is_some());
    let gone = timeout(Duration::from_secs(5), gone).await.unwrap();
    assert!(gone[0].left.unwrap() >= left && gone[0].ended.is_none());
}

#[tokio::test]
async fn goes_on_from_a_prefill_or_refuses_it() {
    let server = FaultServer::start().await;
    server.pace(Duration::ZERO);
    let mut body = question("m", true);
    let begun = first(20);
    body["messages"].as_array_mut().unwrap().push(json!({"role": "assistant", "content": begun}));
    let (stream, _) = ask(&server, &body).await;
    assert_eq!(begun.clone() + &said(&stream), TEXT);
    assert_eq!(server.attempts()[0].prefill.as_deref(), Some(&*begun));
    server.prefill(Prefill::Refused);
    let (refused, _) = ask(&server, &body).await;
    assert!(refused.starts_with("HTTP/1.1 400 ") && refused.contains("prefill"), "{refused}");
    assert_eq!(said(&ask(&server, &question("m", true)).await.0), TEXT);
}

#[tokio::test]
async fn says_other_words_from_a_word_on() {
    let server = FaultServer::start().await;
    server.pace(Duration::ZERO).always(Fault::Differs(10));
    let said = said(&ask(&server, &question("m", true)).await.0);
    assert_eq!(words(&said).zip(words(TEXT)).take_while(|(a, b)| a == b).count(), 10);
    assert_eq!(words(&said).count(), WORDS);
}

#[tokio::test]
async fn plays_a_fault_to_one_model_or_to_every_so_manieth() {
    let server = FaultServer::start().await;
    server.always_for("bad", Fault::Status(500)).then_for("once", Fault::Status(503));
    let mut statuses = Vec::new();
    for model in ["bad", "good", "once", "once", "bad"] {
        let (reply, _) = ask(&server, &question(model, false)).await;
        statuses.push(reply[9..12].to_owned());
    }
    assert_eq!(statuses, ["500", "200", "503", "200", "500"]);
    server.every(3, vec![Fault::Status(500), Fault::Status(502)]);
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(ask(&server, &question("m", false)).await.0[9..12].to_owned());
    }
    assert_eq!(statuses, ["200", "200", "500", "200", "200", "502"]);
}

#[tokio::test]
async fn sends_as_much_as_was_asked_for() {
    let server = FaultServer::start().await;
    let floods = [
        (Fault::Flood(1 << 20), 1 << 20),
        (Fault::BigEvent(1 << 20), 1 << 20),
        (Fault::BigHead(1 << 20), 1 << 20),
        (Fault::GzipBomb(1 << 30), 6 << 20),
    ];
    for (fault, bytes) in floods {
        server.pace(Duration::ZERO).then(fault.clone());
        read(&mut send(&server, &question("m", true)).await, millis(400)).await;
        let written = server.attempts().last().unwrap().written;
        assert!(written >= bytes && written < bytes * 2, "{fault:?}: {written}");
    }
}
