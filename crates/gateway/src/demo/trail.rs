//! Reads what `x-secondwind-trail` says: `gpt-4/east=rate_limit@0ms+12ms;gpt-4/west=ok@15ms+830ms`.

use secondwind_policy::Class;

/// What the header says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Told<'a> {
    /// The attempts, in order.
    pub(super) attempts: Vec<Attempt<'a>>,
    /// How many more there were, of which it does not tell.
    pub(super) more: usize,
}

/// One attempt, as told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Attempt<'a> {
    /// The group.
    pub(super) group: &'a str,
    /// The deployment's id.
    pub(super) deployment: &'a str,
    /// What came of it.
    pub(super) end: End,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// It was answered.
    Answered,
    /// It failed.
    Failed(Class),
    /// It was cut off before it came to anything.
    Cut,
}

impl<'a> Told<'a> {
    /// Reads the header; `None` if it is not a trail. Times are passed over.
    pub(super) fn read(header: &'a str) -> Option<Self> {
        let mut told = Self::default();
        for part in header.split(';').filter(|part| !part.is_empty()) {
            match part.strip_prefix('+').and_then(|more| more.strip_suffix(" more")) {
                Some(more) => told.more = more.parse().ok()?,
                None => told.attempts.push(Attempt::read(part)?),
            }
        }
        Some(told)
    }

    /// How many attempts there were.
    pub(super) fn count(&self) -> usize {
        self.attempts.len() + self.more
    }
}

impl<'a> Attempt<'a> {
    fn read(part: &'a str) -> Option<Self> {
        let (place, rest) = part.split_once('=')?;
        // A group's name may have slashes in it.
        let (group, deployment) = place.rsplit_once('/')?;
        let (end, _) = rest.split_once('@')?;
        let end = match end {
            "ok" => End::Answered,
            "cut" => End::Cut,
            class => End::Failed(class.parse().ok()?),
        };
        Some(Self { group, deployment, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_attempt_by_attempt() {
        let header = "gpt-4/east=rate_limit@0ms+12ms;openai/gpt-4/west=cut@15ms;backup/spare=ok@16ms+8ms!not_replayable";
        let told = Told::read(header).unwrap();
        let attempt = |group, deployment, end| Attempt { group, deployment, end };
        assert_eq!(
            told.attempts,
            [
                attempt("gpt-4", "east", End::Failed(Class::RateLimit)),
                attempt("openai/gpt-4", "west", End::Cut),
                attempt("backup", "spare", End::Answered),
            ]
        );
        assert_eq!(told.count(), 3);
    }

    #[test]
    fn counts_what_a_long_trail_leaves_out() {
        let told = Told::read("gpt-4/east=timeout@0ms+500ms;+41 more").unwrap();
        assert_eq!((told.attempts.len(), told.count()), (1, 42));
    }

    #[test]
    fn a_request_without_attempts_has_an_empty_trail() {
        assert_eq!(Told::read(""), Some(Told::default()));
    }

    #[test]
    fn what_is_no_trail_is_not_taken_for_one() {
        for header in ["east", "east=ok@0ms", "gpt-4/east=ok", "gpt-4/east=fine@0ms", "+x more"] {
            assert_eq!(Told::read(header), None, "{header}");
        }
    }

    #[test]
    fn reads_what_the_layers_write() {
        use secondwind_layers::classify::Verdict;
        use secondwind_layers::{Alternatives, Context, Ended};
        use std::time::Duration;
        use tokio::time::Instant;

        let now = Instant::now();
        let context = Context::new(now);
        context.enter_group("gpt-4".into(), None, None);
        for (id, class) in [("east", Some(Class::Timeout)), ("west", None)] {
            context.enter_deployment(id.into(), Alternatives::default(), None);
            context.begin_attempt(now, None, Duration::ZERO, true);
            let (verdict, ended) = match class {
                Some(class) => (Some(Verdict::new(class)), Ended::MovedOn),
                None => (None, Ended::Answered),
            };
            context.end_attempt(now, verdict.as_ref(), ended);
        }
        let header = context.trail().to_string();
        let told = Told::read(&header).unwrap();
        let ends: Vec<End> = told.attempts.iter().map(|attempt| attempt.end).collect();
        assert_eq!(ends, [End::Failed(Class::Timeout), End::Answered]);
    }
}
