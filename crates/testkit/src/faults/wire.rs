//! HTTP/1.1, read and written by hand.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::attempt::Entry;

/// A request: its method, and its body if that is JSON.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) body: Value,
}

/// What comes from the client; keeps what was read too far.
pub(super) struct Reader<'a> {
    from: ReadHalf<'a>,
    buffer: Vec<u8>,
}

/// What goes to the client; counts it.
pub(super) struct Writer<'a, 'b> {
    pub(super) to: WriteHalf<'a>,
    pub(super) entry: Entry<'b>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(super) fn new(from: ReadHalf<'a>, buffer: Vec<u8>) -> Self {
        Self { from, buffer }
    }

    pub(super) fn into_rest(self) -> Vec<u8> {
        self.buffer
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.from.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The next request.
    pub(super) async fn request(&mut self) -> io::Result<Asked> {
        let head = loop {
            match self.buffer.windows(4).position(|end| end == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.more().await?,
            }
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).into_owned();
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        let whole = head + length.unwrap_or(0);
        while self.buffer.len() < whole {
            self.more().await?;
        }
        let body = serde_json::from_slice(&self.buffer[head..whole]).unwrap_or_default();
        self.buffer.drain(..whole);
        let method = text.split(' ').next().unwrap_or_default().to_owned();
        Ok(Asked { method, body })
    }

    /// Ready when the client has gone.
    pub(super) async fn gone(&mut self) {
        while self.more().await.is_ok() {}
    }
}

// === impl Writer ===

impl Writer<'_, '_> {
    pub(super) async fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes).await?;
        self.entry.wrote(bytes.len());
        Ok(())
    }

    /// A head; `more` are further lines, each with its end.
    pub(super) async fn head(&mut self, status: u16, kind: &str, more: &str) -> io::Result<()> {
        let number = self.entry.number();
        let head = format!(
            "HTTP/1.1 {status} Status\r\ncontent-type: {kind}\r\nx-request-id: {number}\r\n{more}\r\n"
        );
        self.raw(head.as_bytes()).await
    }

    /// A head and its whole body.
    pub(super) async fn whole(&mut self, status: u16, more: &str, body: &str) -> io::Result<()> {
        let more = format!("content-length: {}\r\n{more}", body.len());
        self.head(status, "application/json", &more).await?;
        self.raw(body.as_bytes()).await
    }

    pub(super) async fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            // That would be the last one.
            return Ok(());
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.raw(&chunk).await
    }

    pub(super) async fn last_chunk(&mut self) -> io::Result<()> {
        self.raw(b"0\r\n\r\n").await
    }
}
