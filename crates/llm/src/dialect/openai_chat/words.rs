//! The words of OpenAI and of those who speak its dialect, and what they mean.
//!
//! Codes and texts are those of OpenAI, Azure OpenAI, Groq, Together, xAI, DeepSeek, OpenRouter,
//! Cerebras, Moonshot, Mistral, Cohere, Bedrock, vLLM, llama.cpp, TGI, Ollama, Hugging Face and LiteLLM as recorded in
//! `tests/vectors/provider_errors.json`, and the texts that LiteLLM matches on
//! (`exception_mapping_utils.py`, 1.106).

use secondwind_policy::Class::{
    Authentication, BadRequest, Conflict, ContentPolicy, ContextWindow, InternalServer, NotFound,
    Permission, QuotaExhausted, RateLimit, RequestTooLarge, ServiceUnavailable, Timeout,
    UnsupportedParams,
};

use crate::classify::When::{
    Always, Begins, BeginsThen, Code, Has, HasAll, Moderated, Page, Param, Quota,
};
use crate::classify::{Rule, UNSAID, When, Words, any, broken, refused, rule, unsaid};

pub(in crate::dialect) const WORDS: Words = Words { rules: RULES, accuses: ACCUSES };

/// Statuses with which a prompt that does not fit is refused; llama.cpp says 500.
const fn fits(status: u16) -> bool {
    matches!(status, UNSAID | 400 | 413 | 422 | 500)
}

/// Statuses with which text is refused.
const fn censored(status: u16) -> bool {
    matches!(status, UNSAID | 400 | 403 | 422)
}

/// Statuses other than 402 with which a request is refused that nobody pays for.
const fn unpaid(status: u16) -> bool {
    matches!(status, 400 | 403)
}

const fn limited(status: u16) -> bool {
    status == 429
}

/// A limit is told with 413 for one request that is larger than the limit: that is no limit of ours.
const fn told_otherwise(status: u16) -> bool {
    matches!(status, UNSAID | 400 | 500..)
}

/// Groq says 498 when its flex tier is full.
const fn strained(status: u16) -> bool {
    broken(status) || status == 498
}

const fn unknown(status: u16) -> bool {
    refused(status) || status == 404
}

const fn bad(status: u16) -> bool {
    matches!(status, UNSAID | 400)
}

/// Bedrock refuses a token with 403, as it refuses a model.
const fn unsigned(status: u16) -> bool {
    matches!(status, UNSAID | 400 | 401 | 403)
}

/// Cohere says 498 where its filter refuses.
const fn blocked(status: u16) -> bool {
    status == 498
}

const fn cloudflare_timeout(status: u16) -> bool {
    matches!(status, 522 | 524)
}

const fn gateway_timeout(status: u16) -> bool {
    status == 504
}

/// In this order; the first that fits decides.
const RULES: &[Rule] = &[
    // The prompt does not fit.
    rule(ContextWindow, any, Code(&["context_length_exceeded", "exceed_context_size_error"])),
    rule(
        ContextWindow,
        fits,
        Has(&[
            "this model's maximum context length is",
            "model's context length is only",
            "is longer than the model's context length",
            "requested token count exceeds the model's maximum context length",
            "model's maximum context limit",
            "exceed context limit",
            "exceeds the available context size",
            "context size has been exceeded",
            "input tokens exceed the configured limit",
            "exceeds the maximum number of tokens allowed",
            "`inputs` tokens + `max_new_tokens` must be",
            "prompt is too long",
            "contextwindowexceedederror",
            "the request exceeds the maximum context length",
            "input is too long for requested model",
            "input is longer than the maximum number of tokens allowed",
        ]),
    ),
    rule(ContextWindow, fits, HasAll(&["current length is", "while limit is"])),
    rule(ContextWindow, fits, HasAll(&["maximum input length is", "tokens"])),
    rule(ContextWindow, fits, HasAll(&["input too long:", "input tokens, limit is"])),
    rule(ContextWindow, fits, HasAll(&["too large for model with", "maximum context length"])),
    // vLLM's own sum, once the prompt has left no room for an answer.
    rule(ContextWindow, fits, Begins(&["max_tokens must be at least 1, got -"])),
    // One request larger than the limit of a whole minute: no waiting helps.
    rule(RequestTooLarge, limited, Begins(&["request too large for"])),
    // The safety system refused.
    rule(
        ContentPolicy,
        any,
        Code(&[
            "content_policy_violation",
            "content_filter",
            "responsibleaipolicyviolation",
            "cyber_policy",
            "invalid_prompt",
            "data_inspection_failed",
        ]),
    ),
    rule(ContentPolicy, censored, Moderated),
    rule(
        ContentPolicy,
        censored,
        Has(&[
            "rejected as a result of our safety system",
            "rejected as a result of the safety system",
            "your task failed as a result of our safety system",
            "violating our usage policy",
            "the response was filtered due to the prompt triggering azure openai's content management",
            "contentpolicyviolationerror",
        ]),
    ),
    rule(ContentPolicy, blocked, Begins(&["your request was blocked: it may violate"])),
    // The money or the day's quota is gone.
    rule(
        QuotaExhausted,
        any,
        Code(&[
            "insufficient_quota",
            "billing_hard_limit_reached",
            "billing_not_active",
            "exceeded_current_quota_error",
            "servicequotaexceededexception",
        ]),
    ),
    rule(QuotaExhausted, limited, Quota("perday")),
    rule(
        QuotaExhausted,
        limited,
        Has(&[
            "used all available credits",
            "run out of credits",
            "monthly spending limit",
            "insufficient balance",
            "insufficient credits",
            "credit balance is too low",
            "per month",
            "reached your session usage limit",
        ]),
    ),
    rule(QuotaExhausted, limited, BeginsThen("you are using a trial key", "/ month")),
    rule(
        QuotaExhausted,
        unpaid,
        Begins(&[
            "you have run out of credits",
            "your credit balance is too low",
            "insufficient balance",
            "insufficient credits",
        ]),
    ),
    rule(QuotaExhausted, unpaid, BeginsThen("your team ", "used all available credits")),
    // A day's limit that refills by the minute says so.
    rule(RateLimit, limited, HasAll(&["per day", "try again in"])),
    rule(QuotaExhausted, limited, Has(&["per day", "per-day"])),
    // A parameter this model does not take.
    rule(
        UnsupportedParams,
        refused,
        Code(&["unsupported_parameter", "unsupported_value", "extra_forbidden"]),
    ),
    // Too much for now.
    rule(
        RateLimit,
        told_otherwise,
        Code(&[
            "rate_limit_exceeded",
            "rate_limit_error",
            "rate_limited",
            "too_many_requests",
            "resource_exhausted",
            "throttlingexception",
        ]),
    ),
    rule(ServiceUnavailable, limited, Code(&["modelnotreadyexception"])),
    rule(
        ServiceUnavailable,
        strained,
        Code(&[
            "overloaded",
            "overloaded_error",
            "engine_overloaded",
            "engine_overloaded_error",
            "capacity_exceeded",
            "service_unavailable",
            "service_unavailable_error",
            "unavailable_error",
            "unavailable",
            "slow_down",
        ]),
    ),
    rule(
        ServiceUnavailable,
        strained,
        Has(&[
            "overloaded",
            "currently loading",
            "loading model",
            "server busy",
            "no capacity available",
            // Envoy's word for an upstream that it cannot reach; its own status for it is 503.
            "upstream connect error",
        ]),
    ),
    // A key or a model that is not known, told as a mistake in the request.
    rule(Authentication, bad, Code(&["invalid_api_key", "authentication_error"])),
    rule(
        Authentication,
        bad,
        Begins(&["incorrect api key provided", "api key not valid", "api key expired"]),
    ),
    rule(
        Authentication,
        unsigned,
        Code(&[
            "unrecognizedclientexception",
            "expiredtokenexception",
            "invalidsignatureexception",
        ]),
    ),
    rule(NotFound, refused, BeginsThen("invocation of model id ", "with on-demand throughput")),
    // Bedrock's words for what other servers tell by a status.
    rule(InternalServer, any, Code(&["modelerrorexception"])),
    rule(Conflict, bad, Code(&["conflictexception"])),
    rule(NotFound, unknown, Code(&["model_not_found", "deploymentnotfound"])),
    rule(NotFound, refused, Begins(&["model not exist"])),
    rule(NotFound, refused, BeginsThen("the model ", "does not exist")),
    // Time ran out, told by a proxy in front.
    rule(Timeout, cloudflare_timeout, Always),
    rule(Timeout, gateway_timeout, Page("gateway time-out")),
    // An error in a 200 that names no status: its type is all there is.
    rule(Permission, unsaid, Code(&["permission_error", "permission_denied"])),
    rule(NotFound, unsaid, Code(&["not_found_error", "notfounderror", "not_found"])),
    rule(Timeout, unsaid, Code(&["request_timeout", "timeout_error", "timeout"])),
    rule(Conflict, unsaid, Code(&["conflict_error", "conflict"])),
    rule(RequestTooLarge, unsaid, Code(&["request_too_large"])),
    rule(BadRequest, unsaid, Code(&["invalid_request_error", "badrequesterror", "bad_request"])),
];

/// What shows that the model, the deployment or the key is at fault.
const ACCUSES: &[When] = &[
    Code(&[
        "model_not_found",
        "model_not_available",
        "model_not_supported",
        "invalid_model",
        "deploymentnotfound",
        "deployment_not_found",
        "invalid_api_key",
        "insufficient_permissions",
        "account_deactivated",
        "unsupported_country_region_territory",
    ]),
    Param("model"),
    // In these places nobody's words but the provider's stand. The model is the one configured, not
    // one that the caller can choose.
    Begins(&[
        "the model ",
        "model ",
        "model: ",
        "no such model",
        "unknown model",
        "no endpoints found for ",
        "unable to access model",
        "the api deployment ",
        "you are not allowed to sample from this model",
        "you do not have access to this model",
        "you don't have access to the model",
        "could not resolve the foundation model",
        "invocation of model id ",
        "the api key ",
        "this api key ",
        "your api key ",
    ]),
];
