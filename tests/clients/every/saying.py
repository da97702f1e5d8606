"""What the clients' scripts share: each is called with the asks, and says in JSON, a line each, what it saw.

    python with_openai.py '[["chat", "MODEL"], ["stream", "MODEL"]]'

A script's functions take the model to ask. `SECONDWIND_URL` (without `/v1`) and `SECONDWIND_KEY` say whom and how.
"""

import json
import os
import sys
import traceback

URL, KEY = os.environ.get("SECONDWIND_URL"), os.environ.get("SECONDWIND_KEY")

PROMPT = "Say something."
QUESTION = "What is the weather in Paris?"
WHO = "Who wrote the first program?"
# What the tool of the scripts answers.
DEGREES = "21 degrees"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


def run(*functions):
    known = {function.__name__: function for function in functions}
    for what, model in json.loads(sys.argv[1]):
        try:
            saw = known[what](model)
        except Exception:
            saw = {"error": traceback.format_exc()}
        print(json.dumps({"what": what, "model": model, "saw": saw}), flush=True)
