//! Plays a fault to a request.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

use super::wire::Writer;
use super::words::{Answer, error};
use super::{Break, Fault, WORDS};
use crate::faults::flood;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream; charset=utf-8";
const CHUNKED: &str = "transfer-encoding: chunked\r\n";
const OVERLOADED: &str = "The server had an error while processing your request. Sorry about that!";

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It takes the next request.
    Stay,
    /// It is closed (FIN).
    Close,
    /// It is torn down (RST).
    Reset,
}

/// Whether an answer goes on behind its fault.
enum Then {
    GoOn,
    Skip,
    Stop(After),
}

/// Plays it to its end, or until the client does not take any more.
pub(super) async fn play(
    fault: &Fault,
    answer: &Answer,
    stream: bool,
    pace: Duration,
    to: &mut Writer<'_, '_>,
) -> io::Result<After> {
    if !matches!(fault, Fault::None | Fault::At(..) | Fault::Differs(_) | Fault::Unmarked) {
        to.entry.broke();
    }
    match fault {
        Fault::ResetBeforeHead => return Ok(After::Reset),
        Fault::CloseBeforeHead => return Ok(After::Close),
        Fault::GarbageHead => {
            to.raw(b"\x16\x03\x01\x00\x05 this is no HTTP\r\n\r\n\x00\xff").await?;
            return Ok(After::Close);
        }
        Fault::Silence(time) => sleep(*time).await,
        Fault::RateLimited { .. }
        | Fault::Status(_)
        | Fault::ContextLength
        | Fault::ContentPolicy => return refuse(fault, to).await,
        Fault::BigHead(bytes) => {
            to.head(200, JSON, &format!("x-big: {}\r\n", "h".repeat(*bytes))).await?;
            return Ok(After::Close);
        }
        _ => {}
    }
    if stream { events(fault, answer, pace, to).await } else { whole(fault, answer, to).await }
}

async fn refuse(fault: &Fault, to: &mut Writer<'_, '_>) -> io::Result<After> {
    let invalid = "invalid_request_error";
    let (status, more, body) = match fault {
        Fault::RateLimited { retry_after } => {
            let more =
                retry_after.map_or(String::new(), |after| format!("retry-after: {after}\r\n"));
            let message =
                "Rate limit reached on requests per min (RPM): Limit 500, Used 500, Requested 1.";
            (429, more, error(message, "requests", Some("rate_limit_exceeded")))
        }
        Fault::ContextLength => {
            let message = "This model's maximum context length is 8192 tokens. However, your messages resulted in \
                           10011 tokens. Please reduce the length of the messages.";
            (400, String::new(), error(message, invalid, Some("context_length_exceeded")))
        }
        Fault::ContentPolicy => {
            let message = "Your request was rejected as a result of our safety system.";
            (400, String::new(), error(message, invalid, Some("content_policy_violation")))
        }
        Fault::Status(503) => {
            let message = "The engine is currently overloaded, please try again later";
            (503, String::new(), error(message, "server_error", None))
        }
        Fault::Status(status) => (*status, String::new(), error(OVERLOADED, "server_error", None)),
        other => unreachable!("{other:?} is no refusal"),
    };
    to.whole(status, &more, &body).await?;
    Ok(After::Stay)
}

async fn events(
    fault: &Fault,
    answer: &Answer,
    pace: Duration,
    to: &mut Writer<'_, '_>,
) -> io::Result<After> {
    let gzip = matches!(fault, Fault::GzipBomb(_));
    let encoded = if gzip { "content-encoding: gzip\r\n" } else { "" };
    to.head(200, EVENTS, &format!("{CHUNKED}{encoded}")).await?;
    match fault {
        Fault::SilenceAfterHead(time) => sleep(*time).await,
        Fault::GzipBomb(unpacked) => {
            flood::gzip(to, *unpacked).await?;
            return Ok(After::Close);
        }
        _ => {}
    }
    to.chunk(answer.role().as_bytes()).await?;
    match fault {
        Fault::SlowFirstWord(time) => sleep(*time).await,
        Fault::Pings(every) => flood::pings(to, *every).await?,
        Fault::Flood(bytes) => {
            to.chunk(b"data: ").await?;
            flood::letters(to, *bytes).await?;
        }
        Fault::BigEvent(bytes) => {
            let big = answer.word(&"big ".repeat(bytes / 4));
            to.chunk(big.as_bytes()).await?;
        }
        _ => {}
    }
    for (number, word) in (answer.first..).zip(&answer.words) {
        if number > answer.first {
            sleep(pace).await;
        }
        if let Some(how) = fault.breaks_at(number) {
            match break_stream(how, answer, to).await? {
                Then::GoOn => {}
                Then::Skip => continue,
                Then::Stop(after) => return Ok(after),
            }
        }
        to.chunk(answer.word(word).as_bytes()).await?;
        to.entry.spoke();
    }
    if let Some(how) = fault.breaks_at(answer.first + answer.words.len())
        && let Then::Stop(after) = break_stream(how, answer, to).await?
    {
        return Ok(after);
    }
    to.chunk(answer.finish().as_bytes()).await?;
    if *fault == Fault::Unmarked {
        to.entry.broke();
    } else {
        to.chunk(b"data: [DONE]\n\n").await?;
    }
    to.last_chunk().await?;
    Ok(After::Stay)
}

/// Breaks a stream where it is.
async fn break_stream(how: Break, answer: &Answer, to: &mut Writer<'_, '_>) -> io::Result<Then> {
    to.entry.broke();
    match how {
        Break::Cut => return Ok(Then::Stop(After::Close)),
        Break::Reset => return Ok(Then::Stop(After::Reset)),
        Break::End => {
            to.last_chunk().await?;
            return Ok(Then::Stop(After::Stay));
        }
        Break::Stall(time) => sleep(time).await,
        Break::StallAndCut(time) => {
            sleep(time).await;
            return Ok(Then::Stop(After::Close));
        }
        Break::Error => {
            let event = format!("data: {}\n\n", error(OVERLOADED, "server_error", None));
            to.chunk(event.as_bytes()).await?;
            to.last_chunk().await?;
            return Ok(Then::Stop(After::Stay));
        }
        Break::Malformed => {
            to.chunk(b"data: {\"id\": \"chatcmpl-1\", \"choices\": [{\"del\n\n").await?;
        }
        Break::Mangled => {
            let event = answer.word("lost");
            to.chunk(format!("{}\n\n", &event[..event.len() / 2]).as_bytes()).await?;
            return Ok(Then::Skip);
        }
        Break::Garbage => {
            to.raw(b"zz\xff\x00 this is no chunk\r\n").await?;
            return Ok(Then::Stop(After::Close));
        }
        Break::Nuls => to.chunk(b"data: \x00\x00\x00\x00\n\n").await?,
        Break::NotUtf8 => {
            let event = answer.word("~").into_bytes();
            let event: Vec<u8> = event.iter().map(|b| if *b == b'~' { 0xff } else { *b }).collect();
            to.chunk(&event).await?;
            return Ok(Then::Skip);
        }
    }
    Ok(Then::GoOn)
}

async fn whole(fault: &Fault, answer: &Answer, to: &mut Writer<'_, '_>) -> io::Result<After> {
    let body = answer.json();
    let body = body.as_bytes();
    if *fault == Fault::Unmarked {
        to.entry.broke();
        to.head(200, JSON, "connection: close\r\n").await?;
        to.raw(body).await?;
        return Ok(After::Close);
    }
    let gzip = matches!(fault, Fault::GzipBomb(_));
    let encoded = if gzip { "content-encoding: gzip\r\n" } else { "" };
    to.head(200, JSON, &format!("{CHUNKED}{encoded}")).await?;
    match fault {
        Fault::SilenceAfterHead(time) | Fault::SlowFirstWord(time) => sleep(*time).await,
        Fault::GzipBomb(unpacked) => {
            flood::gzip(to, *unpacked).await?;
            return Ok(After::Close);
        }
        Fault::Flood(bytes) => {
            to.chunk(b"\"").await?;
            flood::letters(to, *bytes).await?;
            to.chunk(b"\"").await?;
            to.last_chunk().await?;
            return Ok(After::Stay);
        }
        Fault::BigEvent(bytes) => {
            to.chunk(format!("{{\"big\": \"{}\"}}", "x".repeat(*bytes)).as_bytes()).await?;
            to.last_chunk().await?;
            return Ok(After::Stay);
        }
        Fault::Pings(every) => loop {
            to.chunk(b"\n").await?;
            sleep(*every).await;
        },
        _ => {}
    }
    let Fault::At(word, how) = fault else {
        to.chunk(body).await?;
        to.entry.spoke();
        to.last_chunk().await?;
        return Ok(After::Stay);
    };
    let (before, behind) = body.split_at(body.len() * word / WORDS.max(*word));
    to.entry.broke();
    if *how == Break::Error {
        to.chunk(error(OVERLOADED, "server_error", None).as_bytes()).await?;
        to.last_chunk().await?;
        return Ok(After::Stay);
    }
    to.chunk(before).await?;
    match how {
        Break::Cut => return Ok(After::Close),
        Break::Reset => return Ok(After::Reset),
        Break::Stall(time) => sleep(*time).await,
        Break::StallAndCut(time) => {
            sleep(*time).await;
            return Ok(After::Close);
        }
        Break::Malformed | Break::Mangled => to.chunk(b"\"}{").await?,
        Break::Nuls => to.chunk(b"\x00\x00\x00\x00").await?,
        Break::NotUtf8 => to.chunk(b"\xff\xfe").await?,
        Break::Garbage => {
            to.raw(b"zz\xff\x00 this is no chunk\r\n").await?;
            return Ok(After::Close);
        }
        Break::End | Break::Error => {
            to.last_chunk().await?;
            return Ok(After::Stay);
        }
    }
    to.chunk(behind).await?;
    to.last_chunk().await?;
    Ok(After::Stay)
}
