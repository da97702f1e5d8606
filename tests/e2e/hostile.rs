//! Providers that send what nobody should: too much of it, or no text at all.
//!
//! The gateway and the provider share a process, so what is measured is the memory of both, and of the caller.

use std::time::Duration;

use secondwind_testkit::faults::{Break, Fault, FaultServer, TEXT};

use crate::alone::alone;
use crate::gateway::{Gateway, Setup, question};
use crate::strict::{Verdict, hear, with_usage};

/// By how much the memory may have grown at its highest.
const MOST: u64 = 50 << 20;

const MEGABYTE: usize = 1 << 20;
const GIGABYTE: u64 = 1 << 30;

/// The highest that this process's memory ever was, in bytes.
fn highest_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes * 1024
}

fn gateway(provider: &FaultServer) -> impl Future<Output = Gateway> {
    let setup = Setup::new().at("chat", "only", &provider.base_url(), "").router("num_retries: 0");
    let setup = setup.router("timeout: 5").policy("timeout: {first_content: 2s, idle: 2s}");
    setup.policy("stream: {recovery: continue}").start()
}

/// Asks a provider that does this once: the class of the error is one of `classes`, memory stays bounded, and the next
/// request is answered.
async fn endures(fault: Fault, stream: bool, classes: &[&str]) {
    let provider = FaultServer::start().await;
    let gateway = gateway(&provider).await;
    let question = || if stream { with_usage("chat") } else { question("chat") };
    let patience = Duration::from_secs(30);
    let warm = hear(gateway.address, &question(), patience).await;
    assert_eq!(warm.verdict(TEXT), Verdict::Whole, "{warm:?}");

    let before = highest_memory();
    provider.then(fault.clone());
    let heard = hear(gateway.address, &question(), patience).await;
    let grown = highest_memory() - before;
    let of = format!("{fault:?} (stream: {stream}), {} KiB more, {:?}", grown >> 10, heard.took);
    println!("{of}: {}", heard.class());
    assert_eq!(heard.verdict(TEXT), Verdict::Told, "{of}: {heard:?}");
    assert!(classes.contains(&heard.class()), "{of}: {:?}", heard.errors);
    assert!(grown < MOST, "{of}");

    let next = hear(gateway.address, &question(), patience).await;
    assert_eq!(next.verdict(TEXT), Verdict::Whole, "{of}, and then {next:?}");
}

/// An answer that is longer than what is held is passed on, as long as it likes to be: the memory stays bounded.
#[test]
fn endures_100_megabytes_of_one_json_string() {
    alone("hostile::endures_100_megabytes_of_one_json_string", async {
        let provider = FaultServer::start().await;
        let gateway = gateway(&provider).await;
        let patience = Duration::from_secs(30);
        let warm = hear(gateway.address, &question("chat"), patience).await;
        assert_eq!(warm.verdict(TEXT), Verdict::Whole, "{warm:?}");
        let before = highest_memory();
        provider.then(Fault::Flood(100 << 20));
        let heard = hear(gateway.address, &question("chat"), patience).await;
        assert_ne!(heard.verdict(TEXT), Verdict::Whole);
        assert!(highest_memory() - before < MOST);
        let next = hear(gateway.address, &question("chat"), patience).await;
        assert_eq!(next.verdict(TEXT), Verdict::Whole, "{next:?}");
    });
}

macro_rules! endures {
    ($($name:ident: $fault:expr, $stream:expr, $classes:expr;)*) => {$(
        #[test]
        fn $name() {
            let name = concat!("hostile::", stringify!($name));
            alone(name, endures($fault, $stream, &$classes));
        }
    )*};
}

/// What a provider that talks nonsense before it said anything may be called.
const NONSENSE: [&str; 2] = ["internal_server", "connection"];

endures! {
    endures_100_megabytes_without_a_line_end: Fault::Flood(100 << 20), true, NONSENSE;
    endures_a_stream_that_unpacks_to_10_gigabytes: Fault::GzipBomb(10 * GIGABYTE), true, NONSENSE;
    endures_json_that_unpacks_to_10_gigabytes: Fault::GzipBomb(10 * GIGABYTE), false, NONSENSE;
    endures_an_event_of_2_megabytes: Fault::BigEvent(2 * MEGABYTE), true, NONSENSE;
    endures_json_of_2_megabytes_that_is_no_answer: Fault::BigEvent(2 * MEGABYTE), false, NONSENSE;
    endures_a_head_of_a_megabyte_in_a_stream: Fault::BigHead(MEGABYTE), true, NONSENSE;
    endures_a_head_of_a_megabyte: Fault::BigHead(MEGABYTE), false, NONSENSE;
    endures_pings_without_end: Fault::Pings(Duration::from_millis(1)), true, ["timeout"];
    endures_json_that_never_begins: Fault::Pings(Duration::from_millis(1)), false, ["timeout"];
    endures_a_stream_that_is_no_text: Fault::at(5, Break::NotUtf8), true, ["interrupted"];
    endures_json_that_is_no_text: Fault::at(5, Break::NotUtf8), false, NONSENSE;
    endures_nuls_in_a_stream: Fault::at(5, Break::Nuls), true, ["interrupted"];
    endures_nuls_in_json: Fault::at(5, Break::Nuls), false, NONSENSE;
    endures_garbage_in_a_stream: Fault::at(5, Break::Garbage), true, ["interrupted"];
    endures_garbage_in_json: Fault::at(5, Break::Garbage), false, NONSENSE;
    endures_what_is_no_http: Fault::GarbageHead, false, NONSENSE;
    endures_what_is_no_http_where_a_stream_was_asked_for: Fault::GarbageHead, true, NONSENSE;
}
