"""Every client, unmodified but for its base URL and key, through retries, sibling deployments and fallbacks.

Each has a script in `every/`, which is run once and says what it saw. A group is named for what is asked of it, and its
first places fail, so that behind each answer here something went wrong.
"""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway import QUICK, Gateway, place
from provider import WEATHER, WORDS, Provider

pytestmark = pytest.mark.gateway_only

HERE = Path(__file__).parent / "every"
CACHE = Path(os.environ.get("SECONDWIND_CACHE", Path(__file__).parents[2] / ".cache")).resolve()
FULL = os.environ.get("SECONDWIND_CLIENTS") == "all"
PATIENCE = 120.0

# === what is asked ===

RETRIED = ["limited", "broken", "healthy"]
FALLEN_BACK = ["broken", "healthy"]
RESCUED = ["cut", "healthy"]
CALLED = {"name": "weather", "arguments": {"city": "Paris"}, "answer": WEATHER}
PERSON = {"name": "Ada", "age": 36}


@dataclass(frozen=True)
class Ask:
    """One thing that a client does: its script's function, of which group, and what must come of it."""

    group: str
    what: str
    # How the places fail, in their order.
    manners: list
    # How many requests it takes.
    times: int = 1
    # The last place is of the other family, and only the group's fallback leads there.
    crossing: bool = False

    def asked(self):
        """The places that one request comes to: a lone one that fails is asked again before the fallback."""
        return [*["broken"] * 2, *self.manners] if self.manners == FALLEN_BACK else self.manners


SAME_FAMILY = [
    Ask("chat", "chat", RETRIED),
    Ask("stream", "stream", RETRIED),
    Ask("tool", "tool", RETRIED, times=2),
    Ask("tool-stream", "tool_stream", RETRIED, times=2),
    Ask("structured", "structured", RETRIED),
    Ask("rescued", "stream", RESCUED),
]
CROSSING = [
    Ask("cross-chat", "chat", FALLEN_BACK, crossing=True),
    Ask("cross-stream", "stream", FALLEN_BACK, crossing=True),
    Ask("cross-tool", "tool", FALLEN_BACK, times=2, crossing=True),
    Ask("cross-tool-stream", "tool_stream", FALLEN_BACK, times=2, crossing=True),
    Ask("cross-structured", "structured", FALLEN_BACK, crossing=True),
    Ask("cross-rescued", "stream", RESCUED, crossing=True),
]
ASKS = [*SAME_FAMILY, *CROSSING]

# === who asks ===


@dataclass(frozen=True)
class Client:
    """A client: what runs its script, and which providers stand before those of the other family."""

    name: str
    run_by: str
    script: str
    # Where the version is pinned, and how its line begins there.
    pinned: tuple
    family: str = "openai"
    small: bool = False

    def version(self):
        file, begins = self.pinned
        (line,) = [line for line in (HERE / file).read_text().splitlines() if line.strip().startswith(begins)]
        return re.search(r"\d[\w.]*", line.strip().removeprefix(begins)).group()

    def command(self):
        if self.run_by == "cargo":
            return [str(CACHE / "clients-cargo" / self.script)]
        if self.run_by == "node":
            node = shutil.which("node") or pytest.skip("node is not here")
            # The packages lie beside a copy of the scripts.
            return [node, str(CACHE / "clients-node" / self.script)]
        return [str(CACHE / self.run_by / "bin/python"), str(HERE / self.script)]


CLIENTS = [
    Client(
        "openai (Python)", "clients-venv", "with_openai.py", ("../requirements.txt", "openai=="), small=True
    ),
    Client(
        "openai (Python), responses", "clients-venv", "with_openai_responses.py", ("../requirements.txt", "openai=="), family="hosted_vllm", small=True
    ),
    Client(
        "anthropic (Python)", "clients-venv", "with_anthropic.py", ("../requirements.txt", "anthropic=="), family="anthropic", small=True
    ),
    Client(
        "openai (npm)", "node", "with-openai.mjs", ("node/package.json", '"openai"'), small=True
    ),
    Client(
        "openai (npm), responses", "node", "with-openai-responses.mjs", ("node/package.json", '"openai"'), family="hosted_vllm", small=True
    ),
    Client(
        "anthropic (npm)", "node", "with-anthropic.mjs", ("node/package.json", '"@anthropic-ai/sdk"'), family="anthropic", small=True
    ),
    Client(
        "litellm", "clients-frameworks", "with_litellm.py", ("requirements/frameworks.txt", "litellm==")
    ),
    Client(
        "langchain-openai", "clients-frameworks", "with_langchain.py", ("requirements/frameworks.txt", "langchain-openai==")
    ),
    Client(
        "pydantic-ai", "clients-frameworks", "with_pydantic_ai.py", ("requirements/frameworks.txt", "pydantic-ai-slim==")
    ),
    Client(
        "instructor", "clients-instructor", "with_instructor.py", ("requirements/instructor.txt", "instructor==")
    ),
    Client(
        "ai (Vercel)", "node", "with-ai.mjs", ("node/package.json", '"ai"')
    ),
    Client(
        "async-openai (Rust)", "cargo", "with-async-openai", ("async-openai/Cargo.toml", "async-openai =")
    ),
]
# Of hosted_vllm only chat completions are expected.
OTHER = {"openai": "anthropic", "hosted_vllm": "anthropic", "anthropic": "openai"}

# === how ===


def places(provider, family):
    """The groups, and the fallbacks of those whose own place does not answer."""
    found, fallbacks = [], []
    for ask in ASKS:
        for order, manner in enumerate(ask.manners, 1):
            last = order == len(ask.manners)
            group = f"{ask.group}-elsewhere" if ask.crossing and last else ask.group
            speaks = OTHER[family] if ask.crossing and last else family
            id = f"{ask.group}.{manner}"
            upstream = SimpleNamespace(base=provider.base(ask.group, manner))
            key = provider.key(ask.group)
            found.append(place(group, id, upstream, key=key, model=f"{speaks}-model", provider=speaks, order=order))
        if ask.crossing:
            fallbacks.append({ask.group: [f"{ask.group}-elsewhere"]})
    return found, fallbacks


class Run:
    """What one client's script saw, and which places were asked for it."""

    def __init__(self, client, directory):
        command = client.command()
        provider = Provider()
        try:
            model_list, fallbacks = places(provider, client.family)
            router = {"fallbacks": fallbacks}
            # Each ask must find its first place failing, however many have failed there before.
            policy = {**QUICK, "breaker": "off"}
            gateway = Gateway(directory, model_list, router=router, policy=policy)
            try:
                self.saw, self.said = self._ask(command, gateway)
                gateway.assert_sound()
            finally:
                gateway.stop()
            self.log = gateway.log.read_text(errors="replace")
        finally:
            provider.stop()
        self._asked = provider.asked

    @staticmethod
    def _ask(command, gateway):
        asks = json.dumps([[ask.what, ask.group] for ask in ASKS])
        try:
            ran = subprocess.run(
                [*command, asks],
                env={**os.environ, "SECONDWIND_URL": gateway.root, "SECONDWIND_KEY": gateway.key, "NO_COLOR": "1"},
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as late:
            return {}, str(late)
        lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
        return {line["model"]: line["saw"] for line in lines}, f"exit {ran.returncode}\n{ran.stdout}\n{ran.stderr}"

    def manners(self, ask):
        return [manner for place, manner in self._asked if place == ask.group]


@pytest.fixture(scope="session")
def runs():
    """The runs there were, by client."""
    return {}


@pytest.fixture
def run(client, runs, tmp_path_factory):
    """The client's run, made when it is first asked for: here, since the first start of a large package is slow."""
    if client not in runs:
        runs[client] = Run(client, tmp_path_factory.mktemp("client") / "gateway")
    return runs[client]


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: ask.group)
@pytest.mark.parametrize("client", [c for c in CLIENTS if FULL or c.small], ids=lambda client: client.name)
def test_answers_what_was_asked_though_the_first_places_fail(client, ask, run, record_property):
    # For the table of scripts/clients.
    record_property("client", client.name)
    record_property("version", client.version())
    record_property("group", ask.group)
    saw = run.saw.get(ask.group)
    assert saw is not None, f"nothing was said of it:\n{run.said}\n{run.log}"
    assert "error" not in saw, saw["error"]
    if ask.what in ("chat", "stream"):
        assert saw["text"] == WORDS
        assert saw["finish"] in ("stop", "end_turn", "completed")
        # A stream that comes in one piece is none.
        assert ask.what == "chat" or saw["pieces"] >= 5
    elif ask.what == "structured":
        assert saw == PERSON
    else:
        assert saw == CALLED
    # Each place once for each request, in order: the client has not helped by retrying itself.
    assert run.manners(ask) == ask.asked() * ask.times
