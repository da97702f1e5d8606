//! Anthropic's words, and what they mean.
//!
//! Those recorded in `tests/vectors/provider_errors.json`, and the texts that LiteLLM matches on
//! (`exception_mapping_utils.py`, 1.106).

use secondwind_policy::Class::{
    Authentication, BadRequest, ContentPolicy, ContextWindow, NotFound, Permission, QuotaExhausted,
    RateLimit, RequestTooLarge, ServiceUnavailable, Timeout, UnsupportedParams,
};

use crate::classify::When::{Always, Begins, Code, Has, Page};
use crate::classify::{Rule, UNSAID, When, Words, any, broken, refused, rule, unsaid};

pub(super) const WORDS: Words = Words { rules: RULES, accuses: ACCUSES };

const fn fits(status: u16) -> bool {
    matches!(status, UNSAID | 400 | 413)
}

/// Statuses with which a request is refused that nobody pays for.
const fn unpaid(status: u16) -> bool {
    matches!(status, UNSAID | 400 | 403 | 429)
}

const fn bad(status: u16) -> bool {
    matches!(status, UNSAID | 400)
}

const fn told_otherwise(status: u16) -> bool {
    matches!(status, UNSAID | 400 | 500..)
}

const fn cloudflare_timeout(status: u16) -> bool {
    matches!(status, 522 | 524)
}

const fn gateway_timeout(status: u16) -> bool {
    status == 504
}

/// In this order; the first that fits decides.
const RULES: &[Rule] = &[
    rule(ContextWindow, fits, Has(&["prompt is too long", "exceed context limit"])),
    rule(ContentPolicy, refused, Has(&["blocked by content filtering policy"])),
    rule(QuotaExhausted, any, Code(&["billing_error"])),
    rule(
        QuotaExhausted,
        unpaid,
        Begins(&[
            "your credit balance is too low",
            "you have reached your specified api usage limits",
            "you have reached your specified workspace api usage limits",
        ]),
    ),
    rule(Permission, bad, Begins(&["this organization has been disabled"])),
    rule(UnsupportedParams, refused, Has(&["extra inputs are not permitted"])),
    rule(RateLimit, told_otherwise, Code(&["rate_limit_error"])),
    rule(ServiceUnavailable, broken, Code(&["overloaded_error"])),
    // An `api_error`, if it was found out late.
    rule(ServiceUnavailable, broken, Begins(&["overloaded"])),
    rule(Timeout, broken, Code(&["timeout_error"])),
    rule(Authentication, bad, Code(&["authentication_error"])),
    // Time ran out, told by a proxy in front.
    rule(Timeout, cloudflare_timeout, Always),
    rule(Timeout, gateway_timeout, Page("gateway time-out")),
    // An error in a 200: its type is all there is.
    rule(Permission, unsaid, Code(&["permission_error"])),
    rule(NotFound, unsaid, Code(&["not_found_error"])),
    rule(RequestTooLarge, unsaid, Code(&["request_too_large"])),
    rule(BadRequest, unsaid, Code(&["invalid_request_error"])),
];

/// What shows that the model or the key is at fault. A `not_found_error` alone does not: a file
/// that the caller names is not found either.
const ACCUSES: &[When] = &[Begins(&[
    "model: ",
    "your api key ",
    "your organization ",
    "this organization has been disabled",
])];
