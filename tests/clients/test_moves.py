"""A place that fails is left for one that does not."""

import time

import openai
import pytest

from gateway import place
from sdk import Caller, every_caller, paired_callers
from test_retries import trail
from upstream import fail

pytestmark = pytest.mark.gateway_only


@every_caller
def test_a_dead_place_is_left_for_its_live_sibling(caller, serve, llmock, closed_port):
    gateway = serve(
        place("chat", "dead", closed_port, order=1),
        place("chat", "live", llmock, order=2, model="live-model"),
    )
    got = caller.chat(gateway, "chat")
    assert got.finish_reason == "stop"
    assert got.models == {"live-model"}
    assert got.headers["x-litellm-model-id"] == "live"
    assert int(got.headers["x-litellm-attempted-retries"]) >= 1
    assert got.headers["x-litellm-attempted-fallbacks"] == "0"
    steps = trail(got.headers)
    assert steps[0] == ("chat/dead", "connection")
    assert steps[-1] == ("chat/live", "ok")
    assert llmock.statuses() == [200]


@every_caller
def test_a_dead_group_is_left_for_its_fallback(caller, serve, llmock, closed_port):
    gateway = serve(
        place("first", "dead", closed_port),
        place("second", "live", llmock, model="second-model"),
        router={"fallbacks": [{"first": ["second"]}]},
    )
    got = caller.chat(gateway, "first")
    assert got.finish_reason == "stop"
    assert got.models == {"second-model"}
    assert got.headers["x-litellm-attempted-fallbacks"] == "1"
    assert got.headers["x-litellm-model-group"] == "second"
    assert got.headers["x-litellm-model-id"] == "live"
    steps = trail(got.headers)
    assert steps[0] == ("first/dead", "connection")
    assert steps[-1] == ("second/live", "ok")
    assert llmock.statuses() == [200]


@paired_callers
def test_a_group_is_retried_before_its_fallback_is_asked(caller, serve, llmock):
    llmock.script(fail(500, times=None, model="first-model"))
    gateway = serve(
        place("first", "first-1", llmock, model="first-model"),
        place("second", "second-1", llmock, model="second-model"),
        router={"num_retries": 1, "fallbacks": [{"first": ["second"]}]},
    )
    got = caller.chat(gateway, "first")
    assert got.models == {"second-model"}
    assert llmock.statuses("first-model") == [500, 500]
    assert llmock.statuses("second-model") == [200]
    llmock.assert_no_errors()


@paired_callers
def test_a_place_that_asks_for_a_wait_is_left_at_once_while_another_is_healthy(caller, serve, llmock):
    llmock.script(fail(429, times=None, retry_after=20, model="busy-model"))
    gateway = serve(
        place("chat", "busy", llmock, order=1, model="busy-model"),
        place("chat", "free", llmock, order=2, model="free-model"),
    )
    begun = time.monotonic()
    got = caller.chat(gateway, "chat")
    assert time.monotonic() - begun < 3
    assert got.headers["x-litellm-model-id"] == "free"
    assert llmock.statuses("busy-model") == [429]
    assert llmock.statuses("free-model") == [200]
    llmock.assert_no_errors()


@paired_callers
def test_a_refused_key_is_not_tried_again_but_a_sibling_with_another_is(caller, serve, llmock):
    llmock.script(fail(401, times=None, model="locked-model"))
    gateway = serve(
        place("chat", "locked", llmock, order=1, model="locked-model"),
        place("chat", "open", llmock, order=2, model="open-model"),
    )
    got = caller.chat(gateway, "chat")
    assert got.headers["x-litellm-model-id"] == "open"
    assert llmock.statuses("locked-model") == [401]
    assert llmock.statuses("open-model") == [200]
    llmock.assert_no_errors()


@paired_callers
def test_a_callers_own_mistake_is_not_sent_to_anybody_else(caller, serve, llmock):
    llmock.script(fail(400, times=None))
    gateway = serve(
        place("first", "first-1", llmock, order=1, model="first-model"),
        place("first", "first-2", llmock, order=2, model="sibling-model"),
        place("second", "second-1", llmock, model="second-model"),
        router={"fallbacks": [{"first": ["second"]}]},
    )
    with pytest.raises(openai.BadRequestError):
        caller.chat(gateway, "first")
    assert [attempt["model"] for attempt in llmock.attempts()] == ["first-model"]
    llmock.assert_no_errors()


def test_when_all_is_spent_the_error_is_that_of_the_group_that_was_asked_for(serve, llmock):
    llmock.script(
        fail(503, times=None, retry_after=0.05, model="first-model", message="the first is down"),
        fail(500, times=None, model="second-model", message="the second is down"),
    )
    gateway = serve(
        place("first", "first-1", llmock, model="first-model"),
        place("second", "second-1", llmock, model="second-model"),
        router={"num_retries": 1, "fallbacks": [{"first": ["second"]}]},
    )
    with pytest.raises(openai.InternalServerError) as failed:
        Caller().chat(gateway, "first")
    assert failed.value.status_code == 503
    assert "the first is down" in failed.value.message
    assert [name for name, _ in trail(failed.value.response.headers)] == ["first/first-1"] * 2 + ["second/second-1"] * 2
    assert llmock.statuses("first-model") == [503, 503]
    assert llmock.statuses("second-model") == [500, 500]
    llmock.assert_no_errors()
