//! Failures without a reply: those that `tests/vectors/provider_errors.json` has as `transport` are made here one by
//! one, and what is made of them is compared with what the row expects.
//!
//! A provider that speaks HTTP/2 needs a certificate that is trusted, or no network at all: the two rows of HTTP/2 are
//! made in the router's own tests, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, ServerConfig};
use secondwind_testkit::upstream::{Outcome, Reply, Upstream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::clocks::unreachable;
use crate::gateway::{Gateway, Setup, question, streamed};
use crate::strict::{Heard, Verdict, hear};
use crate::watched::metrics;

/// The rows that are made here.
const HERE: [&str; 9] = [
    "transport_refused",
    "transport_dns",
    "transport_tls_cert",
    "transport_reset_before_headers",
    "transport_closed_idle",
    "transport_connect_timeout",
    "transport_first_byte_timeout",
    "transport_idle_timeout",
    "transport_total_timeout",
];

/// The test that makes the others; it compares them with the file, too.
const ELSEWHERE: &str = include_str!("../../crates/router/src/client/tests.rs");

/// Where we are of another mind than a row that sees no matter of judgement there.
const DECIDED_OTHERWISE: [(&str, &str); 1] = [
    // The deadline is that of the request, over all attempts: whoever had the rest of it is not known to be slow. Of a
    // deployment's health only its own clocks say something.
    ("transport_total_timeout", "hurts_health"),
];

const TEXT: &str = "Hello from the loopback upstream.";
const PATIENCE: Duration = Duration::from_secs(10);

/// A deployment that fails in one way, whenever it is asked.
struct Place {
    base: String,
    /// The policy of its group.
    group: &'static str,
    /// Whether it is asked for a stream, which breaks after its first words.
    streams: bool,
    /// Whether it answers once before.
    warm: bool,
    /// A part of what the caller is told.
    says: &'static str,
    /// Whether it was this failure. All that belongs to the place lives as long.
    proof: Box<dyn Fn() -> bool>,
}

/// What was made of a failure.
struct Found {
    class: String,
    retryable_same: bool,
    fallback_ok: bool,
    hurts_health: bool,
    hint_ms: Option<String>,
}

/// What came of one question.
struct Scene {
    heard: Heard,
    /// The classes of the attempts at the place that fails, and how many there were.
    attempts: BTreeMap<String, u64>,
    /// How many times another group answered.
    spare: u64,
    /// The class of the failure for which the place rests, where it does.
    rests: Option<String>,
}

#[tokio::test]
async fn every_failure_without_a_reply_is_taken_for_what_it_is() {
    let vectors = include_str!("../vectors/provider_errors.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let rows = vectors["rows"].as_array().unwrap().iter();
    let rows: Vec<_> = rows.filter(|row| row["dialect"] == "transport").collect();
    assert_eq!(rows.len(), 11);

    let (mut made, mut same, mut otherwise) = (BTreeSet::new(), 0, Vec::new());
    for row in rows {
        let id = row["id"].as_str().unwrap();
        if !HERE.contains(&id) {
            assert!(ELSEWHERE.contains(&format!("\"{id}\"")), "nobody makes {id}");
            continue;
        }
        let found = found(id).await;
        let fields = [
            ("class", json!(found.class)),
            ("retryable_same", json!(found.retryable_same)),
            ("fallback_ok", json!(found.fallback_ok)),
            ("hurts_health", json!(found.hurts_health)),
            ("hint_ms", json!(found.hint_ms)),
        ];
        for (field, found) in fields {
            let wanted = &row["expect"][field];
            let judgement = &row["judgement_on"];
            if judgement.as_array().is_some_and(|on| on.iter().any(|on| on == field)) {
                let as_row = if found == *wanted { "as the row" } else { "unlike the row" };
                println!("of judgement: {id}: {field} {found}, {as_row}");
            } else if found == *wanted {
                same += 1;
            } else {
                println!("decided otherwise: {id}: {field} {found}, not {wanted}");
                otherwise.push((id, field));
            }
        }
        made.insert(id);
    }
    println!("{} rows, {same} fields as expected", made.len());
    assert_eq!(made, HERE.into());
    assert_eq!(otherwise, DECIDED_OTHERWISE);
}

/// Makes the failure, and finds out what becomes of it.
async fn found(id: &str) -> Found {
    // With nobody else to turn to: is it tried again, and what is told in the end?
    let place = Place::of(id).await;
    let setup = Setup::new().at("gpt-4", "east", &place.base, "").own(place.group);
    let alone = scene(&place, setup.router("num_retries: 1")).await;
    assert_eq!(alone.heard.verdict(TEXT), Verdict::Told, "{id}: {:?}", alone.heard);
    assert_eq!(!alone.heard.text.is_empty(), place.streams, "{id}: {:?}", alone.heard);
    let message = alone.heard.errors[0]["message"].as_str().unwrap();
    assert!(message.contains(place.says), "{id}: {message}");

    // With another group, and where one failure is one too many.
    let place = Place::of(id).await;
    let spare = Upstream::start().await;
    let setup = Setup::new().at("gpt-4", "east", &place.base, "").own(place.group);
    let setup = setup.with("small", "spare", &spare).router("fallbacks: [{gpt-4: [small]}]");
    let setup = setup.router("allowed_fails: 0").policy("retry: {num_retries: 0}");
    let saved = scene(&place, setup).await;
    let whole = saved.heard.verdict(TEXT) == Verdict::Whole;
    assert_eq!(whole, saved.spare > 0, "{id}: {:?}", saved.heard);

    // All who say what it was say the same; but what breaks after the first words is interrupted to the caller and in
    // the trail, whatever broke it.
    let attempts = alone.attempts.keys().chain(saved.attempts.keys());
    let trail: BTreeSet<&str> = attempts.map(String::as_str).collect();
    let class = saved.rests.as_deref().or(trail.first().copied()).unwrap_or_default();
    let told = if place.streams { "interrupted" } else { class };
    assert_eq!(trail, [told].into(), "{id}");
    assert_eq!(alone.heard.class(), told, "{id}");

    let hint = alone.heard.headers.get("retry-after");
    Found {
        class: class.to_owned(),
        retryable_same: alone.attempts.values().sum::<u64>() > 1,
        fallback_ok: whole,
        hurts_health: saved.rests.is_some(),
        hint_ms: hint.map(|seconds| seconds.to_str().unwrap().to_owned()),
    }
}

/// Asks once, and reads in the metrics what came of it.
async fn scene(place: &Place, setup: Setup) -> Scene {
    let gateway = setup.start().await;
    if place.warm {
        assert_eq!(gateway.ask("gpt-4").await.status, 200);
    }
    let question = if place.streams { streamed("gpt-4") } else { question("gpt-4") };
    let heard = hear(gateway.address, &question, PATIENCE).await;
    let text = settled(&gateway).await;
    until(&*place.proof, || format!("it did not fail as it should: {heard:?}")).await;
    let failed = |family: &str| {
        let mut classes = counted(&text, family, "gpt-4", "east");
        classes.remove("ok");
        classes
    };
    let rests: Vec<_> = failed("rests_total").into_keys().collect();
    let resting = r#"secondwind_deployment_resting{group="gpt-4",deployment="east"} 1"#;
    assert_eq!(text.lines().any(|line| line == resting), !rests.is_empty(), "{text}");
    Scene {
        heard,
        attempts: failed("attempts_total"),
        spare: counted(&text, "attempts_total", "small", "spare").values().sum(),
        rests: rests.into_iter().next(),
    }
}

/// The metrics, once all requests are over: what ends with a stream is counted after its last byte.
async fn settled(gateway: &Gateway) -> String {
    loop {
        let text = metrics(gateway).await;
        if text.contains(r#"secondwind_requests_in_flight{group="gpt-4"} 0"#) {
            return text;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits for what is so in a moment.
async fn until(so: &dyn Fn() -> bool, why: impl FnOnce() -> String) {
    for _ in 0..200 {
        if so() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{}", why());
}

/// The counts of a deployment in a family of the metrics, by class.
fn counted(text: &str, family: &str, group: &str, id: &str) -> BTreeMap<String, u64> {
    let labels = format!("secondwind_{family}{{group=\"{group}\",deployment=\"{id}\",class=\"");
    let counts = text.lines().filter_map(|line| line.strip_prefix(&labels)?.split_once("\"} "));
    counts.map(|(class, count)| (class.to_owned(), count.parse().unwrap())).collect()
}

// === impl Place ===

impl Place {
    /// At `base`; the caller is told something with `says` in it.
    fn new(base: String, says: &'static str, proof: impl Fn() -> bool + 'static) -> Self {
        let proof = Box::new(proof);
        Self { base, group: "", streams: false, warm: false, says, proof }
    }

    /// An upstream that did what is `meant` at least once.
    fn upstream(upstream: Upstream, says: &'static str, meant: Outcome) -> Self {
        Self::new(upstream.base_url(), says, move || upstream.count(meant) > 0)
    }

    /// The place that fails as the row called `id` has it.
    async fn of(id: &str) -> Self {
        const UNCONNECTED: &str = "could not connect";
        const BROKE: &str = "broke before it answered";
        let upstream = Upstream::start().await;
        match id {
            "transport_refused" => {
                upstream.refuse().await;
                let base = upstream.base_url();
                Self::new(base, UNCONNECTED, move || upstream.attempts() == 0)
            }
            "transport_dns" => {
                // No name has a label of 64 letters: the resolver knows without asking anybody.
                let base = format!("http://{}.invalid/v1", "x".repeat(64));
                Self::new(base, UNCONNECTED, || true)
            }
            "transport_tls_cert" => {
                let (base, refused) = untrusted().await;
                Self::new(base, UNCONNECTED, move || refused.load(Relaxed) > 0)
            }
            "transport_reset_before_headers" => {
                upstream.always(Reply::reset());
                Self::upstream(upstream, BROKE, Outcome::Reset)
            }
            "transport_closed_idle" => {
                upstream.then(Reply::ok()).always(Reply::close());
                let base = upstream.base_url();
                // The second request was written to the connection of the first.
                let reused = move || {
                    let on: Vec<_> = upstream.requests().iter().map(|got| got.connection).collect();
                    matches!(on[..], [first, second, ..] if first == second)
                };
                Self { warm: true, ..Self::new(base, BROKE, reused) }
            }
            "transport_connect_timeout" => {
                let (address, queued, listener) = unreachable().await;
                let kept = move || !queued.is_empty() && listener.local_addr().is_ok();
                let place = Self::new(format!("http://{address}/v1"), "the connect clock", kept);
                Self { group: "groups: {gpt-4: {timeout: {connect: 150ms}}}", ..place }
            }
            "transport_first_byte_timeout" => {
                upstream.always(Reply::hang());
                let place = Self::upstream(upstream, "the first_content clock", Outcome::Hung);
                Self { group: "groups: {gpt-4: {timeout: {first_content: 150ms}}}", ..place }
            }
            "transport_idle_timeout" => {
                upstream.always(Reply::stall_after(3));
                let place = Self::upstream(upstream, "the idle clock", Outcome::Stalled);
                let group = "groups: {gpt-4: {timeout: {idle: 150ms}}}";
                Self { group, streams: true, ..place }
            }
            "transport_total_timeout" => {
                upstream.always(Reply::hang());
                let place = Self::upstream(upstream, "at the request's deadline", Outcome::Hung);
                // Nothing is kept back for whoever might be next.
                let group = "groups: {gpt-4: {timeout: {total: 300ms, reserve: off}}}";
                Self { group, ..place }
            }
            _ => panic!("how does {id} fail?"),
        }
    }
}

/// The address of a provider whose certificate nobody trusts, and how often it was told so.
async fn untrusted() -> (String, Arc<AtomicUsize>) {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/key.pem")).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let tls = tls.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let tls = TlsAcceptor::from(Arc::new(tls.with_single_cert(vec![certificate], key).unwrap()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("https://{}/v1", listener.local_addr().unwrap());
    let refused = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&refused);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let error = tls.accept(socket).await.err();
            let error = error.as_ref().and_then(|error| error.get_ref()?.downcast_ref());
            if matches!(error, Some(rustls::Error::AlertReceived(AlertDescription::UnknownCA))) {
                count.fetch_add(1, Relaxed);
            }
        }
    });
    (base, refused)
}
