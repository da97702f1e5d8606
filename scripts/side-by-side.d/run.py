"""Asks LiteLLM's proxy and secondwind the same, while the same providers fail in the same way."""

import collections
import datetime
import http.client
import http.server
import json
import os
import platform
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = os.path.join(HERE, "config.yaml")
NAMES = ("east", "west", "spare")
KEY = "sk-" + secrets.token_hex(32)
WORDS = ["One", " two", " three", " four", " five", " six"]
ANSWER = "".join(WORDS)
CONTEXT = {
    "message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    "type": "invalid_request_error",
    "param": "messages",
    "code": "context_length_exceeded",
}


def error(message, kind, code=None):
    return {"message": message, "type": kind, "param": None, "code": code}


class Provider:
    """A server that speaks OpenAI's dialect and does what its script says, the last of it for good."""

    def __init__(self, name):
        self.name, self.script, self.asked = name, [], 0
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                provider.asked += 1
                do = provider.script.pop(0) if len(provider.script) > 1 else provider.script[0]
                do(self, body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # a caller that gave up

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def base(self):
        return f"http://127.0.0.1:{self.server.server_port}/v1"


def reply(handler, status, body, headers=()):
    data = json.dumps(body).encode()
    handler.send_response(status)
    for name, value in [("content-type", "application/json"), ("content-length", str(len(data))), *headers]:
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


def fails(status, detail, headers=()):
    return lambda handler, body: reply(handler, status, {"error": detail}, headers)


def chunk(handler, data):
    data = f"data: {data}\n\n".encode()
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    handler.wfile.flush()


def answers(handler, body, cut_after=None):
    base = {"id": "chatcmpl-1", "created": 1, "model": body["model"]}
    if not body.get("stream"):
        message = {"role": "assistant", "content": ANSWER}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
        return reply(handler, 200, {**base, "object": "chat.completion", "choices": [choice], "usage": usage})
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    base["object"] = "chat.completion.chunk"

    def say(delta, finish=None):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk(handler, json.dumps({**base, "choices": [choice]}))

    say({"role": "assistant", "content": ""})
    for said, word in enumerate(WORDS):
        if said == cut_after:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return None
        say({"content": word})
        time.sleep(0.05)
    say({}, "stop")
    chunk(handler, "[DONE]")
    handler.wfile.write(b"0\r\n\r\n")
    return None


def hangs(handler, _):
    time.sleep(30)
    handler.close_connection = True


def cut(handler, body):
    answers(handler, body, cut_after=3)


DOWN = fails(500, error("down", "server_error"))
LIMIT = fails(429, error("slow down", "rate_limit_error"), [("retry-after", "2")])
DENIED = fails(401, error("Incorrect API key provided", "invalid_request_error", "invalid_api_key"))
MONEY = fails(429, error("You exceeded your current quota", "insufficient_quota", "insufficient_quota"))
WRONG = fails(400, error("Invalid value for 'temperature'", "invalid_request_error"))
LONG = fails(400, CONTEXT)

# What happens, whom is asked how often and how, and what east, west and spare do.
FAULTS = [
    ("nothing fails", "pair", 20, {}, [[answers], [answers], [answers]]),
    ("one of two always answers 500", "pair", 100, {}, [[DOWN], [answers], [answers]]),
    ("429, `retry-after: 2`, then fine", "alone", 1, {}, [[answers], [LIMIT, answers], [answers]]),
    ("429, `retry-after: 2` from one of two", "pair", 10, {}, [[LIMIT, answers], [answers], [answers]]),
    ("always 500, with a fallback", "chat", 5, {}, [[DOWN], [answers], [answers]]),
    ("one of two never answers", "pair", 5, {}, [[hangs], [answers], [answers]]),
    ("the only one never answers", "alone", 1, {}, [[answers], [hangs], [answers]]),
    ("the key is refused (401)", "alone", 3, {}, [[answers], [DENIED], [answers]]),
    ("the account has no money left", "pair", 10, {}, [[MONEY], [answers], [answers]]),
    ("the request is wrong (400)", "pair", 5, {}, [[WRONG], [WRONG], [answers]]),
    ("the prompt does not fit", "alone", 3, {}, [[answers], [LONG], [answers]]),
    ("a stream breaks after three words", "pair", 4, {"stream": True}, [[cut], [answers], [answers]]),
    ("every stream breaks after three words", "alone", 1, {"stream": True}, [[answers], [cut], [answers]]),
]


class Gateway:
    """One of the two programs, with the configuration."""

    def __init__(self, name, command, providers, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        env = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        # No look at the network for prices.
        env["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        env["LITELLM_MASTER_KEY"] = KEY
        for at in providers:
            env[f"{at.name.upper()}_API_BASE"] = at.base()
            env[f"{at.name.upper()}_API_KEY"] = f"sk-{at.name}-0123456789"
        self.log = os.path.join(folder, f"{name}.log")
        with open(self.log, "w") as log:
            command = [part.replace("PORT", str(self.port)) for part in command]
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=folder)
        deadline = time.monotonic() + 120
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/health/liveliness")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{name} does not start:\n" + open(self.log).read()[-2000:])
            time.sleep(0.2)

    def ask(self, model, more):
        body = {"model": model, "messages": [{"role": "user", "content": "Count to six."}], **more}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        began = time.monotonic()
        headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        answer = connection.getresponse()
        try:
            text = answer.read().decode()
        except (http.client.HTTPException, OSError) as broken:
            text = getattr(broken, "partial", b"").decode() + "\n(cut)"
        return answer, text, time.monotonic() - began

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def outcome(answer, text):
    """What the caller makes of an answer."""
    if answer.status != 200:
        try:
            kind = json.loads(text)["error"].get("type")
        except (ValueError, KeyError, TypeError, AttributeError):
            kind = None
        return f"{answer.status} `{kind}`" if kind and kind != "None" else str(answer.status)
    if "event-stream" not in (answer.getheader("content-type") or ""):
        whole = json.loads(text)["choices"][0]["message"]["content"] == ANSWER
        return "200" if whole else "200, another text"
    said, told, finish = "", False, False
    for line in text.splitlines():
        if not line.startswith("data: ") or line == "data: [DONE]":
            continue
        event = json.loads(line[6:])
        told |= "error" in event
        for choice in event.get("choices") or []:
            said += (choice.get("delta") or {}).get("content") or ""
            finish |= choice.get("finish_reason") is not None
    if said == ANSWER and finish and not told:
        return "200, the whole stream"
    words = sum(word in said for word in WORDS)
    end = "and told" if told else "and called finished" if finish else "and silence"
    return f"200, {words} of 6 words {end}"


def run(fault, gateway, providers):
    _, model, times, more, scripts = fault
    for at, script in zip(providers, scripts):
        at.script, at.asked = list(script), 0
    seen, took, last = collections.Counter(), [], None
    for _ in range(times):
        last, text, time_taken = gateway.ask(model, more)
        seen[outcome(last, text)] += 1
        took.append(time_taken)
    asked = ", ".join(f"{at.name} {at.asked}" for at in providers if at.asked)
    said = []
    for name in ("x-litellm-attempted-retries", "x-litellm-attempted-fallbacks", "retry-after"):
        value = last.getheader(name)
        if value is not None:
            said.append(f"{name.removeprefix('x-litellm-attempted-')} {value}")
    outcomes = "; ".join(f"{count}× {what}" for what, count in seen.most_common())
    times = f"{min(took):.2f}–{max(took):.2f}" if len(took) > 1 else f"{took[0]:.2f}"
    return outcomes, times, asked, ", ".join(said) or "–"


def main():
    litellm, secondwind = sys.argv[1:]
    commands = {
        "LiteLLM": [litellm, "--config", CONFIG, "--host", "127.0.0.1", "--port", "PORT", "--telemetry", "False"],
        "secondwind": [secondwind, "serve", "--config", CONFIG, "--listen", "127.0.0.1:PORT"],
    }
    import importlib.metadata

    version = importlib.metadata.version("litellm")
    ours = subprocess.run([secondwind, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    today = datetime.date.today().isoformat()
    print(f"LiteLLM {version} (Python {platform.python_version()}), {ours}, {today}.\n")
    print("| fault | | what callers got | seconds | providers were asked | the last answer's headers |")
    print("|---|---|---|---|---|---|")
    providers = [Provider(name) for name in NAMES]
    with tempfile.TemporaryDirectory() as folder:
        for fault in FAULTS:
            name, model, times = fault[:3]
            for program, command in commands.items():
                gateway = Gateway(program, command, providers, folder)
                try:
                    cells = run(fault, gateway, providers)
                finally:
                    gateway.stop()
                first = f"{name} (`{model}`, {times}×)" if program == "LiteLLM" else ""
                print(f"| {first} | {program} | " + " | ".join(cells) + " |", flush=True)


main()
