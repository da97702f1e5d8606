//! Whom LiteLLM knows beyond those whose dialect is built in ([`builtin`]).

use secondwind_llm::dialect::builtin;
use secondwind_policy::suggest;

/// The provider of a `model` that names none.
pub(super) const DEFAULT: &str = "openai";

/// The providers that LiteLLM knows, parted by white space.
const LITELLM: &str = "
    a2a a2a_agent abliteration ai21 ai21_chat aiand aihubmix aiml aiohttp_openai aleph_alpha
    amazon_nova anthropic anthropic_text anyscale apertis assemblyai auto_router aws_polly
    aws_textract azure azure_ai azure_speech azure_text baseten bedrock bedrock_converse
    bedrock_mantle bigmodel black_forest_labs bytez cerebras charity_engine chatgpt chutes clarifai
    clf_ai_gateway cloudflare codestral cognition cohere cohere_chat cometapi compactifai
    coralbricks cortecs crusoe custom custom_openai darkbloom dashscope databricks databricks_agent
    datarobot deepgram deepinfra deepseek docker_model_runner edenai elevenlabs empower
    empiriolabs fal_ai featherless_ai fireworks_ai friendliai galadriel gdc gemini gigachat github
    github_copilot gmi gradient_ai groq helicone heroku hosted_vllm hostinger_router huggingface
    humanloop hyperbolic inception inferenceapis infinity jina_ai kyma lambda_ai langflow langgraph
    lemonade libertai litellm_agent litellm_proxy llamafile llamagate lm_studio manus maritalk meta
    meta_llama microsoft_365_copilot minimax mistral modelscope moonshot morph nadir nano-gpt
    nebius neosantara nlp_cloud novita nscale nvidia_nim nvidia_riva oci ollama ollama_chat oobabooga
    openai openai_like opencode_go openinfer openrouter ovhcloud palm parasail perplexity petals
    pinstripes poe predibase prism publicai qwencloud ragflow recraft reducto reka replicate
    runwayml sagemaker sagemaker_chat sagemaker_nova sail sambanova sap sarvam scaledown scaleway
    scx-ai snowflake soniox stability streamlake synthetic tencent tensormesh
    text-completion-codestral text-completion-inception text-completion-openai together_ai topaz
    transcribe triton v0 veniceai vercel_ai_gateway vertex_ai vertex_ai_beta vllm volcengine voyage
    wandb watsonx watsonx_text xai xiaomi_mimo xinference zai zerogpu";

/// Whose model a bare name is in LiteLLM, by how it begins.
const BARE: [(&str, &str); 3] =
    [("claude-", "anthropic"), ("command", "cohere"), ("gemini-", "gemini")];

/// Whether LiteLLM knows a provider of this name.
pub(super) fn is_known(name: &str) -> bool {
    LITELLM.split_whitespace().any(|known| known == name)
}

/// The provider that LiteLLM takes a bare model name for.
pub(super) fn of_bare(model: &str) -> &'static str {
    let found = BARE.iter().find(|(start, _)| model.starts_with(start));
    found.map_or(DEFAULT, |(_, provider)| provider)
}

/// ``did you mean `…`?``, if anything is near.
pub(super) fn did_you_mean(name: &str) -> Option<String> {
    suggest::did_you_mean(name, builtin::names().chain(LITELLM.split_whitespace()))
}
