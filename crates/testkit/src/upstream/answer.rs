//! From a request and its reply in the script to the response that hyper sends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, sleep};

use super::body::{Last, ReplyBody};
use super::openai::{self, Asked, Endpoint};
use super::record::InFlight;
use super::reply::{End, Kind};
use super::server::{Line, State};
use super::{Outcome, Received};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream; charset=utf-8";

pub(super) async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
    line: Line,
) -> hyper::Result<Response<ReplyBody>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let received = Received {
        connection: line.number,
        method: head.method,
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: head.headers,
        body,
        at: Instant::now(),
    };
    let asked = Asked::new(&received.path, &received.json());
    let of_models = received.method == Method::GET && asked.endpoint == Endpoint::Models;
    state.record.received(received);
    if let Some(models) = asked.answer("", 0).filter(|_| of_models) {
        return Ok(respond(StatusCode::OK, JSON, ReplyBody::whole(models, None)));
    }

    let (reply, content) = state.next();
    let (number, mut in_flight) = state.record.begin(reply.outcome);
    if !reply.delay.is_zero() {
        sleep(reply.delay).await;
    }
    let mut response = match reply.kind {
        Kind::Hang => std::future::pending().await,
        Kind::Sever(how) => {
            in_flight.end();
            line.sever(how);
            std::future::pending().await
        }
        Kind::Fixed { status, content_type, body } => {
            let body = body.unwrap_or_else(|| openai::error(reply.outcome, status));
            respond(status, content_type, ReplyBody::whole(body, Some(in_flight)))
        }
        Kind::Chunks(chunks) => stream(chunks, reply.end, reply.pause, line, in_flight),
        Kind::Answer if asked.stream => {
            let chunks = asked.stream(&content, number);
            stream(chunks, reply.end, reply.pause, line, in_flight)
        }
        Kind::Answer => match asked.answer(&content, number) {
            Some(bytes) => json(bytes, reply.end, line, in_flight),
            None => not_found(Some(in_flight)),
        },
    };
    let headers = response.headers_mut();
    headers.insert("x-request-id", HeaderValue::from(number));
    headers.extend(reply.headers);
    Ok(response)
}

/// A JSON answer, or as much of it as its end allows.
fn json(mut bytes: Bytes, end: End, line: Line, in_flight: InFlight) -> Response<ReplyBody> {
    let length = bytes.len();
    if !matches!(end, End::Whole) {
        bytes.truncate(length / 2);
    }
    let body = match end {
        // Nothing ends too early that is of one piece, other than in its middle.
        End::Whole | End::Half | End::Unfinished(_) => ReplyBody::whole(bytes, Some(in_flight)),
        End::Stall(_) | End::Sever(..) => {
            ReplyBody::stream([bytes].into(), last(end, line), Some(in_flight)).with_length(length)
        }
    };
    respond(StatusCode::OK, JSON, body)
}

/// A stream, or as much of it as its end allows.
fn stream(
    mut chunks: Vec<Bytes>,
    end: End,
    pause: Duration,
    line: Line,
    in_flight: InFlight,
) -> Response<ReplyBody> {
    match end {
        End::Whole => {}
        End::Half => {
            chunks.truncate(chunks.len() / 2 + 1);
            if let Some(chunk) = chunks.last_mut() {
                chunk.truncate(chunk.len() / 2);
            }
        }
        End::Unfinished(count) | End::Stall(count) | End::Sever(count, _) => {
            chunks.truncate(count);
        }
    }
    let body = ReplyBody::stream(chunks.into(), last(end, line), Some(in_flight));
    let mut response = respond(StatusCode::OK, EVENTS, body.with_pause(pause));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn last(end: End, line: Line) -> Last {
    match end {
        End::Whole | End::Half | End::Unfinished(_) => Last::End,
        End::Stall(_) => Last::Silence,
        End::Sever(_, how) => Last::Sever { line, how, flushed: false },
    }
}

fn not_found(in_flight: Option<InFlight>) -> Response<ReplyBody> {
    let status = StatusCode::NOT_FOUND;
    respond(status, JSON, ReplyBody::whole(openai::error(Outcome::Failed, status), in_flight))
}

fn respond(status: StatusCode, content_type: &'static str, body: ReplyBody) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
