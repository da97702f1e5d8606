//! A fast OpenAI-compatible provider that fails on demand and counts what it saw.
//!
//! ```text
//! mockup [--threads 1] [--ports 9100,9101] [--admin 9109]
//! ```
//!
//! Each port is a deployment. What it does with a request is said by a *spec* (see `spec.rs`), the
//! first that is there:
//!
//! 1. in the path: `/f/<spec>/v1/chat/completions`
//! 2. in the model's name after `mock:`, as in `mock:fail-503-2`
//! 3. the deployment's mode, set on the admin port: `/mode?dep=0&spec=flaky-503-10`
//!
//! Admin port: `/stats` (JSON) · `/reset?seed=42` · `/mode?dep=&spec=` · `/sse?chunks=50&delay_us=0`

mod admin;
mod reply;
mod spec;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::watch;

use reply::{Body, Cut};
use spec::Spec;

/// Everything that the deployments and the admin port share.
struct State {
    deployments: Vec<Deployment>,
    /// Attempts so far of each key, for "fail the first k".
    keys: Mutex<HashMap<Vec<u8>, u64>>,
    rng: Mutex<fastrand::Rng>,
    /// Chunks in a stream, and the pause between them.
    chunks: AtomicUsize,
    delay_us: AtomicU64,
}

struct Deployment {
    mode: RwLock<Spec>,
    dead: watch::Sender<bool>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    attempts: AtomicU64,
    ok: AtomicU64,
    failed: AtomicU64,
    reset: AtomicU64,
    hung: AtomicU64,
    streams: AtomicU64,
    chunks: AtomicU64,
    conns: AtomicU64,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let option = |flag: &str, default: &str| {
        let at = args.iter().position(|a| a == flag);
        at.map_or(default.to_string(), |i| args[i + 1].clone())
    };
    let ports = option("--ports", "9100,9101").split(',').map(|s| s.parse().unwrap()).collect();
    let admin_port = option("--admin", "9109").parse().unwrap();
    let mut runtime = match option("--threads", "1").parse().unwrap() {
        1 => Builder::new_current_thread(),
        threads => {
            let mut runtime = Builder::new_multi_thread();
            runtime.worker_threads(threads);
            runtime
        }
    };
    runtime.enable_all().build().unwrap().block_on(run(ports, admin_port));
}

async fn run(ports: Vec<u16>, admin_port: u16) {
    let deployment = |_| Deployment {
        mode: RwLock::new(Spec::Ok),
        dead: watch::Sender::new(false),
        counts: Counts::default(),
    };
    let state = Arc::new(State {
        deployments: ports.iter().map(deployment).collect(),
        keys: Mutex::default(),
        rng: Mutex::new(fastrand::Rng::with_seed(42)),
        chunks: AtomicUsize::new(50),
        delay_us: AtomicU64::new(0),
    });
    for (i, port) in ports.iter().enumerate() {
        tokio::spawn(listen(*port, i, state.clone()));
    }
    let admin = bind(admin_port).expect("admin port");
    eprintln!("mockup: deployments at {ports:?}, admin at {admin_port}");
    loop {
        let Ok((stream, _)) = admin.accept().await else {
            continue;
        };
        let state = state.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| admin::answer(request, state.clone()));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// One deployment's listener: closed while the deployment is dead.
async fn listen(port: u16, i: usize, state: Arc<State>) {
    let mut dead = state.deployments[i].dead.subscribe();
    while dead.wait_for(|dead| !dead).await.is_ok() {
        let listener = match bind(port) {
            Ok(listener) => listener,
            Err(error) => {
                eprintln!("mockup: bind {port}: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    tokio::spawn(connection(stream, i, state.clone()));
                }
                _ = dead.wait_for(|dead| *dead) => break,
            }
        }
    }
}

fn bind(port: u16) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into())?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}

async fn connection(stream: TcpStream, i: usize, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    state.deployments[i].counts.conns.fetch_add(1, Relaxed);
    let mut dead = state.deployments[i].dead.subscribe();
    let service = service_fn(move |request| answer(request, state.clone(), i));
    let served =
        http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = served => {}
        _ = dead.wait_for(|dead| *dead) => {}
    }
}

/// One request; an error tears the connection down.
async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
    i: usize,
) -> io::Result<Response<Body>> {
    if request.method() == Method::GET {
        return Ok(reply::json(200, reply::MODELS));
    }
    let deployment = &state.deployments[i];
    let counts = &deployment.counts;
    let in_path = Spec::in_path(request.uri().path());
    let key = request.headers().get("x-mock-key").map(|v| v.as_bytes().to_vec());
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    counts.attempts.fetch_add(1, Relaxed);

    let chance = |p: f64| state.rng.lock().unwrap().f64() < p;
    let fail = |status, retry_after| {
        counts.failed.fetch_add(1, Relaxed);
        Ok(reply::failure(status, retry_after))
    };
    let reset = || {
        counts.reset.fetch_add(1, Relaxed);
        Err(io::Error::other("reset"))
    };
    let spec = in_path.or_else(|| Spec::in_model(&body));
    let mut cut = None;
    match spec.unwrap_or_else(|| deployment.mode.read().unwrap().clone()) {
        Spec::Ok => {}
        Spec::Fail { status, first: None, retry_after } => return fail(status, retry_after),
        Spec::Fail { status, first: Some(first), retry_after } => {
            let user = || spec::json_str(&body, "\"user\"").map(<[u8]>::to_vec);
            let key = key.or_else(user).unwrap_or_default();
            if state.attempts_of(key) <= first {
                return fail(status, retry_after);
            }
        }
        Spec::Flaky(status, p) if chance(p) => return fail(status, 1),
        Spec::Hang => {
            counts.hung.fetch_add(1, Relaxed);
            std::future::pending::<()>().await;
        }
        Spec::Slow(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Spec::SlowPct(ms, p) if chance(p) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Spec::Reset => return reset(),
        Spec::FlakyReset(p) if chance(p) => return reset(),
        Spec::Flaky(..) | Spec::SlowPct(..) | Spec::FlakyReset(_) => {}
        Spec::MidReset(after) => cut = Some((after, Cut::Reset)),
        Spec::Stall(after) => cut = Some((after, Cut::Stall)),
        Spec::Dead => return Err(io::Error::other("dead")),
    }
    counts.ok.fetch_add(1, Relaxed);
    if spec::wants_stream(&body) {
        counts.streams.fetch_add(1, Relaxed);
        return Ok(reply::stream(state.clone(), i, cut));
    }
    Ok(reply::json(200, reply::ANSWER))
}

// === impl State ===

impl State {
    /// Which attempt of this key this one is, 1 first.
    fn attempts_of(&self, key: Vec<u8>) -> u64 {
        let mut keys = self.keys.lock().unwrap();
        let attempts = keys.entry(key).or_insert(0);
        *attempts += 1;
        *attempts
    }
}
