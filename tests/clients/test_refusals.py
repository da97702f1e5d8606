"""What no retry can mend goes back to the caller as it came, after one attempt."""

import openai
import pytest

from gateway import place
from sdk import every_caller, paired_callers
from upstream import fail

REFUSALS = [
    (400, openai.BadRequestError),
    (401, openai.AuthenticationError),
    (403, openai.PermissionDeniedError),
    (404, openai.NotFoundError),
    (422, openai.UnprocessableEntityError),
]


@paired_callers
@pytest.mark.parametrize(("status", "error"), REFUSALS, ids=[str(status) for status, _ in REFUSALS])
def test_a_refusal_is_passed_on_after_one_attempt(status, error, caller, serve, llmock):
    llmock.script(fail(status, times=None, message=f"refused with {status}", code="of_the_provider"))
    gateway = serve(place("chat", "only", llmock))
    with pytest.raises(error) as refused:
        caller.chat(gateway, "chat")
    assert refused.value.status_code == status
    assert f"refused with {status}" in refused.value.message
    assert refused.value.code == "of_the_provider"
    assert llmock.statuses() == [status]
    llmock.assert_no_errors()


@pytest.mark.gateway_only
@every_caller
def test_an_unknown_model_is_answered_with_the_names_that_are_known(caller, serve, llmock):
    gateway = serve(place("chat", "chat-1", llmock), place("embed", "embed-1", llmock))
    with pytest.raises(openai.NotFoundError) as refused:
        caller.chat(gateway, "chta")
    for name in ("chta", "chat", "embed"):
        assert name in refused.value.message.replace("chat-1", "").replace("embed-1", "")
    assert llmock.attempts() == []


@pytest.mark.gateway_only
@every_caller
def test_a_wrong_key_reaches_no_provider(caller, serve, llmock):
    gateway = serve(place("chat", "only", llmock))
    # The right one but for its end, and one that begins with the right one.
    for wrong in ("sk-somebody-elses", gateway.key[:-1] + "1", gateway.key + "0"):
        with pytest.raises(openai.AuthenticationError):
            caller.chat(gateway, "chat", key=wrong)
    assert llmock.attempts() == []
