"""The gateway under test: a `config.yaml` in LiteLLM's shape and a `secondwind serve` that reads it."""

import os
import subprocess
from pathlib import Path

import yaml

from upstream import free_port, http, stop, wait_until_answers

DIRECT = os.environ.get("SECONDWIND_DIRECT") == "1"

MASTER_KEY = "sk-master-0000000000000000"

# The default waits of 0-2 s, 0-4 s are for the world; a test has no need of them.
QUICK = {"retry": {"backoff": {"base": "20ms", "factor": 2, "max": "80ms"}}}


def place(group, id, upstream, *, model="upstream-model", key=None, provider="openai", **params):
    """One deployment of `model_list`. More: any of `litellm_params`."""
    return {
        "model_name": group,
        "litellm_params": {
            "model": f"{provider}/{model}",
            "api_base": upstream.base,
            "api_key": key or f"sk-place-{id}-00000000",
            **params,
        },
        "model_info": {"id": id},
    }


class Gateway:
    """A running `secondwind serve`."""

    def __init__(self, directory, places, *, router=None, policy=None, master_key=MASTER_KEY, env=None):
        self.config = {
            "model_list": places,
            "router_settings": {"num_retries": 2, **(router or {})},
            "general_settings": {"master_key": master_key},
            "secondwind": {"policy": QUICK if policy is None else policy},
        }
        self.key = master_key
        self.directory = Path(directory)
        self.directory.mkdir(parents=True)
        self.log = self.directory / "gateway.log"
        path = self.directory / "config.yaml"
        path.write_text(yaml.safe_dump(self.config, sort_keys=False))
        address = f"127.0.0.1:{free_port()}"
        self.root = f"http://{address}"
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                [os.environ["SECONDWIND_BIN"], "serve", "--config", str(path), "--listen", address],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "NO_COLOR": "1", **(env or {})},
            )
        try:
            wait_until_answers(f"{self.root}/health/readiness", self._process, self.log)
        except BaseException:
            self.stop()
            raise

    @property
    def base(self):
        """What the SDK is given as `base_url`."""
        return f"{self.root}/v1"

    def name(self, group):
        """What a caller asks for to reach this group."""
        return group

    def tries(self, num_retries, caller):
        """How many attempts a failure that never ends costs: the gateway's, whatever the SDK would add."""
        return 1 + num_retries

    def ask(self, path, key=None):
        """A plain GET, for what the SDK has no method for."""
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        return http("GET", f"{self.root}{path}", headers=headers)

    def assert_sound(self):
        """Still running, and nothing in it has panicked."""
        assert self._process.poll() is None, f"the gateway exited with {self._process.returncode}"
        assert "panicked at" not in self.log.read_text(errors="replace"), "the gateway panicked, see its log"

    def stop(self):
        stop(self._process)


class NoGateway:
    """The same face with nothing behind it: the SDK speaks to the first place itself."""

    log = None

    def __init__(self, directory, places, **settings):
        self._places = places
        self.base = places[0]["litellm_params"]["api_base"]
        self.key = places[0]["litellm_params"]["api_key"]

    def name(self, group):
        models = {place["model_name"]: place["litellm_params"]["model"] for place in self._places}
        return models[group].partition("/")[2]

    def tries(self, num_retries, caller):
        return 1 + (2 if caller.retries else 0)

    def assert_sound(self):
        pass

    def stop(self):
        pass
