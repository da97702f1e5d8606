//! OpenAI's models at Azure: the same words, and another header for the key.

use std::borrow::Cow;
use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName};
use secondwind_layers::classify::Verdict;

use super::{Dialect, Endpoint, ErrorDetail, ErrorReply, InvalidKey, OpenAiChat, headers};
use crate::stream::StreamDialect;

/// The dialect of Azure OpenAI: that of [`OpenAiChat`] with an `api-key`.
///
/// A base URL holds the deployment and the version of the API:
/// `https://x.openai.azure.com/openai/deployments/y?api-version=2024-10-21`. Responses are not among
/// what is behind a deployment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Azure;

const API_KEY: HeaderName = HeaderName::from_static("api-key");

impl Dialect for Azure {
    fn name(&self) -> &'static str {
        "azure_openai"
    }

    fn endpoint_path(
        &self,
        endpoint: Endpoint,
        model: &str,
        stream: bool,
    ) -> Option<Cow<'static, str>> {
        OpenAiChat.endpoint_path(endpoint, model, stream)
    }

    fn account_base<'a>(&self, base: &'a str) -> Option<&'a str> {
        // Files and batches are the resource's, and stand beside its deployments.
        Some(base.split("/deployments/").next().unwrap_or(base))
    }

    fn auth(&self, key: &str) -> Result<HeaderMap, InvalidKey> {
        headers::secret(API_KEY, key.to_owned())
    }

    fn forwards(&self, name: &HeaderName) -> bool {
        OpenAiChat.forwards(name)
    }

    fn streams(&self, endpoint: Endpoint) -> Option<&'static dyn StreamDialect> {
        OpenAiChat.streams(endpoint)
    }

    fn classify_error(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Verdict {
        OpenAiChat.classify_error(status, headers, body, now)
    }

    fn classify_ok_head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Verdict> {
        OpenAiChat.classify_ok_head(status, headers)
    }

    fn classify_ok_body(
        &self,
        endpoint: Endpoint,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Option<Verdict> {
        OpenAiChat.classify_ok_body(endpoint, headers, body, now)
    }

    fn error_detail(&self, body: &[u8]) -> ErrorDetail {
        OpenAiChat.error_detail(body)
    }

    fn error_body(&self, error: &ErrorReply<'_>) -> Bytes {
        OpenAiChat.error_body(error)
    }
}
