//! A small load client that prints one line of JSON.
//!
//! ```text
//! load --url http://127.0.0.1:9100/v1/chat/completions (-n COUNT | -d SECONDS) [-c 64]
//!      [--rate RPS] [--stream] [--model M] [--header 'K: V']... [--timeout SECONDS]
//!      [--key PREFIX] [--extra ',"json":"to add to the body"']
//! load --url … --hold COUNT [--model M]…
//! ```
//!
//! Closed loop by default: `-c` connections, each sending its next request when the last is
//! answered. With `--rate`, open loop: latency is counted from the scheduled start, so that a server
//! that stalls cannot hide the requests it kept from being sent. With `--stream`, also the time to
//! the first content, the gaps between chunks, the count of events, and whether `[DONE]` came.
//!
//! With `--hold`, opens so many streams, says `holding COUNT` once each has had its first content, and keeps them
//! open until it is killed.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response, Uri, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;

type Sender = SendRequest<Full<Bytes>>;
/// The pacer's hand-out: a request's number and when it was due.
type Ticket = (u64, Instant);
type Tickets = Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Ticket>>>;

struct Options {
    uri: Uri,
    connections: usize,
    count: u64,
    seconds: Option<f64>,
    rate: Option<f64>,
    stream: bool,
    model: String,
    headers: Vec<(String, String)>,
    timeout: Duration,
    key: Option<String>,
    extra: String,
    hold: Option<usize>,
}

/// What one connection saw; times in tenths of a microsecond.
struct Seen {
    statuses: BTreeMap<String, u64>,
    latency: Histogram<u64>,
    latency_ok: Histogram<u64>,
    first_content: Histogram<u64>,
    gap: Histogram<u64>,
    events: u64,
    done: u64,
    bytes: u64,
}

fn main() {
    let options = Arc::new(Options::from_args());
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            match options.hold {
                Some(streams) => hold(options, streams).await,
                None => run(options).await,
            }
        });
}

/// Opens streams, a few at a time, and holds them.
async fn hold(options: Arc<Options>, streams: usize) {
    const AT_ONCE: usize = 50;
    let opening = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let (opened, mut all) = mpsc::unbounded_channel();
    for i in 0..streams as u64 {
        let (options, opened, opening) = (options.clone(), opened.clone(), opening.clone());
        tokio::spawn(async move {
            let permit = opening.acquire().await.unwrap();
            let mut sender = connect(&options).await.unwrap();
            let response = sender.send_request(options.request(i)).await.unwrap();
            assert_eq!(response.status(), 200);
            let mut body = response.into_body();
            while let Some(frame) = body.frame().await {
                if frame.unwrap().data_ref().is_some_and(|data| has_content(data)) {
                    break;
                }
            }
            drop(permit);
            opened.send(()).unwrap();
            while let Some(Ok(_)) = body.frame().await {}
            panic!("a stream is over");
        });
    }
    for _ in 0..streams {
        all.recv().await.unwrap();
    }
    println!("holding {streams}");
    std::io::stdout().flush().unwrap();
    std::future::pending().await
}

/// Whether there is a word in these chunks.
fn has_content(data: &[u8]) -> bool {
    let key = b"\"content\":\"";
    memchr::memmem::find_iter(data, key).any(|at| data.get(at + key.len()) != Some(&b'"'))
}

async fn run(options: Arc<Options>) {
    let start = Instant::now() + Duration::from_millis(20);
    let end = options.seconds.map(|s| start + Duration::from_secs_f64(s));
    let next = Arc::new(AtomicU64::new(0));
    let tickets = options.rate.map(|rate| {
        let (hand_out, tickets) = mpsc::unbounded_channel();
        let count = options.count;
        std::thread::spawn(move || pace(rate, count, start, end, &hand_out));
        Arc::new(tokio::sync::Mutex::new(tickets))
    });

    let all = Arc::new(Mutex::new(Seen::new()));
    let workers: Vec<_> = (0..options.connections)
        .map(|_| {
            let (options, next, all, tickets) =
                (options.clone(), next.clone(), all.clone(), tickets.clone());
            tokio::spawn(async move {
                tokio::time::sleep_until(start.into()).await;
                let seen = work(&options, &next, tickets.as_ref(), end).await;
                all.lock().unwrap().add(seen);
            })
        })
        .collect();
    for worker in workers {
        let _ = worker.await;
    }
    let elapsed = start.elapsed().as_secs_f64();
    println!("{}", all.lock().unwrap().report(elapsed));
}

/// Hands out requests at their scheduled starts.
fn pace(
    rate: f64,
    count: u64,
    start: Instant,
    end: Option<Instant>,
    hand_out: &mpsc::UnboundedSender<Ticket>,
) {
    for i in 0..count {
        let due = start + Duration::from_secs_f64(i as f64 / rate);
        if end.is_some_and(|end| due >= end) {
            break;
        }
        let now = Instant::now();
        if due > now {
            std::thread::sleep(due - now);
        }
        // The timer's own lateness (under 1 ms) is not charged to the server; more than that is.
        let now = Instant::now();
        let late = now.saturating_duration_since(due) >= Duration::from_millis(1);
        if hand_out.send((i, if late { due } else { now })).is_err() {
            break;
        }
    }
}

/// One connection: sends until the count, the time or the tickets are used up.
async fn work(
    options: &Options,
    next: &AtomicU64,
    tickets: Option<&Tickets>,
    end: Option<Instant>,
) -> Seen {
    let mut seen = Seen::new();
    let mut sender = None;
    loop {
        let (i, began) = match tickets {
            Some(tickets) => match tickets.lock().await.recv().await {
                Some(ticket) => ticket,
                None => return seen,
            },
            None => {
                let i = next.fetch_add(1, Relaxed);
                if i >= options.count || end.is_some_and(|end| Instant::now() >= end) {
                    return seen;
                }
                (i, Instant::now())
            }
        };
        let sent = send(options, &mut sender, i, began, &mut seen);
        let result = match tokio::time::timeout(options.timeout, sent).await {
            Ok(result) => result,
            Err(_) => Err("timeout".into()),
        };
        let took = tenths(began.elapsed());
        seen.latency.saturating_record(took);
        let status = match result {
            Ok(status) => {
                if status == 200 {
                    seen.latency_ok.saturating_record(took);
                }
                status.to_string()
            }
            Err(failure) => {
                sender = None;
                failure
            }
        };
        *seen.statuses.entry(status).or_insert(0) += 1;
    }
}

async fn send(
    options: &Options,
    sender: &mut Option<Sender>,
    i: u64,
    began: Instant,
    seen: &mut Seen,
) -> Result<u16, String> {
    if sender.as_ref().is_none_or(Sender::is_closed) {
        let connected = connect(options).await;
        *sender = Some(connected.map_err(|e| format!("connect:{:?}", e.kind()))?);
    }
    let sender = sender.as_mut().unwrap();
    sender.ready().await.map_err(|_| "notready")?;
    let response = sender.send_request(options.request(i)).await;
    receive(options, response.map_err(|_| "send")?, began, seen).await
}

async fn connect(options: &Options) -> std::io::Result<Sender> {
    let address = (options.uri.host().unwrap(), options.uri.port_u16().unwrap_or(80));
    let stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(std::io::Error::other)?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

async fn receive(
    options: &Options,
    response: Response<Incoming>,
    began: Instant,
    seen: &mut Seen,
) -> Result<u16, String> {
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut last: Option<Instant> = None;
    let mut first = false;
    let mut tail: Vec<u8> = Vec::new();
    let mut events = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| "body")?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        let now = Instant::now();
        if !first && (!options.stream || has_content(data)) {
            first = true;
            seen.first_content.saturating_record(tenths(now - began));
        }
        if let Some(last) = last.replace(now).filter(|_| options.stream) {
            seen.gap.saturating_record(tenths(now - last));
        }
        seen.bytes += data.len() as u64;
        if options.stream {
            events += memchr::memmem::find_iter(data, b"data: ").count() as u64;
            tail.extend_from_slice(data);
            tail.drain(..tail.len().saturating_sub(64));
        }
    }
    seen.events += events;
    if options.stream && status == 200 {
        if memchr::memmem::find(&tail, b"[DONE]").is_none() {
            return Err("nodone".into());
        }
        seen.done += 1;
    }
    Ok(status)
}

fn tenths(duration: Duration) -> u64 {
    duration.as_nanos() as u64 / 100
}

// === impl Options ===

impl Options {
    fn from_args() -> Self {
        let args: Vec<String> = std::env::args().collect();
        let after = |flag: &str| args.iter().position(|a| a == flag).map(|i| args[i + 1].clone());
        let headers = args
            .windows(2)
            .filter(|pair| pair[0] == "--header")
            .map(|pair| pair[1].split_once(": ").expect("--header 'K: V'"))
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let options = Self {
            uri: after("--url").expect("--url").parse().unwrap(),
            connections: after("-c").map_or(64, |s| s.parse().unwrap()),
            count: after("-n").map_or(u64::MAX, |s| s.parse().unwrap()),
            seconds: after("-d").map(|s| s.parse().unwrap()),
            rate: after("--rate").map(|s| s.parse().unwrap()),
            stream: args.iter().any(|a| a == "--stream"),
            model: after("--model").unwrap_or("gpt-4o-mini".into()),
            headers,
            timeout: Duration::from_secs_f64(
                after("--timeout").map_or(30.0, |s| s.parse().unwrap()),
            ),
            key: after("--key"),
            extra: after("--extra").unwrap_or_default(),
            hold: after("--hold").map(|s| s.parse().unwrap()),
        };
        let bounded = options.count != u64::MAX || options.seconds.is_some();
        assert!(bounded || options.hold.is_some(), "need -n, -d or --hold");
        options
    }

    fn request(&self, i: u64) -> Request<Full<Bytes>> {
        let stream = if self.stream || self.hold.is_some() { r#","stream":true"# } else { "" };
        let user =
            self.key.as_ref().map(|key| format!(r#","user":"{key}-{i}""#)).unwrap_or_default();
        let body = format!(
            concat!(
                r#"{{"model":"{}","messages":["#,
                r#"{{"role":"system","content":"You are a helpful assistant."}},"#,
                r#"{{"role":"user","content":"Say hello in one short sentence, please."}}]{}{}{}}}"#,
            ),
            self.model, stream, user, self.extra
        );
        let mut request = Request::post(self.uri.path_and_query().unwrap().as_str())
            .header("host", self.uri.authority().unwrap().as_str())
            .header("content-type", "application/json")
            .header("authorization", "Bearer sk-bench");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(key) = &self.key {
            request = request.header("x-mock-key", format!("{key}-{i}"));
        }
        request.body(Full::new(Bytes::from(body))).unwrap()
    }
}

// === impl Seen ===

impl Seen {
    fn new() -> Self {
        let histogram = || Histogram::new_with_bounds(1, 3_000_000_000, 3).unwrap();
        Self {
            statuses: BTreeMap::new(),
            latency: histogram(),
            latency_ok: histogram(),
            first_content: histogram(),
            gap: histogram(),
            events: 0,
            done: 0,
            bytes: 0,
        }
    }

    fn add(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_insert(0) += count;
        }
        self.latency.add(other.latency).unwrap();
        self.latency_ok.add(other.latency_ok).unwrap();
        self.first_content.add(other.first_content).unwrap();
        self.gap.add(other.gap).unwrap();
        self.events += other.events;
        self.done += other.done;
        self.bytes += other.bytes;
    }

    fn report(&self, seconds: f64) -> String {
        let total: u64 = self.statuses.values().sum();
        let statuses: Vec<_> = self.statuses.iter().map(|(k, v)| format!(r#""{k}":{v}"#)).collect();
        let fields = [
            format!(r#""total":{total}"#),
            format!(r#""secs":{seconds:.3}"#),
            format!(r#""rps":{:.1}"#, total as f64 / seconds),
            format!(r#""statuses":{{{}}}"#, statuses.join(",")),
            format!(r#""lat_us":{}"#, percentiles(&self.latency)),
            format!(r#""lat_ok_us":{}"#, percentiles(&self.latency_ok)),
            format!(r#""ttft_us":{}"#, percentiles(&self.first_content)),
            format!(r#""gap_us":{}"#, percentiles(&self.gap)),
            format!(r#""events":{}"#, self.events),
            format!(r#""events_per_s":{:.0}"#, self.events as f64 / seconds),
            format!(r#""done_ok":{}"#, self.done),
            format!(r#""bytes":{}"#, self.bytes),
        ];
        format!("{{{}}}", fields.join(","))
    }
}

fn percentiles(histogram: &Histogram<u64>) -> String {
    if histogram.is_empty() {
        return "null".into();
    }
    let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 10.0;
    let fields = [
        ("mean", histogram.mean() / 10.0),
        ("p50", at(0.5)),
        ("p90", at(0.9)),
        ("p99", at(0.99)),
        ("p999", at(0.999)),
        ("max", histogram.max() as f64 / 10.0),
    ];
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| format!(r#""{name}":{value:.1}"#)).collect();
    format!("{{{}}}", fields.join(","))
}
