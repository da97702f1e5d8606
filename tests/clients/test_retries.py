"""What is worth another try gets one, as often as was configured and no oftener."""

import re

import openai
import pytest

from gateway import place
from sdk import every_caller, paired_callers
from upstream import fail, hang_up

TRAIL_ENTRY = re.compile(r"(?P<place>[^=;]+)=(?P<outcome>[a-z_]+)@\d+ms\+\d+ms")


def trail(headers):
    """`x-secondwind-trail` as a list of (group/id, outcome)."""
    entries = [TRAIL_ENTRY.fullmatch(entry.strip()) for entry in headers["x-secondwind-trail"].split(";")]
    assert all(entries), headers["x-secondwind-trail"]
    return [(entry["place"], entry["outcome"]) for entry in entries]


def gaps(attempts):
    """Seconds between the end of an attempt and the beginning of the next."""
    return [after["started_at"] - before["ended_at"] for before, after in zip(attempts, attempts[1:])]


def skip_if_nobody_retries(gateway, caller):
    if gateway.tries(1, caller) < 2:
        pytest.skip("neither the SDK nor a gateway retries here")


@paired_callers
def test_a_rate_limit_is_waited_out_as_long_as_the_server_asked(caller, serve, llmock):
    llmock.script(fail(429, times=2, retry_after=1))
    gateway = serve(place("chat", "only", llmock))
    skip_if_nobody_retries(gateway, caller)
    got = caller.chat(gateway, "chat")
    assert got.finish_reason == "stop"
    assert llmock.statuses() == [429, 429, 200]
    assert all(1.0 <= gap < 2.0 for gap in gaps(llmock.attempts()))
    llmock.assert_clean_report()


@paired_callers
def test_an_overloaded_provider_is_asked_again(caller, serve, llmock):
    llmock.script(fail(503, retry_after=0.2))
    gateway = serve(place("chat", "only", llmock))
    skip_if_nobody_retries(gateway, caller)
    got = caller.chat(gateway, "chat")
    assert got.finish_reason == "stop"
    assert llmock.statuses() == [503, 200]
    llmock.assert_clean_report()


@pytest.mark.gateway_only
@every_caller
def test_it_is_the_gateway_that_retries_and_not_the_sdk(caller, serve, llmock):
    llmock.script(fail(500, times=2))
    gateway = serve(place("chat", "only", llmock))
    got = caller.chat(gateway, "chat")
    assert got.sdk_retries == 0
    assert got.headers["x-litellm-attempted-retries"] == "2"
    assert trail(got.headers) == [
        ("chat/only", "internal_server"),
        ("chat/only", "internal_server"),
        ("chat/only", "ok"),
    ]
    assert llmock.statuses() == [500, 500, 200]


@every_caller
def test_a_failure_without_end_costs_what_was_configured_and_the_sdk_does_not_multiply_it(caller, serve, llmock):
    llmock.script(fail(500, times=None, message="the provider's own words"))
    gateway = serve(place("chat", "only", llmock), router={"num_retries": 3})
    with pytest.raises(openai.InternalServerError) as failed:
        caller.chat(gateway, "chat")
    assert failed.value.status_code == 500
    assert "the provider's own words" in failed.value.message
    assert llmock.statuses() == [500] * gateway.tries(3, caller)
    llmock.assert_no_errors()


@pytest.mark.gateway_only
@every_caller
def test_an_error_after_the_last_retry_tells_the_sdk_to_leave_it_and_how_it_came_to_be(caller, serve, llmock):
    llmock.script(fail(500, times=None))
    gateway = serve(place("chat", "only", llmock), router={"num_retries": 1})
    with pytest.raises(openai.InternalServerError) as failed:
        caller.chat(gateway, "chat")
    headers = failed.value.response.headers
    assert headers["x-should-retry"] == "false"
    assert headers["x-litellm-attempted-retries"] == "1"
    assert trail(headers) == [("chat/only", "internal_server")] * 2
    assert failed.value.body["class"] == "internal_server"
    assert failed.value.type == "server_error"
    assert llmock.statuses() == [500, 500]


@pytest.mark.gateway_only
@paired_callers
def test_a_provider_that_hangs_up_every_time_ends_as_a_bad_gateway(caller, serve, handmade):
    upstream = handmade(hang_up)
    gateway = serve(place("chat", "only", upstream))
    with pytest.raises(openai.InternalServerError) as failed:
        caller.chat(gateway, "chat")
    assert failed.value.status_code == 502
    assert trail(failed.value.response.headers) == [("chat/only", "connection")] * 3
    assert len(upstream.exchanges) == 3


@pytest.mark.gateway_only
@paired_callers
def test_a_rate_limit_without_end_ends_with_the_wait_that_was_asked_for(caller, serve, llmock):
    llmock.script(fail(429, times=None, retry_after=0.3))
    gateway = serve(place("chat", "only", llmock), router={"num_retries": 1})
    with pytest.raises(openai.RateLimitError) as failed:
        caller.chat(gateway, "chat")
    headers = failed.value.response.headers
    assert 0 < float(headers["retry-after"]) <= 2
    assert headers["x-should-retry"] == "false"
    assert llmock.statuses() == [429, 429]
    llmock.assert_clean_report()


@pytest.mark.gateway_only
@paired_callers
def test_a_wait_too_long_to_be_waited_for_is_told_to_the_caller_at_once(caller, serve, llmock):
    llmock.script(fail(429, times=None, retry_after=300))
    gateway = serve(place("chat", "only", llmock))
    with pytest.raises(openai.RateLimitError) as failed:
        caller.chat(gateway, "chat")
    # As asked, or with the tenth on top that keeps callers from coming back in a herd.
    assert 295 <= float(failed.value.response.headers["retry-after"]) <= 335
    assert llmock.statuses() == [429]
    llmock.assert_no_errors()


@pytest.mark.gateway_only
@every_caller
def test_an_exhausted_quota_is_not_asked_again(caller, serve, llmock):
    spent = "You exceeded your current quota, please check your plan and billing details."
    llmock.script(fail(429, times=None, code="insufficient_quota", message=spent))
    gateway = serve(place("chat", "only", llmock))
    with pytest.raises(openai.RateLimitError) as failed:
        caller.chat(gateway, "chat")
    assert failed.value.code == "insufficient_quota"
    assert spent in failed.value.message
    assert llmock.statuses() == [429]
    llmock.assert_no_errors()
