//! The admin port: counts out, modes in.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, Uri, body::Incoming};

use crate::spec::Spec;
use crate::{Counts, State};

pub async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let uri = request.uri();
    let text = match uri.path() {
        "/stats" => stats(&state),
        "/reset" => {
            state.deployments.iter().flat_map(|d| d.counts.named()).for_each(|(_, count)| {
                count.store(0, Relaxed);
            });
            state.keys.lock().unwrap().clear();
            let seed = query(uri, "seed").and_then(|s| s.parse().ok()).unwrap_or(42);
            *state.rng.lock().unwrap() = fastrand::Rng::with_seed(seed);
            "ok\n".into()
        }
        "/mode" => {
            let deployment = query(uri, "dep").and_then(|s| s.parse::<usize>().ok());
            let deployment = deployment.and_then(|i| state.deployments.get(i));
            match (deployment, query(uri, "spec").and_then(Spec::parse)) {
                (Some(deployment), Some(spec)) => {
                    let dead = spec == Spec::Dead;
                    *deployment.mode.write().unwrap() = spec;
                    deployment.dead.send_replace(dead);
                    // By then the listener is closed, or open again.
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    "ok\n".into()
                }
                _ => "bad dep/spec\n".into(),
            }
        }
        "/sse" => {
            if let Some(chunks) = query(uri, "chunks").and_then(|s| s.parse().ok()) {
                state.chunks.store(chunks, Relaxed);
            }
            if let Some(delay) = query(uri, "delay_us").and_then(|s| s.parse().ok()) {
                state.delay_us.store(delay, Relaxed);
            }
            "ok\n".into()
        }
        _ => "?\n".into(),
    };
    Ok(Response::new(Full::new(Bytes::from(text))))
}

fn stats(state: &State) -> String {
    let deployments = state.deployments.iter().enumerate().map(|(i, deployment)| {
        let counts = deployment.counts.named();
        let counts = counts.map(|(name, count)| format!(r#""{name}":{}"#, count.load(Relaxed)));
        format!(r#""{i}":{{{}}}"#, counts.join(","))
    });
    format!("{{{}}}\n", deployments.collect::<Vec<_>>().join(","))
}

fn query<'a>(uri: &'a Uri, key: &str) -> Option<&'a str> {
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

// === impl Counts ===

impl Counts {
    fn named(&self) -> [(&'static str, &AtomicU64); 8] {
        [
            ("attempts", &self.attempts),
            ("ok", &self.ok),
            ("failed", &self.failed),
            ("reset", &self.reset),
            ("hung", &self.hung),
            ("streams", &self.streams),
            ("chunks", &self.chunks),
            ("conns", &self.conns),
        ]
    }
}
