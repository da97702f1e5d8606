"""Fixtures: upstreams and gateways on free ports, ended with the test, their logs shown when it fails."""

import os
import signal

import pytest

from gateway import DIRECT, Gateway, NoGateway
from upstream import ClosedPort, Handmade, LLMock

# Longer than any test needs, so that one that hangs fails by name and the others still run.
TEST_LIMIT_SECONDS = int(os.environ.get("SECONDWIND_TEST_LIMIT", "40"))

_LOGS = pytest.StashKey()

# Everything here is on loopback: no proxy of the environment may stand between.
for _name in ("http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(_name, None)
    os.environ.pop(_name.upper(), None)
# A developer's own settings would otherwise reach the SDK, or the gateway's log.
for _name in [name for name in os.environ if name.startswith("OPENAI_") or name == "RUST_LOG"]:
    del os.environ[_name]


def pytest_configure(config):
    # A pipeline that runs out of patience sends this; the servers must not outlive it.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))
    if not DIRECT and not os.access(os.environ.get("SECONDWIND_BIN", ""), os.X_OK):
        raise pytest.UsageError("SECONDWIND_BIN names no program: start this with tests/clients/run")


def pytest_collection_modifyitems(items):
    if DIRECT:
        for item in items:
            if item.get_closest_marker("gateway_only"):
                item.add_marker(pytest.mark.skip(reason="needs a gateway"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    def late(*_):
        raise TimeoutError(f"the test took more than {TEST_LIMIT_SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(TEST_LIMIT_SECONDS)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for name, log in item.stash.get(_LOGS, []):
            report.sections.append((name, log.read_text(errors="replace")[-20_000:]))
    return report


@pytest.fixture(scope="session")
def _llmock(tmp_path_factory):
    llmock = LLMock(tmp_path_factory.mktemp("llmock") / "llmock.log")
    yield llmock
    llmock.stop()


@pytest.fixture
def llmock(_llmock, request):
    """The one llmock of the session, with nothing scripted and nothing recorded."""
    request.node.stash.setdefault(_LOGS, []).append(("llmock", _llmock.log))
    _llmock.reset()
    return _llmock


@pytest.fixture
def closed_port():
    """An upstream that refuses every connection."""
    port = ClosedPort()
    yield port
    port.stop()


@pytest.fixture
def handmade():
    """Starts upstreams that behave as the given function says."""
    started = []

    def start(behaviour):
        started.append(Handmade(behaviour))
        return started[-1]

    yield start
    for upstream in started:
        upstream.stop()


@pytest.fixture
def serve(tmp_path, request):
    """Starts gateways: `serve(place(..), .., router={..}, policy={..}, env={..})`. A fresh one has no history."""
    started = []

    def start(*places, **settings):
        kind = NoGateway if DIRECT else Gateway
        gateway = kind(tmp_path / f"gateway-{len(started)}", list(places), **settings)
        started.append(gateway)
        if gateway.log is not None:
            request.node.stash.setdefault(_LOGS, []).append((f"gateway {len(started) - 1}", gateway.log))
        return gateway

    yield start
    try:
        for gateway in started:
            gateway.assert_sound()
    finally:
        for gateway in started:
            gateway.stop()
