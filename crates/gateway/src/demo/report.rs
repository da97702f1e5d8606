//! What is shown: how it stands, and in the end what it came to.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use super::caller::{ASKED, PATIENCE};
use super::providers::Simulated;
use super::screen::{Style, Tone};
use super::table::{Cell, Table};
use super::tally::{Failure, Fates, Tally, Totals};
use super::traffic::{PACE, Progress};

/// What is about to happen.
pub(super) fn opening(length: Duration, gateway: SocketAddr) -> String {
    format!(
        "Three simulated providers, which fail as real ones do, and a gateway at http://{gateway}.\n\
         {PACE} requests a second for {} s, each sent twice: directly to gpt-4/east without retries,\n\
         and through the gateway. A caller waits {} s at most.\n\n",
        length.as_secs(),
        PATIENCE.as_secs(),
    )
}

/// How it stands, to be redrawn.
pub(super) fn live(
    progress: Progress,
    totals: &Totals,
    simulated: &Simulated,
    style: Style,
) -> Vec<String> {
    let mut lines = vec![bar(progress), String::new()];
    let mut table = Table::default();
    let head = ["", "sent", "answered", "", "failed", "under way", "p50", "p99"];
    table.row(head.map(|name| Cell::new(Tone::Bold, name)));
    for (name, tally) in [("direct", &totals.direct), ("gateway", &totals.gateway)] {
        let failed = if tally.failed() == 0 { Tone::Dim } else { Tone::Bad };
        table.row([
            name.into(),
            Cell::count(tally.sent),
            Cell::count(tally.answered()),
            answered(tally),
            Cell::new(failed, tally.failed().to_string()),
            Cell::count(tally.sent - tally.done()),
            time(tally.of_answered(0.5)).into(),
            time(tally.of_answered(0.99)).into(),
        ]);
    }
    lines.extend(table.lines(style));
    lines.push(String::new());
    for provider in simulated.behind() {
        let (tone, weather) = match provider.weather(progress.part()) {
            Some(weather) => (Tone::Bad, weather),
            None => (Tone::Dim, "as usual"),
        };
        lines.push(format!("{:14}{}", provider.name, style.paint(tone, weather)));
    }
    lines
}

/// How it stands, in a line.
pub(super) fn line(progress: Progress, totals: &Totals, simulated: &Simulated) -> String {
    let way = |tally: &Tally| format!("{}/{} ({})", tally.answered(), tally.done(), share(tally));
    let mut line = format!(
        "{:>3} s  answered: direct {}, gateway {}",
        progress.elapsed.as_secs(),
        way(&totals.direct),
        way(&totals.gateway),
    );
    for provider in simulated.behind() {
        if let Some(weather) = provider.weather(progress.part()) {
            // To a string it cannot fail.
            let _ = write!(line, "; {} is {weather}", provider.name);
        }
    }
    line.push('\n');
    line
}

/// What it came to.
pub(super) fn summary(totals: &Totals, style: Style) -> String {
    let Totals { direct, gateway } = totals;
    let mut lines = outcome(direct, gateway).lines(style);
    lines.push(String::new());
    lines.push(
        "Failures. Directly, each is the caller's. Behind the gateway, who answered after all:"
            .to_owned(),
    );
    lines.extend(failures(direct, gateway).lines(style));
    if gateway.elsewhere_at_once > 0 {
        lines.push(String::new());
        lines.push(format!(
            "Sent to another group at once, since all of {ASKED} had asked to be left alone: {}.",
            gateway.elsewhere_at_once
        ));
    }
    if let Some(trail) = &gateway.longest {
        lines.push(String::new());
        lines.push("The longest way to an answer, as its x-secondwind-trail tells it:".to_owned());
        lines.extend(
            trail.split(';').map(|attempt| style.paint(Tone::Dim, &format!("  {attempt}"))),
        );
    }
    lines.push("\n".to_owned());
    lines.join("\n")
}

/// How to go on.
pub(super) fn closing() -> String {
    "Try it yourself: `secondwind demo --keep` stays up, `secondwind demo --print-config` shows the configuration.\n".to_owned()
}

/// What stays up, and how to ask it.
pub(super) fn kept(simulated: &Simulated, gateway: SocketAddr, style: Style) -> String {
    let mut text = String::from("Still up, until Ctrl-C:\n");
    for provider in simulated.behind() {
        text.push_str(&format!(
            "  {:13} {}={}\n",
            provider.name,
            provider.variable,
            provider.base_url()
        ));
    }
    let body = format!(r#"{{"model":"{ASKED}","messages":[{{"role":"user","content":"Hello"}}]}}"#);
    let curl = format!(
        "curl -i http://{gateway}/v1/chat/completions -H 'content-type: application/json' -d '{body}'"
    );
    text.push_str(&format!(
        "  {:13} http://{gateway}/v1\n\n{}\n",
        "gateway",
        style.paint(Tone::Bold, &curl)
    ));
    text
}

fn bar(progress: Progress) -> String {
    const WIDTH: usize = 40;
    let done = (progress.part() * WIDTH as f64) as usize;
    let (elapsed, length) = (progress.elapsed.as_secs_f64(), progress.length.as_secs());
    let note = if progress.is_sent() { ", waiting for the last answers" } else { "" };
    format!("[{}{}] {elapsed:.1} of {length} s{note}", "=".repeat(done), " ".repeat(WIDTH - done))
}

fn outcome(direct: &Tally, gateway: &Tally) -> Table {
    let per_request = |tally: &Tally| match tally.sent {
        0 => "-".to_owned(),
        sent => format!("{:.2}", tally.attempts as f64 / sent as f64),
    };
    let mut table = Table::default();
    table.row(["", "direct", "gateway"].map(|name| Cell::new(Tone::Bold, name)));
    table.row(["answered".into(), answered(direct), answered(gateway)]);
    let mut row = |name: &str, value: &dyn Fn(&Tally) -> String| {
        table.row([name.into(), value(direct).into(), value(gateway).into()]);
    };
    row("requests", &|tally| tally.sent.to_string());
    row("p50 of the answered", &|tally| time(tally.of_answered(0.5)));
    row("p99 of the answered", &|tally| time(tally.of_answered(0.99)));
    row("p99 with the failed", &|tally| time(tally.of_all(0.99)));
    row("upstream attempts a request", &per_request);
    table
}

fn failures(direct: &Tally, gateway: &Tally) -> Table {
    let mut table = Table::default();
    let head = ["", "direct", "gateway", "same place", "sibling", "fallback", "nobody"];
    table.row(head.map(|name| Cell::new(Tone::Bold, name)));
    let mut kinds: Vec<Failure> =
        direct.failures.keys().chain(gateway.failures.keys()).copied().collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let of = |tally: &Tally| tally.failures.get(&kind).copied().unwrap_or_default();
        let fates = of(gateway);
        let Fates { retried, sibling, fallback, told } = fates;
        let bad = |count: usize| {
            if count == 0 { Cell::count(0) } else { Cell::new(Tone::Bad, count.to_string()) }
        };
        table.row([
            kind.name().into(),
            bad(of(direct).told),
            Cell::count(fates.seen()),
            Cell::count(retried),
            Cell::count(sibling),
            Cell::count(fallback),
            bad(told),
        ]);
    }
    table
}

fn answered(tally: &Tally) -> Cell {
    let tone = match (tally.answered() * 100).checked_div(tally.done()) {
        None => Tone::Dim,
        Some(99..) => Tone::Good,
        Some(90..) => Tone::Poor,
        Some(_) => Tone::Bad,
    };
    Cell::new(tone, share(tally))
}

/// The answered among those that are over. Rounded down: 100 % is all of them.
fn share(tally: &Tally) -> String {
    match (tally.answered() * 1000).checked_div(tally.done()) {
        Some(share) => format!("{}.{} %", share / 10, share % 10),
        None => "-".to_owned(),
    }
}

fn time(time: Option<Duration>) -> String {
    match time {
        None => "-".to_owned(),
        Some(time) if time < Duration::from_secs(1) => format!("{} ms", time.as_millis()),
        Some(time) => format!("{:.2} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use secondwind_policy::Class;

    use super::super::caller::Reply;
    use super::*;

    fn totals() -> Totals {
        let reply = |millis, failed, trail: Option<&str>| Reply {
            took: Duration::from_millis(millis),
            failed,
            trail: trail.map(str::to_owned),
        };
        let mut totals = Totals::default();
        totals.direct.sent = 2;
        totals.direct.count_direct(&reply(38, None, None));
        totals.direct.count_direct(&reply(3000, Some(Class::Timeout), None));
        totals.gateway.sent = 2;
        let rescued = "gpt-4/east=timeout@0ms+500ms;gpt-4/west=ok@500ms+40ms";
        totals.gateway.count_routed(&reply(540, None, Some(rescued)));
        totals.gateway.count_routed(&reply(41, None, Some("backup/spare=ok@0ms+40ms")));
        totals
    }

    #[test]
    fn the_summary_tells_what_was_counted() {
        let expected = "\
\x20                            direct  gateway
answered                     50.0 %  100.0 %
requests                          2        2
p50 of the answered           38 ms    41 ms
p99 of the answered           38 ms   540 ms
p99 with the failed          3.00 s   540 ms
upstream attempts a request    1.00     1.50

Failures. Directly, each is the caller's. Behind the gateway, who answered after all:
         direct  gateway  same place  sibling  fallback  nobody
timeout       1        1           0        1         0       0

Sent to another group at once, since all of gpt-4 had asked to be left alone: 1.

The longest way to an answer, as its x-secondwind-trail tells it:
  gpt-4/east=timeout@0ms+500ms
  gpt-4/west=ok@500ms+40ms

";
        assert_eq!(summary(&totals(), Style::PLAIN), expected);
    }

    #[test]
    fn a_hundred_percent_is_all_of_them() {
        let mut tally = Tally::default();
        let mut count = |failed| {
            tally.count_direct(&Reply { took: Duration::ZERO, failed, trail: None });
            share(&tally)
        };
        for _ in 0..9999 {
            assert_eq!(count(None), "100.0 %");
        }
        assert_eq!(count(Some(Class::Timeout)), "99.9 %");
        assert_eq!(share(&Tally::default()), "-");
    }

    #[tokio::test]
    async fn shows_who_has_a_bad_time() {
        let simulated = Simulated::start().await.unwrap();
        let length = Duration::from_secs(10);
        let at = |secs| Progress { elapsed: Duration::from_secs(secs), length };
        let drawn = live(at(2), &totals(), &simulated, Style::PLAIN);
        assert_eq!(drawn[0], "[========                                ] 2.0 of 10 s");
        assert!(drawn.contains(&"gpt-4/east    over its rate limit".to_owned()), "{drawn:#?}");
        assert!(drawn.contains(&"gpt-4/west    as usual".to_owned()), "{drawn:#?}");
        assert_eq!(
            line(at(2), &totals(), &simulated),
            "  2 s  answered: direct 1/2 (50.0 %), gateway 2/2 (100.0 %); gpt-4/east is over its rate limit\n"
        );
        let drawn = live(at(11), &totals(), &simulated, Style::PLAIN);
        assert!(drawn[0].ends_with("11.0 of 10 s, waiting for the last answers"), "{drawn:#?}");
    }
}
