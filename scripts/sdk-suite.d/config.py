"""Writes a configuration in which every model that the SDK's tests ask for is a group, with one server behind all of them.

    config.py TESTS API_BASE
"""

import json
import re
import sys
from pathlib import Path

# `model="gpt-5"`, `"model": "gpt-5"`; and, of the tests of models, the name that stands alone on its line.
NAMED = re.compile(r'"?\bmodel"?\s*[=:]\s*"([^"]+)"')
ALONE = re.compile(r'^\s+"([^"]+)",$', re.M)


def models(tests):
    found = {"*"}
    for file in sorted(tests.rglob("test_*.py")):
        text = file.read_text()
        found.update(NAMED.findall(text))
        if file.name == "test_models.py":
            found.update(ALONE.findall(text))
    return sorted(found)


def main(tests, api_base):
    places = [
        {
            "model_name": model,
            "litellm_params": {"model": f"openai/{model}", "api_base": api_base, "api_key": "sk-behind-the-gateway"},
        }
        for model in models(Path(tests))
    ]
    # With the breaker on, one failing test would be the failure of those after it.
    config = {"model_list": places, "secondwind": {"policy": {"breaker": "off"}}}
    # JSON is YAML.
    print(json.dumps(config, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
