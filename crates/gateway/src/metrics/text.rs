//! Prometheus' text format, version 0.0.4.

use std::fmt::{self, Write};

use secondwind_layers::Name;
use secondwind_policy::Class;
use secondwind_router::DeploymentState;

use super::counters::Counters;
use super::{
    ATTEMPT_TIMES, BOUNDS, Group, IN_FLIGHT, Index, OF_DEPLOYMENTS, OUTCOMES, REQUEST_TIMES,
    REQUESTS, TIMES, WASTED,
};

/// All metrics. A series that never counted anything is left out.
pub(super) fn write(index: &Index, refused: &Counters, states: &[DeploymentState]) -> String {
    let mut text = Text::default();
    let groups = || index.order.iter().filter_map(|name| Some((name, index.groups.get(name)?)));

    text.family("requests_total", "counter", "Requests, by the group that was asked for.");
    for (name, Group { counters, .. }) in groups() {
        for (at, outcome) in outcomes() {
            let labels = [("group", &**name), ("outcome", outcome)];
            text.count("requests_total", &labels, counters.sum(REQUESTS + at));
        }
    }
    let help = "Requests that were refused without asking anybody.";
    text.family("refused_requests_total", "counter", help);
    for (at, class) in outcomes() {
        text.count("refused_requests_total", &[("class", class)], refused.sum(at));
    }
    text.family("requests_in_flight", "gauge", "Requests under way, streams included.");
    for (name, Group { counters, .. }) in groups() {
        // Two copies may be read a moment apart.
        let under_way = (counters.sum(IN_FLIGHT) as i64).max(0);
        text.line("requests_in_flight", &[("group", name)], under_way);
    }
    for (family, at, help) in [
        (
            "request_duration_seconds",
            REQUEST_TIMES,
            "How long requests took, all attempts together.",
        ),
        (
            "attempt_duration_seconds",
            ATTEMPT_TIMES,
            "How long attempts took, streams to their end.",
        ),
    ] {
        text.family(family, "histogram", help);
        for (name, Group { counters, .. }) in groups() {
            text.histogram(family, name, counters, at);
        }
    }
    for (kind, (what, help)) in OF_DEPLOYMENTS.iter().enumerate() {
        let family = format!("{what}_total");
        text.family(&family, "counter", help);
        for (group, Group { deployments, order, .. }) in groups() {
            for id in order {
                let Some(counters) = deployments.get(id) else { continue };
                for (at, class) in outcomes() {
                    let labels = [("group", &**group), ("deployment", id), ("class", class)];
                    text.count(&family, &labels, counters.sum(kind * OUTCOMES + at));
                }
            }
        }
    }
    let help = "Tokens of answers that broke off or were not the one begun, and that no caller's usage tells.";
    text.family("wasted_tokens_total", "counter", help);
    for (group, Group { deployments, order, .. }) in groups() {
        for id in order {
            let Some(counters) = deployments.get(id) else { continue };
            for (at, count) in ["reported", "estimated"].into_iter().enumerate() {
                let labels = [("group", &**group), ("deployment", id), ("count", count)];
                text.count("wasted_tokens_total", &labels, counters.sum(WASTED + at));
            }
        }
    }
    text.family(
        "deployment_resting",
        "gauge",
        "Whether the deployment is left alone at the moment.",
    );
    for DeploymentState { group, id, resting, .. } in states {
        let labels = [("group", &**group), ("deployment", id)];
        text.line("deployment_resting", &labels, u8::from(resting.is_some()));
    }
    text.0
}

/// The outcomes, each with its place.
fn outcomes() -> impl Iterator<Item = (usize, &'static str)> {
    std::iter::once("ok").chain(Class::ALL.iter().map(|class| class.name())).enumerate()
}

#[derive(Default)]
struct Text(String);

/// The value of a label, with what must be escaped in it escaped.
struct Escaped<'a>(&'a str);

// === impl Text ===

// Writing to a string does not fail.
#[allow(clippy::let_underscore_must_use)]
impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ =
            writeln!(self.0, "# HELP secondwind_{name} {help}\n# TYPE secondwind_{name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl fmt::Display) {
        let _ = write!(self.0, "secondwind_{name}{{");
        for (at, (label, text)) in labels.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(self.0, "{comma}{label}=\"{}\"", Escaped(text));
        }
        let _ = writeln!(self.0, "}} {value}");
    }

    fn count(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        if value > 0 {
            self.line(name, labels, value);
        }
    }

    fn histogram(&mut self, name: &str, group: &Name, counters: &Counters, at: usize) {
        let mut all = 0;
        let bucket = format!("{name}_bucket");
        let ends = BOUNDS.map(|millis| (millis as f64 / 1000.0).to_string());
        let ends = ends.iter().map(String::as_str).chain(["+Inf"]);
        for (class, end) in ends.enumerate() {
            all += counters.sum(at + class);
            self.line(&bucket, &[("group", group), ("le", end)], all);
        }
        let micros = counters.sum(at + TIMES - 1);
        self.line(&format!("{name}_sum"), &[("group", group)], micros as f64 / 1e6);
        self.line(&format!("{name}_count"), &[("group", group)], all);
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            c => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_their_labels() {
        let mut text = Text::default();
        text.line("x", &[("group", "a\"} 1\nb\\")], 2);
        assert_eq!(text.0, "secondwind_x{group=\"a\\\"} 1\\nb\\\\\"} 2\n");
    }
}
