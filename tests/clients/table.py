"""Makes docs/clients.md of pytest's report on test_every_client.py.

    table.py REPORT DOCUMENT
"""

import sys
import xml.etree.ElementTree as xml
from pathlib import Path

COLUMNS = {
    "chat": ["chat"],
    "stream": ["stream"],
    "tool call": ["tool", "tool-stream"],
    "structured output": ["structured"],
    "rescued stream": ["rescued"],
    "cross-family": ["cross-chat", "cross-stream", "cross-tool", "cross-tool-stream", "cross-structured", "cross-rescued"],
}

PAGE = """\
# Clients

<!-- Made by ./scripts/clients of what happened; do not edit. -->

Each client is used as it is installed; only its base URL and its key are other than usual: `http://HOST:4000/v1`, and for Anthropic's
`http://HOST:4000`. The scripts are in [tests/clients/every](../tests/clients/every).

{table}

**{good} of {all}.** Each is asked of a group whose first places fail. What counts is that the client sees nothing of it: no error, all of the
answer once, its usual end, and no retry of its own.

- *chat*, *stream*, *tool call* (whole and streamed, its result sent back), *structured output*: the first deployment answers 429, the second
  500, the third answers. A stream must come in pieces.
- *rescued stream*: the first deployment breaks off after three words, the second carries on. The text is whole, each word once, and the end is
  the usual one.
- *cross-family*: a group of the client's own family fails, and its fallback speaks the other API: Anthropic Messages for OpenAI's clients,
  Chat Completions for Anthropic's. Chat, stream, tool call (whole and streamed), structured output, and a stream that the one family breaks off
  and the other carries on.
- *responses*: OpenAI's Responses API, asked of providers that have Chat Completions only.
"""


def cell(outcomes, groups):
    found = [outcomes.get(group, "missing") for group in groups]
    if set(found) == {"passed"}:
        return "yes" if len(found) == 1 else f"{len(found)} of {len(found)}"
    if set(found) == {"skipped"}:
        return "not run"
    return f"**{found.count('passed')} of {len(found)}**"


def main(report, document):
    clients = {}
    for case in xml.parse(report).iter("testcase"):
        told = {item.get("name"): item.get("value") for item in case.iter("property")}
        if "client" not in told:
            continue
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        clients.setdefault((told["client"], told["version"]), {})[told["group"]] = outcome

    rows = [["client", "version", *COLUMNS], ["---"] * (2 + len(COLUMNS))]
    for (name, version), outcomes in clients.items():
        rows.append([name, version, *(cell(outcomes, groups) for groups in COLUMNS.values())])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    every = [outcome for outcomes in clients.values() for outcome in outcomes.values()]
    Path(document).write_text(PAGE.format(table=table, good=every.count("passed"), all=len(every)))
    print(table)
    print(f"{document}: {every.count('passed')} of {len(every)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
