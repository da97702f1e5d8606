//! Why a request got no answer at all.

use std::fmt;
use std::time::Duration;

use hyper_util::client::legacy;
use secondwind_layers::body::Broken;
use secondwind_layers::classify::{Blame, Reach, Verdict, verdict_of_clock};
use secondwind_layers::timeout::Elapsed;
use secondwind_llm::translate::{NoAnswer, Refused, RefusedKind};
use secondwind_policy::Class;

use crate::passed::UploadError;

/// Why a request got no answer at all. It never shows an address with what may be secret in it.
#[derive(Debug)]
pub struct RouteError {
    kind: Kind,
    verdict: Verdict,
}

#[derive(Debug)]
enum Kind {
    Send(legacy::Error),
    Read(hyper::Error),
    Late(Elapsed),
    AllResting { group: String, back_in: Duration },
    UnknownGroup { group: String },
    TooLong { group: String, tokens: u64 },
    NoMatch { group: String },
    QueueFull { group: String },
    Mocked,
    Unsupported { group: String },
    Refused(Refused),
    NoAnswer(NoAnswer),
    TooLongToTranslate,
    Unproven(Broken),
    Spent { group: String },
    Upload(UploadError),
}

impl RouteError {
    pub(crate) const fn send(error: legacy::Error, verdict: Verdict) -> Self {
        Self { kind: Kind::Send(error), verdict }
    }

    pub(crate) const fn read(error: hyper::Error) -> Self {
        Self { kind: Kind::Read(error), verdict: Verdict::new(Class::Connection) }
    }

    /// The answer did not come in time.
    pub(crate) fn late(elapsed: Elapsed) -> Self {
        Self { kind: Kind::Late(elapsed), verdict: verdict_of_clock(&elapsed) }
    }

    pub(crate) fn all_resting(group: &str, back_in: Duration, for_rate_limit: bool) -> Self {
        let class = if for_rate_limit { Class::RateLimit } else { Class::ServiceUnavailable };
        Self {
            kind: Kind::AllResting { group: group.to_owned(), back_in },
            verdict: Verdict::new(class).with_hint(back_in),
        }
    }

    pub(crate) fn unknown_group(group: &str) -> Self {
        let kind = Kind::UnknownGroup { group: group.to_owned() };
        Self { kind, verdict: Verdict::new(Class::NotFound) }
    }

    pub(crate) fn too_long(group: &str, tokens: u64) -> Self {
        let kind = Kind::TooLong { group: group.to_owned(), tokens };
        Self { kind, verdict: Verdict::new(Class::ContextWindow) }
    }

    pub(crate) fn no_match(group: &str) -> Self {
        let kind = Kind::NoMatch { group: group.to_owned() };
        Self { kind, verdict: Verdict::new(Class::NotFound) }
    }

    pub(crate) fn queue_full(group: &str) -> Self {
        let kind = Kind::QueueFull { group: group.to_owned() };
        Self { kind, verdict: Verdict::new(Class::RateLimit) }
    }

    pub(crate) const fn mocked(class: Class) -> Self {
        Self { kind: Kind::Mocked, verdict: Verdict::new(class) }
    }

    /// Nobody in the group offers what is asked.
    pub(crate) fn unsupported(group: &str) -> Self {
        let kind = Kind::Unsupported { group: group.to_owned() };
        Self { kind, verdict: Verdict::new(Class::UnsupportedParams) }
    }

    /// The request cannot be said in the deployment's API, or is no request.
    pub(crate) fn refused(refused: Refused) -> Self {
        let verdict = match refused.kind {
            // Another may have a word for it.
            RefusedKind::UnsupportedParams => {
                Verdict::new(Class::UnsupportedParams).with_reach(Reach::Unasked)
            }
            _ => Verdict::new(Class::BadRequest),
        };
        Self { kind: Kind::Refused(refused), verdict: verdict.with_blame(Blame::Nobody) }
    }

    /// The answer is none, in the API that it is in.
    pub(crate) const fn no_answer(error: NoAnswer) -> Self {
        Self { kind: Kind::NoAnswer(error), verdict: Verdict::new(Class::InternalServer) }
    }

    /// The answer is too long to be held until it can be translated.
    pub(crate) const fn too_long_to_translate() -> Self {
        Self { kind: Kind::TooLongToTranslate, verdict: Verdict::new(Class::InternalServer) }
    }

    /// The answer broke before it proved to be one.
    pub(crate) fn unproven(broken: Broken) -> Self {
        let verdict = broken.verdict();
        Self { kind: Kind::Unproven(broken), verdict }
    }

    /// A broken answer is to be carried on, and nobody in the group is left to do it.
    pub(crate) fn spent(group: &str) -> Self {
        let kind = Kind::Spent { group: group.to_owned() };
        Self { kind, verdict: Verdict::new(Class::Connection).with_blame(Blame::Nobody) }
    }

    /// The caller's body cannot be sent to its end.
    pub(crate) const fn upload(error: UploadError) -> Self {
        let verdict = Verdict::new(Class::BadRequest).with_blame(Blame::Nobody);
        Self { kind: Kind::Upload(error), verdict }
    }

    /// The same, of which nobody is to blame.
    pub(crate) const fn blaming_nobody(mut self) -> Self {
        self.verdict = self.verdict.with_blame(Blame::Nobody);
        self
    }

    /// What it means.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The field of the request that is at fault, where it is one.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        match &self.kind {
            Kind::Refused(refused) => refused.param.as_deref(),
            Kind::Upload(error) => error.param(),
            _ => None,
        }
    }

    /// Whether no provider was asked, since all deployments of the group rest.
    #[must_use]
    pub const fn is_all_resting(&self) -> bool {
        matches!(self.kind, Kind::AllResting { .. })
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Send(error) if error.is_connect() => {
                match secondwind_layers::classify::elapsed_in(error) {
                    Some(elapsed) => write!(f, "could not connect to the provider: {elapsed}"),
                    None => f.write_str("could not connect to the provider"),
                }
            }
            Kind::Send(_) => f.write_str("the connection to the provider broke before it answered"),
            Kind::Late(elapsed) => write!(f, "the provider did not answer in time: {elapsed}"),
            Kind::Read(_) => f.write_str("the connection to the provider broke within the answer"),
            Kind::AllResting { group, back_in } => write!(
                f,
                "no deployment of `{group}` is available; the first is back in {}s",
                back_in.as_secs_f64().ceil()
            ),
            Kind::UnknownGroup { group } => write!(f, "there is no model group `{group}`"),
            Kind::Mocked => f.write_str("nobody was asked: the request wants to see this failure"),
            Kind::Unproven(broken) => broken.fmt(f),
            Kind::Spent { group } => {
                write!(f, "no other deployment of `{group}` is left to carry on with the answer")
            }
            Kind::TooLong { group, tokens } => write!(
                f,
                "the prompt, about {tokens} tokens, fits into no context window of `{group}`"
            ),
            Kind::NoMatch { group } => {
                write!(f, "no deployment of `{group}` is for requests with these tags")
            }
            Kind::QueueFull { group } => {
                write!(f, "too many requests wait for a deployment of `{group}`")
            }
            Kind::Upload(error) => error.fmt(f),
            Kind::Unsupported { group } => {
                write!(f, "no deployment of `{group}` offers what the request asks for")
            }
            Kind::Refused(refused) => refused.fmt(f),
            Kind::NoAnswer(error) => error.fmt(f),
            Kind::TooLongToTranslate => f.write_str("the provider's answer is too long"),
        }
    }
}

impl std::error::Error for RouteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Send(error) => Some(error),
            Kind::Read(error) => Some(error),
            Kind::Late(elapsed) => Some(elapsed),
            Kind::Unproven(broken) => Some(broken),
            Kind::Upload(error) => Some(error),
            Kind::NoAnswer(error) => Some(error),
            _ => None,
        }
    }
}
