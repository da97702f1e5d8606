//! The words that say how a deployment behaves.
//!
//! ```text
//! ok                  200
//! fail-<st>           status st, always (a 429 carries retry-after: 1)
//! fail-<st>-<k>       status st for the first k attempts of a key, then 200; the key is the header
//!                     x-mock-key, else the JSON "user", else the same for all
//! ra-<secs>-<k>       429 with retry-after: secs for the first k attempts of a key
//! flaky-<st>-<pct>    status st in pct % of all cases (seeded)
//! hang                headers never come
//! slow-<ms>           headers after ms
//! slowpct-<ms>-<pct>  headers after ms in pct % of all cases
//! reset               connection torn down with no reply
//! flakyreset-<pct>    the same in pct % of all cases
//! midreset-<k>        a stream's first k chunks, then the connection is torn down
//! stall-<k>           a stream's first k chunks, then silence
//! dead                the listener is closed: connection refused (as a mode only)
//! ```

#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    Ok,
    Fail { status: u16, first: Option<u64>, retry_after: u64 },
    Flaky(u16, f64),
    Hang,
    Slow(u64),
    SlowPct(u64, f64),
    Reset,
    FlakyReset(f64),
    MidReset(usize),
    Stall(usize),
    Dead,
}

impl Spec {
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let number = |i: usize| parts.get(i).and_then(|part| part.parse::<u64>().ok());
        let percent = |i: usize| Some(number(i)? as f64 / 100.0);
        Some(match parts[0] {
            "ok" => Self::Ok,
            "fail" => Self::Fail { status: number(1)? as u16, first: number(2), retry_after: 1 },
            "ra" => Self::Fail { status: 429, first: number(2), retry_after: number(1)? },
            "flaky" => Self::Flaky(number(1)? as u16, percent(2)?),
            "hang" => Self::Hang,
            "slow" => Self::Slow(number(1)?),
            "slowpct" => Self::SlowPct(number(1)?, percent(2)?),
            "reset" => Self::Reset,
            "flakyreset" => Self::FlakyReset(percent(1)?),
            "midreset" => Self::MidReset(number(1)? as usize),
            "stall" => Self::Stall(number(1)? as usize),
            "dead" => Self::Dead,
            _ => return None,
        })
    }

    /// The spec of `/f/<spec>/v1/…`.
    pub fn in_path(path: &str) -> Option<Self> {
        Self::parse(path.strip_prefix("/f/")?.split('/').next()?)
    }

    /// The spec of `"model": "mock:<spec>"`.
    pub fn in_model(body: &[u8]) -> Option<Self> {
        let model = std::str::from_utf8(json_str(body, "\"model\"")?).ok()?;
        Self::parse(model.strip_prefix("mock:")?)
    }
}

/// The string value of a quoted JSON key, found without parsing: good for fixed payloads only.
pub fn json_str<'a>(body: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let finder = memchr::memmem::Finder::new(key);
    let mut rest = body;
    while let Some(at) = finder.find(rest) {
        rest = &rest[at + key.len()..];
        // A key has a colon behind it; without one it was a value, such as "role":"user".
        if let Some(value) = skip_spaces(rest).strip_prefix(b":") {
            let value = skip_spaces(value).strip_prefix(b"\"")?;
            return Some(&value[..memchr::memchr(b'"', value)?]);
        }
    }
    None
}

pub fn wants_stream(body: &[u8]) -> bool {
    let key = b"\"stream\"";
    let Some(at) = memchr::memmem::find(body, key) else {
        return false;
    };
    let value = &body[at + key.len()..];
    let blank = value.iter().take_while(|b| matches!(b, b' ' | b':')).count();
    value[blank..].starts_with(b"true")
}

fn skip_spaces(bytes: &[u8]) -> &[u8] {
    let spaces = bytes.iter().take_while(|b| **b == b' ').count();
    &bytes[spaces..]
}
