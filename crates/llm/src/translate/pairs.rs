//! Which API can be spoken over which.

use super::chain::Chain;
use super::{AnthropicToOpenAi, OpenAiToAnthropic, OpenAiToGemini, ResponsesToOpenAi, Translate};
use crate::dialect::Endpoint;

/// What a caller asks, what a provider has, and the translation between them. Where a provider has several, the
/// first counts.
static PAIRS: [(Endpoint, Endpoint, &dyn Translate); 7] = [
    (Endpoint::ChatCompletions, Endpoint::Messages, &OpenAiToAnthropic),
    (Endpoint::ChatCompletions, Endpoint::GenerateContent, &OpenAiToGemini),
    (Endpoint::Messages, Endpoint::ChatCompletions, &AnthropicToOpenAi),
    (
        Endpoint::Messages,
        Endpoint::GenerateContent,
        &Chain { outer: &AnthropicToOpenAi, inner: &OpenAiToGemini },
    ),
    (Endpoint::Responses, Endpoint::ChatCompletions, &ResponsesToOpenAi),
    (
        Endpoint::Responses,
        Endpoint::Messages,
        &Chain { outer: &ResponsesToOpenAi, inner: &OpenAiToAnthropic },
    ),
    (
        Endpoint::Responses,
        Endpoint::GenerateContent,
        &Chain { outer: &ResponsesToOpenAi, inner: &OpenAiToGemini },
    ),
];

/// How `asked` is spoken over something that the provider `has`: what that is, and the translation. `None`
/// where it cannot be.
///
/// ```
/// use secondwind_llm::dialect::Endpoint;
/// use secondwind_llm::translate::over;
///
/// let claude = |endpoint| endpoint == Endpoint::Messages;
/// let (endpoint, _) = over(Endpoint::ChatCompletions, claude).ok_or("no way")?;
/// assert_eq!(endpoint, Endpoint::Messages);
/// assert!(over(Endpoint::Embeddings, claude).is_none());
/// # Ok::<(), &'static str>(())
/// ```
#[must_use]
pub fn over(
    asked: Endpoint,
    has: impl Fn(Endpoint) -> bool,
) -> Option<(Endpoint, &'static dyn Translate)> {
    let (_, to, translate) = PAIRS.iter().find(|(from, to, _)| *from == asked && has(*to))?;
    Some((*to, *translate))
}
