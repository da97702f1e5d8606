//! The keys that a configuration may have: those that are acted on, and those that LiteLLM knows
//! and that have no effect here yet.
//!
//! LiteLLM's names are those of versions 1.106 to 1.109.

use super::cx::Cx;
use super::node::{Entry, Map, Node, Value};
use super::suggest;

/// A mapping of the configuration whose keys are known.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Section {
    /// The file itself.
    Root,
    /// An item of `model_list`.
    Deployment,
    /// Its `litellm_params`.
    Params,
    /// Its `model_info`.
    Info,
    Router,
    LiteLlm,
    General,
    Secondwind,
}

/// Takes out of a section what has no effect, with a warning for each key, and what is not known
/// at all, with an error.
pub(super) fn sift(cx: &mut Cx<'_>, section: Section, node: &mut Node) {
    let Some(Map { entries, dropped }) = node.map_mut() else {
        return;
    };
    entries.retain(|entry| {
        if section.acts_on(&entry.key) {
            return true;
        }
        if section.knows(&entry.key) {
            warn(cx, section, entry);
        } else {
            // What was meant is not missing as well.
            dropped.extend(section.meant(&entry.key));
            refuse(cx, section, entry);
        }
        false
    });
}

fn warn(cx: &mut Cx<'_>, section: Section, entry: &Entry) {
    // Switched off or empty, it would have no effect anyway.
    let neutral = match &entry.node.value {
        Value::Null | Value::Bool(false) => true,
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.entries.is_empty(),
        _ => false,
    };
    if !neutral {
        let message = || match section {
            Section::Root => format!("`{}` has no effect yet", entry.key),
            _ => format!("`{}` in `{}` has no effect yet", entry.key, section.name()),
        };
        cx.warn_once(section, &entry.key, entry.at, message, || None);
    }
}

fn refuse(cx: &mut Cx<'_>, section: Section, entry: &Entry) {
    let key = entry.key.as_str();
    let meant = section
        .meant(key)
        .map(|name| format!("did you mean `{name}`?"));
    let help = meant.or_else(|| home(key));
    if section == Section::Info {
        // LiteLLM takes any key there and shows it to whoever asks for the model's data.
        let message = || format!("`{key}` in `model_info` has no effect");
        cx.warn_once(section, key, entry.at, message, || help);
        return;
    }
    let message = match section {
        Section::Root => format!("unknown key `{key}`"),
        _ => format!("unknown key `{key}` in `{}`", section.name()),
    };
    cx.error(entry.at, message, help);
}

/// Where a key belongs that was found somewhere else.
fn home(key: &str) -> Option<String> {
    let acts = Section::ALL.iter().find(|home| home.acts_on(key));
    let home = acts.or_else(|| Section::ALL.iter().find(|home| home.knows(key)))?;
    Some(match home {
        Section::Root => "it belongs at the top of the file".to_owned(),
        _ => format!("it belongs in `{}`", home.name()),
    })
}

// === impl Section ===

impl Section {
    const ALL: [Section; 8] = [
        Section::Router,
        Section::LiteLlm,
        Section::General,
        Section::Params,
        Section::Info,
        Section::Deployment,
        Section::Secondwind,
        Section::Root,
    ];

    fn name(self) -> &'static str {
        match self {
            Section::Root => "the file",
            Section::Deployment => "model_list",
            Section::Params => "litellm_params",
            Section::Info => "model_info",
            Section::Router => "router_settings",
            Section::LiteLlm => "litellm_settings",
            Section::General => "general_settings",
            Section::Secondwind => "secondwind",
        }
    }

    /// The key that a mistyped one was probably meant to be.
    fn meant(self, key: &str) -> Option<String> {
        let known = self.known().split_whitespace();
        suggest::nearest(key, self.acted_on().iter().copied().chain(known)).map(str::to_owned)
    }

    fn acts_on(self, key: &str) -> bool {
        self.acted_on().contains(&key)
    }

    fn knows(self, key: &str) -> bool {
        // Prices and abilities are many, and more every month.
        let told = matches!(self, Section::Params | Section::Info)
            && (key.contains("cost_per_") || key.contains("_cost"))
            || self == Section::Info && key.starts_with("supports_");
        told || self.known().split_whitespace().any(|known| known == key)
    }

    /// The keys that are acted on.
    fn acted_on(self) -> &'static [&'static str] {
        match self {
            Section::Root => &[
                "environment_variables",
                "general_settings",
                "include",
                "litellm_settings",
                "model_list",
                "router_settings",
                "secondwind",
            ],
            Section::Deployment => &["litellm_params", "model_info", "model_name"],
            Section::Params => &[
                "api_base",
                "api_key",
                "base_url",
                "custom_llm_provider",
                "model",
                "num_retries",
                "order",
                "organization",
                "request_timeout",
                "rpm",
                "timeout",
                "tpm",
                "weight",
            ],
            Section::Info => &["id"],
            Section::Router => &[
                "content_policy_fallbacks",
                "context_window_fallbacks",
                "cooldown_time",
                "default_fallbacks",
                "disable_cooldowns",
                "fallbacks",
                "max_fallbacks",
                "model_group_alias",
                "model_group_retry_policy",
                "num_retries",
                "retry_after",
                "retry_policy",
                "routing_strategy",
                "timeout",
            ],
            Section::LiteLlm => &[
                "content_policy_fallbacks",
                "context_window_fallbacks",
                "default_fallbacks",
                "fallbacks",
                "max_fallbacks",
                "num_retries",
                "request_timeout",
            ],
            Section::General => &["master_key"],
            Section::Secondwind => &["groups", "policy", "store"],
        }
    }

    /// The keys that LiteLLM knows and that have no effect yet, parted by white space.
    fn known(self) -> &'static str {
        match self {
            Section::Root => ROOT,
            Section::Deployment => "blocked db_model model_id order rpm team_id tpm weight",
            Section::Params => PARAMS,
            Section::Info => INFO,
            Section::Router => ROUTER,
            Section::LiteLlm => LITELLM,
            Section::General => GENERAL,
            Section::Secondwind => "",
        }
    }
}

const ROOT: &str = "
    agent_list agents assistant_settings callback_settings credential_list default_vertex_config
    files_settings finetune_settings guardrails mcp_servers mcp_tools policies policy_attachments
    prompts sandbox_tools search_tools vector_store_registry worker_registry";

const PARAMS: &str = "
    adaptive_router_config adaptive_router_default_model additional_drop_params
    allow_client_keepalive_override allowed_openai_params
    anthropic_disable_workload_identity_federation anthropic_federation_rule_id
    anthropic_federation_workspace_id anthropic_identity_source anthropic_identity_token
    anthropic_identity_token_file anthropic_issuer_audience anthropic_issuer_signing_key_ref
    anthropic_issuer_subject anthropic_issuer_ttl_seconds anthropic_issuer_url
    anthropic_keycloak_auth_method anthropic_keycloak_client_id anthropic_keycloak_client_secret_ref
    anthropic_keycloak_scope anthropic_keycloak_token_url anthropic_organization_id
    anthropic_service_account_id api_type api_version audio auto_router_config
    auto_router_config_path auto_router_default_model auto_router_embedding_model
    auto_router_max_input_chars auto_router_model_compression auto_router_routing_compression
    aws_access_key_id aws_batch_role_arn aws_bedrock_control_plane_endpoint aws_bedrock_project_id
    aws_bedrock_runtime_endpoint aws_external_id aws_profile_name aws_region_name aws_role_name
    aws_secret_access_key aws_session_name aws_session_tags aws_session_token aws_sts_endpoint
    aws_web_identity_token azure_ad_token azure_ad_token_provider azure_deployment azure_password
    azure_scope azure_username base_model bedrock_tags bos_token bucket_name budget_duration cache
    cache_control_injection_points caching chatgpt_auth_file client_id client_secret
    client_side_timeout complexity_router_config complexity_router_default_model
    configurable_clientside_auth_params context_management cooldown_time daily_reset_time
    default_api_key_rpm_limit default_api_key_tpm_limit default_headers deployment_id dimensions
    drop_params embedding_model encoding_format eos_token extra_body extra_headers extra_query
    fallbacks final_prompt_value fireworks_forward_user_id frequency_penalty function_call functions
    gcs_bucket_name guardrails guided_choice guided_json guided_regex headers health_check_model
    hf_model_name index_name initial_prompt_value input_type itpm keep_alive keepalive_seconds
    kubernetes_pod_discovery language litellm_credential_name litellm_metadata litellm_system_prompt
    litellm_trace_id logit_bias logprobs max_budget max_completion_tokens max_file_size_mb
    max_parallel_requests max_retries max_tokens merge_reasoning_content_in_choices metadata
    milvus_db_name milvus_partition_names milvus_text_field min_p mock_response mock_timeout
    mock_tool_calls modalities model_id model_info n num_ctx openai_identity_provider_id
    openai_identity_token_file openai_service_account_id otpm parallel_tool_calls prediction
    presence_penalty project_id prompt prompt_cache_key prompt_cache_retention prompt_id
    prompt_variables provider_affinity_header quality_router_config quality_router_default_model
    reasoning_effort region_name repetition_penalty response_format responses_api_version roles rpd
    s3_access_key_id s3_bucket_name s3_bucket_owner s3_encryption_key_id s3_endpoint_url
    s3_output_bucket_name s3_region_name s3_secret_access_key safety_identifier seed service_tier
    ssl_verify stop stop_token_ids store stream stream_options stream_timeout
    stream_timeout_by_service_tier supports_system_message system_prompt tag_regex tags temperature
    tenant_id thinking thought_signature_in_tool_call_id timeout_by_service_tier
    token_exchange_audience token_exchange_endpoint token_exchange_profile token_exchange_scope
    tokenizer_path tool_choice tools top_k top_logprobs top_p tpd use_chat_completions_api
    use_in_pass_through use_litellm_proxy use_xai_oauth user valkey_embedding_field valkey_host
    valkey_password valkey_port valkey_ssl valkey_text_field vector_bucket_name vector_store_id
    verbosity vertex_credentials vertex_location vertex_project voice watsonx_region_name
    web_search_options";

const INFO: &str = "
    access_groups access_windows allow_fail_open allowed_fails allowed_fails_policy base_model
    blocked cooldown_time created_at created_by db_model default_reasoning_effort deprecation_date
    description disable_background_health_check discoverable enable_tag_filtering
    enforce_supported_endpoints health_check_max_tokens health_check_model health_check_timeout
    health_check_voice internal_router_model key litellm_provider max_embedding_batch_size
    max_images_per_prompt max_input_tokens max_output_tokens max_tokens max_video_length
    max_videos_per_prompt member_auto_router mode off_peak_pricing order output_vector_size
    pricing_provider prompt_cache_min_tokens provider_specific_entry ptu_count ptu_effective_from
    ptu_effective_to ptu_shares rate_limit_model_name reasoning_contexts reasoning_effort_levels
    reasoning_modes regional_endpoint_uplift_multiplier regional_processing_uplift_multiplier_eu
    regional_processing_uplift_multiplier_us rpm search_free_requests source supported_audio_formats
    supported_endpoints supported_environments supported_modalities supported_output_modalities
    supported_regions tags team_id team_public_model_name thinking_always_on tier tiered_pricing
    token_count_framing token_count_model token_count_tokenizer tpm updated_at updated_by
    use_openai_responses_path uses_embed_content version vertex_ai_audio_api web_search_billing_unit";

const ROUTER: &str = "
    alerting_config allowed_fails allowed_fails_policy assistants_config
    auto_router_capability_limit background_health_check_model_groups cache_kwargs cache_responses
    caching_groups client_ttl debug_level default_litellm_params default_max_parallel_requests
    default_priority deployment_affinity_ttl_seconds enable_health_check_routing
    enable_loadbalancing_on_batch_endpoints enable_mid_stream_fallback_continuation
    enable_pre_call_checks enable_tag_filtering enable_weighted_failover
    fallback_on_unsupported_params guardrail_list health_check_ignore_transient_errors
    health_check_staleness_threshold ignore_invalid_deployments model_group_affinity_config
    optional_pre_call_checks plugins polling_interval provider_budget_config redis_db redis_host
    redis_password redis_port redis_ssl redis_url redis_username router_general_settings
    routing_groups routing_strategy_args search_tools session_affinity_repin_on_failover set_verbose
    stream_timeout tag_filtering_match_any tag_routing_prefix weights";

const LITELLM: &str = "
    add_function_to_prompt add_user_information_to_llm_headers agent_search_embedding_model ai21_key
    aiohttp_trust_env aleph_alpha_key allow_dynamic_callback_disabling allowed_fails
    amazon_nova_api_key anthropic_beta_headers_url anthropic_key
    anthropic_messages_estimate_initial_input_tokens anthropic_prompt_caching_ttl
    anthropic_sse_ping_interval_seconds api_base api_key api_version apply_search_free_tier
    argilla_batch_size argilla_transformation_object audit_log_callbacks autorouter_presets_url
    aws_sqs_callback_params azure_key banned_keywords_list baseten_key batch_line_item_callbacks
    bedrock_neutralize_orphaned_tool_blocks bedrock_request_metadata_fields
    block_requests_for_models_without_pricing blocked_user_list blog_posts_url budget_duration
    budget_exceeded_status_code budget_exceeded_throttle_percentage budget_reset_time
    budget_rollover bytez_key cache cache_params caching callback_settings callbacks
    check_provider_endpoint clarifai_key cloudflare_api_key cohere_key cold_storage_custom_logger
    cometapi_key context_window_fallback_dict cost_discount_config cost_margin_config
    credential_list custom_prometheus_metadata_labels custom_prometheus_tags custom_prompt_dict
    custom_provider_map databricks_key datadog_llm_observability_params datadog_params
    datadog_use_v1 datarobot_key default_in_memory_ttl default_internal_user_params
    default_key_generate_params default_key_max_budget_alert_emails default_max_internal_user_budget
    default_redis_batch_cache_expiry default_redis_ttl default_soft_budget default_team_params
    default_team_settings disable_add_prefix_to_prompt disable_add_transform_inline_image_block
    disable_add_user_agent_to_request_tags disable_aiohttp_transport disable_aiohttp_trust_env
    disable_anthropic_gemini_context_caching_transform disable_cache
    disable_copilot_system_to_assistant disable_end_user_cost_tracking
    disable_end_user_cost_tracking_prometheus_only disable_hf_tokenizer_download
    disable_stop_sequence_limit disable_streaming_logging disable_token_counter
    disable_vertex_batch_output_transformation drop_params dynamodb_table_name
    enable_anthropic_prompt_caching enable_azure_ad_token_refresh
    enable_caching_on_provider_specific_optional_params
    enable_end_user_cost_tracking_prometheus_only enable_gemini_default_thinking_level_low
    enable_json_schema_validation enable_key_alias_format_validation
    enable_loadbalancing_on_batch_endpoints enable_model_config_credential_overrides
    enable_preview_features enable_redis_auth_cache expose_router_debug_in_errors
    extra_spend_tag_headers failure_callback filter_invalid_headers force_ipv4
    force_redis_hash_tag_grouping forward_traceparent_to_llm_provider gcs_pub_sub_use_v1
    gdc_api_base gdc_key gemini_include_thoughts_default gemini_live_defer_setup generic_api_use_v1
    generic_logger_headers gigachat_key global_bitbucket_config global_disable_no_log_param
    global_gitlab_config global_prompt_directory google_moderation_confidence_threshold
    gradient_ai_api_key groq_key guardrails headers heroku_key http2 huggingface_key inception_key
    include_cost_in_streaming_usage infinity_key input_callback internal_user_budget_duration
    key_alias_pattern key_generation_settings langfuse_default_tags
    langfuse_enable_update_trace_keys langsmith_batch_size lemonade_key llama_api_key
    llamaguard_model_name llamaguard_unsafe_content_categories llm_guard_mode
    log_auth_failure_key_identity log_client_error_tracebacks log_raw_request_response
    logged_real_time_event_types maritalk_key max_budget max_end_user_budget max_end_user_budget_id
    max_internal_user_budget max_tokens max_ui_session_budget max_user_budget mcp_aliases
    mcp_semantic_tool_filter mcp_tool_search model_alias_map model_cost_map_url model_fallbacks
    model_group_settings modify_params nebius_key network_mock newrelic_params nlp_cloud_key
    novita_api_key num_retries_per_request ollama_key openai_key openai_like_key
    openai_moderations_model_name openai_system_messages_first openrouter_key organization
    otel_tenant_destination_mode output_parse_pii overwrite_user_with_key_hash ovhcloud_key
    personal_key_model_access_from_teams pointfive_params post_call_rules pre_call_rules
    predibase_key predibase_tenant_id presidio_ad_hoc_recognizers priority_reservation
    priority_reservation_settings project prometheus_deployment_and_latency_caller_identity
    prometheus_emit_input_sequence_length_label prometheus_emit_rate_limit_labels
    prometheus_emit_stream_label prometheus_end_user_metrics_cleanup_interval_seconds
    prometheus_end_user_metrics_max_series_per_metric prometheus_end_user_metrics_ttl_seconds
    prometheus_exclude_labels prometheus_exclude_metrics prometheus_initialize_budget_metrics
    prometheus_latency_buckets prometheus_metrics_cleanup_interval_seconds prometheus_metrics_config
    prometheus_metrics_max_series_per_metric prometheus_metrics_ttl_seconds
    prometheus_user_budget_label_include_email_alias provider_url_destination_allowed_hosts
    proxy_auth public_agent_groups public_mcp_hub_strict_whitelist public_mcp_servers
    public_model_groups public_model_groups_links public_skills_index reasoning_auto_summary
    reasoning_effort_rounding redact_messages_in_exceptions redact_user_api_key_info replicate_key
    request_correlation_in_logs require_auth_for_metrics_endpoint require_managed_files responses
    retry return_response_headers route_all_chat_openai_to_responses s3_audit_callback_params
    s3_callback_params safe_memory_mode sap_service_key service_callback service_callbacks
    set_verbose skill_search_embedding_model skip_system_message_in_guardrail
    skip_tool_message_in_guardrail snowflake_key sse_keepalive_ping_interval_seconds ssl_certificate
    ssl_ecdh_curve ssl_security_level ssl_verify standard_logging_payload_excluded_fields
    store_audit_logs strip_anthropic_total_tokens success_callback suppress_debug_info
    suppress_startup_output tag_budget_config telemetry togetherai_api_key turn_off_message_logging
    upperbound_key_generate_params use_aiohttp_transport
    use_chat_completions_url_for_anthropic_messages use_client use_litellm_proxy
    user_url_allowed_hosts user_url_validation validate_end_user_id_in_db
    vector_store_search_failure_mode vercel_ai_gateway_key vertex_ai_safety_settings vertex_location
    vertex_project wandb_key websearch_interception_params xai_key zerobus_params";

const GENERAL: &str = "
    accounting_capture accounting_sync_ack accounting_sync_ack_failure_policy
    accounting_sync_ack_timeout_seconds admin_only_routes admission_queue_timeout_seconds
    agent_access_default_deny alert_to_webhook_url alert_type_config alert_types alerting
    alerting_args alerting_threshold allow_cli_sso_verification_uri_complete
    allow_client_side_credentials allow_public_health_readiness_details
    allow_requests_on_db_unavailable allow_unmanaged_response_ids allow_user_auth
    allowed_file_extensions allowed_ips allowed_routes always_include_stream_usage
    apply_user_budget_to_team_keys auto_redirect_ui_login_to_sso
    background_health_check_model_groups background_health_checks blocked_file_extensions
    cancel_on_disconnect claude_code_gateway_managed_settings claude_code_marketplace_auth_required
    completion_model control_plane_url coordination_redis custom_auth custom_auth_run_common_checks
    custom_key_generate custom_key_policy custom_key_update custom_sso custom_team_metadata_validate
    custom_ui_sso_sign_in_handler dangerously_allow_mock_testing_request_params
    dangerously_permit_weak_or_unset_master_key database_args database_connect_timeout
    database_connection_pool_limit database_connection_pool_timeout database_connection_timeout
    database_disable_prepared_statements database_extra_connection_params
    database_max_idle_connection_lifetime database_socket_timeout database_type database_url
    default_team_disabled disable_adding_master_key_hash_to_db disable_auto_add_proxy_admin_to_teams
    disable_batch_input_file_rate_limiting disable_budget_reservation disable_custom_api_keys
    disable_env_credential_login disable_fallbacks_on_per_model_rate_limits
    disable_key_generate_for_org_admin disable_master_key_return disable_model_info_refresh
    disable_password_login_when_sso_enabled disable_prisma_schema_update
    disable_requester_ip_address_logging disable_reset_budget disable_responses_id_security
    disable_retry_on_max_parallel_request_limit_error disable_spend_logs disable_spend_updates
    drain_endpoint_token enable_claude_code_gateway enable_drain_endpoint
    enable_health_check_routing enable_jwt_auth enable_mcp_registry
    enable_openai_websocket_passthrough enable_public_model_hub enforce_fallback_model_access
    enforce_rbac enforce_user_param enforced_params expose_fallback_errors_to_caller
    fail_closed_budget_enforcement fail_closed_rate_limit_enforcement failed_login_block_seconds
    failed_login_window_seconds forward_client_headers_to_llm_api forward_llm_provider_auth_headers
    forward_openai_org_id global_max_parallel_requests health_check_concurrency health_check_details
    health_check_ignore_transient_errors health_check_interval
    health_check_skip_disabled_background_models health_check_staleness_threshold
    hide_default_credentials_hint include_call_id_in_error_body infer_model_from_keys
    key_management_settings key_management_system litellm_jwtauth litellm_key_header_name
    litellm_license max_batch_file_records max_batch_file_size_mb max_batch_file_uploads_per_day
    max_failed_login_attempts_per_source max_failed_login_attempts_per_source_overrides
    max_file_downloads_per_minute max_file_size_mb max_in_flight_requests_per_worker
    max_parallel_requests max_queued_requests_per_worker max_request_size_mb max_response_size_mb
    maximum_autorouter_session_retention_period maximum_daily_tag_spend_retention_period
    maximum_health_check_retention_period maximum_spend_logs_cleanup_batch_size
    maximum_spend_logs_cleanup_batch_timeout maximum_spend_logs_cleanup_cron
    maximum_spend_logs_cleanup_max_batches maximum_spend_logs_cleanup_run_budget
    maximum_spend_logs_cleanup_target_size maximum_spend_logs_retention_interval
    maximum_spend_logs_retention_period maximum_spend_logs_size
    maximum_spend_logs_size_check_interval mcp_advertised_versions mcp_allowed_clients
    mcp_client_id_header mcp_client_side_auth_header_name mcp_disabled_capabilities
    mcp_internal_ip_ranges mcp_prefer_client_id_metadata_document mcp_require_explicit_server_scope
    mcp_required_fields mcp_trusted_proxy_ranges mcp_xff_num_trusted_hops missing_session_id
    model_list_healthy_only otel pass_through_endpoints pass_through_request_timeout
    passthrough_managed_object_ids password_policy_min_length password_policy_require_lowercase
    password_policy_require_numbers password_policy_require_special_characters
    password_policy_require_uppercase plugins provider_url_destination_allowed_hosts
    proxy_batch_polling_interval proxy_batch_write_at proxy_budget_rescheduler_max_time
    proxy_budget_rescheduler_min_time proxy_config_reload_interval_seconds public_routes
    reject_clientside_metadata_tags request_tag_mappings require_end_user_mcp_access_defined
    require_key_mcp_access_defined responses_websocket_session_limit_seconds return_wildcard_routes
    role_permissions scheduled_job_stagger search_tool_deny_by_default search_tools
    self_serve_budget_policy service_account_settings spend_capture_rate_check
    spend_logs_metadata_fields spend_report_frequency store_model_in_db store_prompts_in_spend_logs
    supported_db_objects token_rate_limit_type tracing transcribe_media_buckets trusted_proxy_ranges
    ui_access_mode use_azure_key_vault use_client_credentials_pass_through_routes use_google_kms
    use_redis_transaction_buffer use_shared_health_check use_spend_logs_partitioning
    use_team_public_model_name use_x_forwarded_for user_api_key_cache_max_size
    user_api_key_cache_ttl user_header_mappings user_header_name user_mcp_management_mode
    user_url_allowed_hosts user_url_validation vector_store_deny_by_default
    vertex_ai_pass_through_drop_anthropic_betas";
