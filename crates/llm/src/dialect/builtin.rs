//! The one list of names: what a configured model begins with, and who that is.

use super::{Anthropic, Azure, Dialect, Gemini, OpenAi, OpenAiChat};

/// A provider that is known by name: `groq` in `groq/llama-3.3-70b-versatile`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Provider {
    /// The name.
    pub name: &'static str,
    /// What it speaks.
    pub dialect: &'static dyn Dialect,
    /// Its base URL, without a slash at the end; `None` for a server of one's own, or an account's.
    pub api_base: Option<&'static str>,
    /// The environment variables that hold its key where the configuration names none, the first
    /// that is set counts. The names are LiteLLM's, so that its deployments need no change.
    pub key_env: &'static [&'static str],
}

/// The provider of that name, as LiteLLM writes it.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.name == name)
}

/// All names that [`by_name`] knows, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|provider| provider.name)
}

static PROVIDERS: &[Provider] = &[
    Provider {
        name: "anthropic",
        dialect: &Anthropic,
        api_base: Some("https://api.anthropic.com"),
        key_env: &["ANTHROPIC_API_KEY"],
    },
    Provider {
        name: "azure",
        dialect: &Azure,
        api_base: None,
        key_env: &["AZURE_API_KEY", "AZURE_OPENAI_API_KEY"],
    },
    openai_chat("cerebras", "https://api.cerebras.ai/v1", &["CEREBRAS_API_KEY"]),
    self_hosted("custom_openai"),
    openai_chat(
        "dashscope",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        &["DASHSCOPE_API_KEY"],
    ),
    openai_chat("deepinfra", "https://api.deepinfra.com/v1/openai", &["DEEPINFRA_API_KEY"]),
    openai_chat("deepseek", "https://api.deepseek.com/v1", &["DEEPSEEK_API_KEY"]),
    openai_chat("featherless_ai", "https://api.featherless.ai/v1", &["FEATHERLESS_AI_API_KEY"]),
    openai_chat(
        "fireworks_ai",
        "https://api.fireworks.ai/inference/v1",
        &["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"],
    ),
    openai_chat(
        "friendliai",
        "https://api.friendli.ai/serverless/v1",
        &["FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"],
    ),
    Provider {
        name: "gemini",
        dialect: &Gemini,
        api_base: Some("https://generativelanguage.googleapis.com/v1beta"),
        key_env: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    },
    openai_chat("github", "https://models.inference.ai.azure.com", &["GITHUB_API_KEY"]),
    openai_chat("groq", "https://api.groq.com/openai/v1", &["GROQ_API_KEY"]),
    Provider { key_env: &["HOSTED_VLLM_API_KEY"], ..self_hosted("hosted_vllm") },
    openai_chat("hyperbolic", "https://api.hyperbolic.xyz/v1", &["HYPERBOLIC_API_KEY"]),
    openai_chat("lambda_ai", "https://api.lambda.ai/v1", &["LAMBDA_API_KEY"]),
    Provider { key_env: &["LITELLM_PROXY_API_KEY"], ..self_hosted("litellm_proxy") },
    self_hosted("llamafile"),
    Provider { key_env: &["LM_STUDIO_API_KEY"], ..self_hosted("lm_studio") },
    openai_chat("meta_llama", "https://api.llama.com/compat/v1", &["LLAMA_API_KEY"]),
    openai_chat("mistral", "https://api.mistral.ai/v1", &["MISTRAL_API_KEY"]),
    openai_chat("moonshot", "https://api.moonshot.ai/v1", &["MOONSHOT_API_KEY"]),
    openai_chat("nebius", "https://api.studio.nebius.ai/v1", &["NEBIUS_API_KEY"]),
    openai_chat("novita", "https://api.novita.ai/v3/openai", &["NOVITA_API_KEY"]),
    openai_chat("nscale", "https://inference.api.nscale.com/v1", &["NSCALE_API_KEY"]),
    openai_chat("nvidia_nim", "https://integrate.api.nvidia.com/v1", &["NVIDIA_NIM_API_KEY"]),
    Provider { key_env: &["OLLAMA_API_KEY"], ..self_hosted("ollama") },
    Provider { key_env: &["OLLAMA_API_KEY"], ..self_hosted("ollama_chat") },
    Provider {
        dialect: &OpenAi,
        ..openai_chat("openai", "https://api.openai.com/v1", &["OPENAI_API_KEY"])
    },
    self_hosted("openai_like"),
    openai_chat("openrouter", "https://openrouter.ai/api/v1", &["OPENROUTER_API_KEY"]),
    openai_chat(
        "perplexity",
        "https://api.perplexity.ai",
        &["PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"],
    ),
    openai_chat("sambanova", "https://api.sambanova.ai/v1", &["SAMBANOVA_API_KEY"]),
    openai_chat("text-completion-openai", "https://api.openai.com/v1", &["OPENAI_API_KEY"]),
    openai_chat(
        "together_ai",
        "https://api.together.xyz/v1",
        &["TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"],
    ),
    self_hosted("vllm"),
    openai_chat("volcengine", "https://ark.cn-beijing.volces.com/api/v3", &["VOLCENGINE_API_KEY"]),
    openai_chat("xai", "https://api.x.ai/v1", &["XAI_API_KEY"]),
    Provider { key_env: &["XINFERENCE_API_KEY"], ..self_hosted("xinference") },
];

const fn openai_chat(
    name: &'static str,
    api_base: &'static str,
    key_env: &'static [&'static str],
) -> Provider {
    Provider { name, dialect: &OpenAiChat, api_base: Some(api_base), key_env }
}

/// A server that speaks it, at an address that only the configuration knows.
const fn self_hosted(name: &'static str) -> Provider {
    Provider { name, dialect: &OpenAiChat, api_base: None, key_env: &[] }
}
