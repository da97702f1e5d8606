//! Forms: sent while they come, repeated byte for byte, and never in two versions.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use secondwind_testkit::upstream::{Reply, Upstream};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::{Gateway, Setup, model_of};

const SPEECH: &str = "/v1/audio/transcriptions";
const TYPE: &str = "multipart/form-data; boundary=----form-1";
const MIB: usize = 1024 * 1024;

/// Bytes of all values, and what looks like a boundary and is none.
fn sound(bytes: usize) -> Vec<u8> {
    let all = (0..=255).chain(*b"\r\n------form-2\r\n-- ------form-1\r\n------form-");
    all.cycle().take(bytes).collect()
}

/// A form with these fields around a file.
fn form(before: &[(&str, &str)], file: &[u8], after: &[(&str, &str)]) -> Vec<u8> {
    let fields = |fields: &[(&str, &str)]| {
        fields.iter().fold(String::new(), |mut all, (name, value)| {
            write!(
                all,
                "------form-1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
            .unwrap();
            all
        })
    };
    let mut form = fields(before).into_bytes();
    form.extend_from_slice(
        b"------form-1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
          Content-Type: audio/wav\r\n\r\n",
    );
    form.extend_from_slice(file);
    form.extend_from_slice(b"\r\n");
    form.extend_from_slice(fields(after).as_bytes());
    form.extend_from_slice(b"------form-1--\r\n");
    form
}

fn posted(path: &str, form: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post(path).header("host", "gateway").header("content-type", TYPE);
    request.body(Full::new(form.into())).unwrap()
}

/// What is sent on a connection of its own: a head, and pieces of a body. Gives the status and the body's JSON.
async fn raw(gateway: &Gateway, head: &str, pieces: Vec<Vec<u8>>) -> (u16, Value) {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut from, mut to) = stream.split();
    let mut answer = Vec::new();
    let write = async {
        for piece in pieces {
            // Whoever has answered does not want the rest.
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    let (_, read) = tokio::join!(write, from.read_to_end(&mut answer));
    read.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    let json = body.find('{').zip(body.rfind('}')).map(|(from, to)| &body[from..=to]);
    (status, serde_json::from_str(json.unwrap_or_default()).unwrap_or_default())
}

fn head(more: &str) -> String {
    format!(
        "POST {SPEECH} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\ncontent-type: {TYPE}\r\n{more}\r\n\r\n"
    )
}

fn chunked(bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
    let chunk = |chunk: &[u8]| {
        let mut all = format!("{:x}\r\n", chunk.len()).into_bytes();
        all.extend_from_slice(chunk);
        all.extend_from_slice(b"\r\n");
        all
    };
    let chunks = bytes.chunks(size).map(chunk);
    chunks.chain([b"0\r\n\r\n".to_vec()]).collect()
}

#[tokio::test]
async fn a_form_is_repeated_byte_for_byte_with_the_deployments_name_for_the_model() {
    let upstream = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "only", &upstream).start().await;
    let (file, model) = (sound(3 * MIB), model_of("only"));
    let other = ("prompt", "gpt-4");
    for early in [true, false] {
        let with = |model| match early {
            true => form(&[other, ("model", model)], &file, &[other]),
            false => form(&[other], &file, &[other, ("model", model)]),
        };
        upstream.then(Reply::status(500)).then(Reply::reset()).always(Reply::json(200, "{}"));
        let answer = gateway.send(posted(SPEECH, with("gpt-4"))).await;
        assert_eq!(
            answer.trail(),
            ["gpt-4/only=internal_server", "gpt-4/only=connection", "gpt-4/only=ok"]
        );
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, &b"{}"[..]));
        let expected = with(&model);
        for received in upstream.requests().iter().rev().take(3) {
            assert!(received.body == expected, "{} bytes", received.body.len());
            assert_eq!(received.path, SPEECH);
            assert_eq!(received.header("content-type"), Some(TYPE));
            assert_eq!(received.header("content-length"), Some(&*expected.len().to_string()));
        }
    }
    assert_eq!(upstream.attempts(), 6);
}

#[tokio::test]
async fn a_form_goes_to_siblings_and_fallbacks_each_with_its_own_name_for_the_model() {
    let ups = [Upstream::start().await, Upstream::start().await, Upstream::start().await];
    let [east, west, spare] = &ups;
    east.always(Reply::status(500));
    west.always(Reply::status(500));
    spare.always(Reply::json(200, "{\"text\":\"hi\"}"));
    let setup = Setup::new().with("gpt-4", "east", east).with("gpt-4", "west", west);
    let setup = setup.with("small", "spare", spare).router("fallbacks: [{gpt-4: [small]}]");
    let gateway = setup.router("num_retries: 1").start().await;
    let file = sound(10_000);
    let answer = gateway.send(posted(SPEECH, form(&[("model", "gpt-4")], &file, &[]))).await;
    assert_eq!(answer.json()["text"], "hi");
    assert_eq!(answer.header("x-litellm-model-group"), "small");
    for (id, upstream) in [("east", east), ("west", west), ("spare", spare)] {
        let received = upstream.requests();
        assert_eq!(received.len(), 1, "{id}");
        assert!(received[0].body == form(&[("model", &model_of(id))], &file, &[]), "{id}");
    }
}

#[tokio::test]
async fn a_form_that_is_too_long_to_keep_streams_through_once() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::status(500));
    let gateway = Setup::new().with("gpt-4", "only", &upstream).start().await;
    let file = sound(20 * MIB);
    let sent = form(&[("model", "gpt-4")], &file, &[]);
    let expected = form(&[("model", &model_of("only"))], &file, &[]);
    // It says itself how long it is.
    let answer = gateway.send(posted(SPEECH, sent.clone())).await;
    assert_eq!((answer.status.as_u16(), upstream.attempts()), (500, 1));
    assert!(answer.header("x-secondwind-trail").ends_with("!not_replayable"), "{answer:?}");
    assert!(upstream.requests()[0].body == expected);
    // It shows only on the way; then the attempt has begun.
    let (status, error) =
        raw(&gateway, &head("transfer-encoding: chunked"), chunked(&sent, MIB)).await;
    assert_eq!((status, upstream.attempts()), (500, 2), "{error}");
    assert!(upstream.requests()[1].body == expected);
    let trail = error["error"]["trail"].as_str().unwrap();
    assert!(trail.contains("internal_server") && !trail.contains(';'), "{trail}");
    // One that fits is kept, however it comes.
    let short = form(&[("model", "gpt-4")], &sound(MIB), &[]);
    let (status, _) =
        raw(&gateway, &head("transfer-encoding: chunked"), chunked(&short, 999)).await;
    assert_eq!((status, upstream.attempts()), (500, 2 + 3));
}

/// How many bytes of memory the process has at this moment.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_streams_through_does_not_fill_the_memory() {
    const TOTAL: usize = 256 * MIB;
    // Neither end has more than a piece of it at a time.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let upstream = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut piece, mut all, mut most) = (vec![0; 64 * 1024], 0, 0);
        // What the last reads ended with: the end of the body may come in pieces.
        let mut tail = Vec::new();
        loop {
            let bytes = stream.read(&mut piece).await.unwrap();
            assert!(bytes > 0, "{all}");
            all += bytes;
            most = most.max(resident());
            tail.extend_from_slice(&piece[bytes.saturating_sub(7)..bytes]);
            tail.drain(..tail.len().saturating_sub(7));
            if all > TOTAL && tail == b"\r\n0\r\n\r\n" {
                break;
            }
        }
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer.as_bytes()).await.unwrap();
        most
    });
    let gateway =
        Setup::new().at("gpt-4", "only", &format!("http://{address}/v1"), "").start().await;
    let whole = form(&[("model", "gpt-4")], b"@", &[]);
    let at = whole.iter().position(|byte| *byte == b'@').unwrap();
    let (begin, end) = (&whole[..at], &whole[at + 1..]);
    let before = resident();
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    // In chunks, so that nobody knows beforehand that it is too long.
    stream.write_all(head("transfer-encoding: chunked").as_bytes()).await.unwrap();
    stream.write_all(&chunked(begin, MIB)[0]).await.unwrap();
    let piece = &chunked(&sound(MIB), MIB)[0];
    for _ in 0..TOTAL / MIB {
        stream.write_all(piece).await.unwrap();
    }
    for piece in chunked(end, MIB) {
        stream.write_all(&piece).await.unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let more = upstream.await.unwrap().saturating_sub(before) / MIB;
    // The 16 MiB that are kept until there are too many, and buffers.
    assert!(more < 80, "{more} MiB");
}

#[tokio::test]
async fn a_form_that_says_two_things_reaches_nobody_whole() {
    let upstream = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "only", &upstream).start().await;
    let file = sound(MIB);
    for field in ["model", "Model", "api_base", "num_retries"] {
        for before in [&[("model", "gpt-4")][..], &[("model", "gpt-4"), (field, "x")]] {
            let after: &[_] = if before.len() == 1 { &[(field, "x")] } else { &[] };
            let answer = gateway.send(posted(SPEECH, form(before, &file, after))).await;
            assert_eq!(answer.status, 400, "{field}");
            let param = field.to_ascii_lowercase();
            assert_eq!(answer.error()["param"], param, "{}", answer.error());
            assert_eq!(answer.class(), "bad_request");
        }
    }
    let whole = form(&[("model", "gpt-4")], &file, &[]);
    let cut = gateway.send(posted(SPEECH, whole[..whole.len() - 20].to_vec())).await;
    assert_eq!(cut.status, 400);
    assert!(cut.error()["message"].as_str().unwrap().contains("cut short"), "{}", cut.error());
    assert!(upstream.requests().is_empty());
    // That it is the caller's own mistake hurts nobody.
    upstream.always(Reply::json(200, "{}"));
    assert_eq!(gateway.send(posted(SPEECH, whole)).await.status, 200);
}

#[tokio::test]
async fn a_form_for_a_model_that_is_not_here_is_refused_before_it_is_read() {
    let upstream = Upstream::start().await;
    let gateway = Setup::new().with("gpt-4", "only", &upstream).start().await;
    let answer = gateway.send(posted(SPEECH, form(&[("model", "whisper")], b"", &[]))).await;
    assert_eq!((answer.status.as_u16(), &answer.error()["code"]), (404, &"model_not_found".into()));
    let mut unbound = posted(SPEECH, form(&[], b"", &[]));
    unbound.headers_mut().insert("content-type", "multipart/form-data".parse().unwrap());
    assert_eq!(gateway.send(unbound).await.status, 400);
    assert_eq!(upstream.attempts(), 0);
}

#[tokio::test]
async fn a_form_that_must_name_its_model_late_is_read_up_to_the_limit_of_a_body() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::json(200, "{}"));
    let setup = Setup::new().with("gpt-4", "only", &upstream).max_body_bytes(MIB);
    let gateway = setup.start().await;
    let late = |bytes| form(&[], &sound(bytes), &[("model", "gpt-4")]);
    assert_eq!(gateway.send(posted(SPEECH, late(MIB / 2))).await.status, 200);
    assert_eq!(gateway.send(posted(SPEECH, late(2 * MIB))).await.status, 413);
    // Who says it first has no limit.
    let early = form(&[("model", "gpt-4")], &sound(2 * MIB), &[]);
    assert_eq!(gateway.send(posted(SPEECH, early)).await.status, 200);
}

#[tokio::test]
async fn files_are_uploaded_as_they_are() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::json(200, "{\"id\":\"file-1\"}"));
    let gateway = Setup::new().with("gpt-4", "only", &upstream).start().await;
    // What a file's form says of models is between caller and provider.
    let sent = form(&[("purpose", "batch"), ("model", "a"), ("model", "b")], &sound(3 * MIB), &[]);
    let answer = gateway.send(posted("/v1/files", sent.clone())).await;
    assert_eq!(answer.json()["id"], "file-1");
    assert!(upstream.requests()[0].body == sent);
    // And where a form may name a model and does not, the account has one for it.
    let sent = form(&[("n", "2")], &sound(MIB), &[]);
    let answer = gateway.send(posted("/v1/images/variations", sent.clone())).await;
    assert_eq!(answer.status, 200);
    assert!(upstream.requests()[1].body == sent);
}

#[tokio::test]
async fn a_caller_who_goes_away_within_a_form_hurts_nobody() {
    let upstream = Upstream::start().await;
    upstream.always(Reply::json(200, "{}"));
    let gateway = Setup::new().with("gpt-4", "only", &upstream).start().await;
    let whole = form(&[("model", "gpt-4")], &sound(MIB), &[]);
    for _ in 0..6 {
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        let head = head(&format!("content-length: {}", whole.len()));
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&whole[..whole.len() / 2]).await.unwrap();
        drop(stream);
    }
    assert_eq!(gateway.send(posted(SPEECH, whole)).await.trail(), ["gpt-4/only=ok"]);
    assert_eq!(upstream.attempts(), 1);
}

#[tokio::test]
async fn a_caller_who_is_slow_with_a_form_is_not_the_providers_fault() {
    let (east, west) = (Upstream::start().await, Upstream::start().await);
    for clock in ["timeout: {attempt: 100ms}", "timeout: {first_content: 100ms}"] {
        let setup = Setup::new().with("gpt-4", "east", &east).with("gpt-4", "west", &west);
        let gateway = setup.policy(clock).router("num_retries: 9").start().await;
        let resting = async || gateway.get("/health").await.json()["unhealthy_count"].clone();
        let whole = form(&[("model", "gpt-4")], &sound(MIB), &[]);
        let head = head(&format!("content-length: {}\r\nx-litellm-timeout: 3", whole.len()));
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&whole[..whole.len() / 2]).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
        assert!(answer.matches("=timeout@").count() >= 10, "{answer}");
        assert_eq!(resting().await, 0, "{clock}");
        // A provider who has all of it and is as slow rests.
        east.always(Reply::hang());
        west.always(Reply::hang());
        assert_eq!(gateway.send(posted(SPEECH, whole)).await.status, 504);
        assert_eq!(resting().await, 1, "{clock}");
    }
}
