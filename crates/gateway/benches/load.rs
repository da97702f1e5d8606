//! How long it takes to read a large configuration and put it to work.
//!
//! `cargo bench -p secondwind-gateway --bench load` prints milliseconds for 1,000 groups of 10 deployments each, a
//! hundred of which have fallbacks; the least, the median and the most of 15 rounds.

use std::fmt::Write as _;
use std::time::Duration;

use secondwind_gateway::config::{self, Source};
use secondwind_gateway::setup;
use tokio::time::Instant;

const ROUNDS: usize = 15;

fn main() {
    let text = configuration();
    println!("{} KiB of YAML", text.len() / 1024);
    let mut rounds: Vec<[Duration; 3]> = (0..ROUNDS).map(|_| round(&text)).collect();
    for (at, what) in ["read", "put to work", "both"].into_iter().enumerate() {
        rounds.sort_by_key(|round| round[at]);
        let [least, median, most] = [0, ROUNDS / 2, ROUNDS - 1].map(|of| millis(rounds[of][at]));
        println!("{what:<12} {least:>6.1} {median:>6.1} {most:>6.1} ms");
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn round(text: &str) -> [Duration; 3] {
    let source = Source { name: "config.yaml".into(), text: text.into() };
    let began = Instant::now();
    let loaded = config::parse(source, &|_| None).expect("a valid configuration");
    let read = began.elapsed();
    let router = setup::router(&loaded.config).expect("a configuration that works");
    let both = began.elapsed();
    assert_eq!(router.groups().len(), 1000);
    [read, both - read, both]
}

/// 1,000 groups of 10 deployments.
fn configuration() -> String {
    let mut text = String::from("model_list:\n");
    for group in 0..1000 {
        for deployment in 0..10 {
            let rpm = 100 + deployment;
            let _ = write!(
                text,
                "  - model_name: group-{group}
    litellm_params:
      model: openai/gpt-{group}-{deployment}
      api_base: https://provider-{deployment}.example.com/v1
      api_key: sk-{group}-{deployment}-0123456789abcdef
      rpm: {rpm}
    model_info:
      id: g{group}-d{deployment}
"
            );
        }
    }
    text.push_str("router_settings:\n  num_retries: 2\n  fallbacks:\n");
    for group in 0..100 {
        let _ = writeln!(text, "    - group-{group}: [group-{}]", group + 100);
    }
    text
}
