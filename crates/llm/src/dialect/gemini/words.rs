//! Google's words, and what they mean.
//!
//! Those recorded in `tests/vectors/provider_errors.json`, and the texts that LiteLLM matches on
//! (`exception_mapping_utils.py`, 1.106).

use secondwind_policy::Class::{
    Authentication, BadRequest, ContentPolicy, ContextWindow, NotFound, Permission, QuotaExhausted,
    RateLimit, RequestTooLarge, ServiceUnavailable, Timeout,
};

use crate::classify::When::{Begins, BeginsThen, Code, Has, Quota};
use crate::classify::{Rule, UNSAID, When, Words, broken, refused, rule, unsaid};

pub(super) const WORDS: Words = Words { rules: RULES, accuses: ACCUSES };

const fn limited(status: u16) -> bool {
    status == 429
}

const fn bad(status: u16) -> bool {
    matches!(status, UNSAID | 400)
}

const fn told_otherwise(status: u16) -> bool {
    matches!(status, UNSAID | 400 | 500..)
}

const fn cancelled(status: u16) -> bool {
    status == 499
}

/// In this order; the first that fits decides.
const RULES: &[Rule] = &[
    rule(ContextWindow, refused, Has(&["exceeds the maximum number of tokens allowed"])),
    rule(RequestTooLarge, bad, Begins(&["request payload size exceeds the limit"])),
    rule(ContentPolicy, refused, Has(&["violate google's responsible ai practices"])),
    // A day's quota comes back tomorrow, whatever wait is named beside it.
    rule(QuotaExhausted, limited, Quota("perday")),
    rule(QuotaExhausted, bad, Code(&["billing_disabled"])),
    rule(RateLimit, told_otherwise, Code(&["resource_exhausted"])),
    rule(Authentication, bad, Code(&["api_key_invalid"])),
    rule(Authentication, bad, Begins(&["api key not valid", "api key expired"])),
    rule(
        Permission,
        bad,
        Begins(&[
            "user location is not supported for the api use",
            "gemini api free tier is not available in your country",
        ]),
    ),
    rule(ServiceUnavailable, broken, Code(&["unavailable", "model_capacity_exhausted"])),
    rule(Timeout, broken, Code(&["deadline_exceeded"])),
    // Nobody here has cancelled it.
    rule(Timeout, cancelled, Code(&["cancelled"])),
    // An error in a 200 that names no status but its own.
    rule(Authentication, unsaid, Code(&["unauthenticated"])),
    rule(Permission, unsaid, Code(&["permission_denied"])),
    rule(NotFound, unsaid, Code(&["not_found"])),
    rule(BadRequest, unsaid, Code(&["invalid_argument", "failed_precondition"])),
];

/// What shows that the model, the project or the key is at fault. `PERMISSION_DENIED` and `NOT_FOUND`
/// alone do not: they are said of files that the caller names, too.
const ACCUSES: &[When] = &[
    Code(&[
        "api_key_http_referrer_blocked",
        "api_key_ip_address_blocked",
        "api_key_service_blocked",
        "billing_disabled",
        "consumer_invalid",
        "consumer_suspended",
        "service_disabled",
    ]),
    BeginsThen("models/", "is not found"),
    BeginsThen("publisher model ", "was not found"),
    Begins(&[
        "gemini api free tier is not available in your country",
        "permission denied on project ",
        "user location is not supported for the api use",
        "your api key ",
    ]),
];
