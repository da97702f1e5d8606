//! What generated code would bring along: the messages, as plain text; and the server.

use std::future::ready;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::{self, Body};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::{Buf, BufMut, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt, Full};
use tokio::net::TcpListener;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

const STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Greets whoever calls; but the first call meets a server that is not up yet.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    axum::serve(listener, axum::Router::new().fallback(greet)).await
}

async fn greet(request: Request) -> Response {
    static CALLED: AtomicU32 = AtomicU32::new(0);
    let grpc = [("content-type", "application/grpc")];
    if CALLED.fetch_add(1, Ordering::Relaxed) == 0 {
        return (grpc, [(STATUS, "14")], ()).into_response();
    }
    // A message is a flag, its length in four bytes, and itself.
    let name = body::to_bytes(request.into_body(), 1024).await.unwrap_or_default();
    let greeting = [b"hello, ", name.get(5..).unwrap_or_default()].concat();
    let mut message = BytesMut::new();
    message.put_u8(0);
    message.put_u32(greeting.len() as u32);
    message.extend_from_slice(&greeting);
    let trailers = HeaderMap::from_iter([(STATUS, HeaderValue::from_static("0"))]);
    let body = Full::new(message.freeze()).with_trailers(ready(Some(Ok(trailers))));
    (grpc, Body::new(body)).into_response()
}

/// Messages that are text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, text: String, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(text.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let bytes = from.copy_to_bytes(from.remaining());
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}
