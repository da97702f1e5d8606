"""The upstreams behind the gateway: llmock, and one of our own for what llmock cannot be told to do."""

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

# Loopback only, whatever proxy the environment names.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def http(method, url, body=None, headers=None, within=10.0):
    """One plain HTTP request; gives (status, headers, body). Errors of HTTP are answers like any other."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    if data is not None:
        request.add_header("content-type", "application/json")
    try:
        with _OPENER.open(request, timeout=within) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def free_port():
    """A loopback port that nothing listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(true, within, what):
    """Polls until `true()` holds; gives how many seconds it took, fails after `within`."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() - begun > within:
            raise AssertionError(f"{what}: not within {within} s")
        time.sleep(0.01)
    return time.monotonic() - begun


def wait_until_answers(url, process, log, within=15.0):
    """Waits for a 200 at `url`, but no longer than the process lives."""

    def answers():
        if process.poll() is not None:
            raise AssertionError(f"exited with {process.returncode} before it was ready:\n{log.read_text()}")
        try:
            return http("GET", url, within=1.0)[0] == 200
        except OSError:
            return False

    try:
        wait_until(answers, within, f"{url} answering")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{log.read_text()}") from None


def stop(process):
    """Ends a child at once: what it does when asked kindly is not the subject here."""
    process.kill()
    process.wait()


# === llmock ===


def fail(status, *, times=1, model=None, **more):
    """The next `times` requests (None: all) get this error. More: retry_after (s), message, code."""
    return _behaviour("fail", times, model, status=status, **more)


def reply(text, *, times=1, model=None):
    """The next `times` requests are answered with this text."""
    return _behaviour("reply", times, model, text=text)


def stall(after_chunks, seconds):
    """The next stream pauses once, this long, before the chunk after so many."""
    return {"type": "stream_fault", "kind": "stall", "after_chunks": after_chunks, "stall_seconds": seconds}


def truncate(after_chunks):
    """The next stream ends after so many chunks as if it were complete, with no finish reason."""
    return {"type": "stream_fault", "kind": "truncate", "after_chunks": after_chunks}


def _behaviour(kind, times, model, **fields):
    match = {} if model is None else {"match": {"model": model}}
    return {"type": kind, "times": times, **fields, **match}


class LLMock:
    """A running `llmock serve`, scripted and asked over its control API."""

    def __init__(self, log):
        self.log = Path(log)
        self.root = f"http://127.0.0.1:{free_port()}"
        self._program = str(Path(sys.executable).with_name("llmock"))
        port = self.root.rpartition(":")[2]
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                [self._program, "serve", "--port", port, "--log-level", "warning", "--response-style", "echo"],
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until_answers(f"{self.root}/health", self._process, self.log)
        except BaseException:
            self.stop()
            raise

    @property
    def base(self):
        """What a deployment's `api_base` says."""
        return f"{self.root}/v1"

    def script(self, *behaviours):
        """Queues behaviours; each request takes the first of each kind that fits it."""
        self._control("POST", "scenario", {"behaviors": list(behaviours)})

    def reset(self):
        """Forgets the script and the journal."""
        self._control("POST", "reset")

    def attempts(self, model=None):
        """The journal of requests that arrived, in order; it waits up to 2 s for those still being answered."""
        records = self._control("GET", "requests")["requests"]
        return [record for record in records if model in (None, record["model"])]

    def statuses(self, model=None):
        """What each attempt was answered with."""
        return [record["status"] for record in self.attempts(model)]

    def verdict(self):
        """llmock's judgement of its client so far: `errors`, `warnings`, `findings`."""
        return self._control("GET", "verdict")

    def assert_clean_report(self):
        """`llmock report --strict`, as a pipeline would run it."""
        report = subprocess.run(
            [self._program, "report", "--strict", "--url", self.root],
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert report.returncode == 0, report.stdout + report.stderr

    def assert_no_errors(self):
        """For where a warning is fair, such as giving up on a place at once because another is healthy."""
        verdict = self.verdict()
        assert verdict["errors"] == 0, verdict["findings"]

    def stop(self):
        stop(self._process)

    def _control(self, method, path, body=None):
        status, _, answer = http(method, f"{self.root}/_llmock/{path}", body)
        assert status < 300, (status, answer)
        return json.loads(answer)


# === places where nobody answers ===


class ClosedPort:
    """An address that refuses: bound, so that nobody else takes it, but not listening."""

    def __init__(self):
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    def stop(self):
        self._socket.close()


# === an upstream by hand ===


class Exchange:
    """One request that arrived at a `Handmade` upstream."""

    def __init__(self, method, path, headers, body, writer):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.left_at = None
        self._writer = writer
        self._gone = asyncio.Event()

    @property
    def json(self):
        return json.loads(self.body)

    async def send(self, data):
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status=200, headers=()):
        lines = [f"HTTP/1.1 {status} Answer", *(f"{name}: {value}" for name, value in headers), "connection: close"]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def until_left(self):
        """Waits for the caller to close the connection."""
        await self._gone.wait()

    def _left(self):
        if self.left_at is None:
            self.left_at = time.monotonic()
        self._gone.set()


async def hang(exchange):
    """Takes the request and never answers."""
    await exchange.until_left()


async def hang_up(exchange):
    """Takes the request and closes the connection without a word."""


def answer(body, *, status=200, content_type="application/json", headers=()):
    """Answers every request with these very bytes."""

    async def behave(exchange):
        every = [("content-type", content_type), ("content-length", str(len(body))), *headers]
        await exchange.head(status, every)
        await exchange.send(body)

    return behave


def stream(parts, *, then_hang=False):
    """Answers every request with a stream of these parts, each written by itself."""

    async def behave(exchange):
        await exchange.head(200, [("content-type", "text/event-stream")])
        for part in parts:
            await exchange.send(part)
            await asyncio.sleep(0.01)
        if then_hang:
            await exchange.until_left()

    return behave


class Handmade:
    """An HTTP/1.1 server on a thread of its own: one request a connection, one behaviour for all of them."""

    def __init__(self, behaviour):
        self.exchanges = []
        self._behaviour = behaviour
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        opened = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = opened.result(5)
        self.base = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    def wait_left(self, within):
        """Waits until every caller has closed its connection."""
        wait_until(
            lambda: all(exchange.left_at is not None for exchange in self.exchanges),
            within,
            "the upstream connection being dropped",
        )

    def stop(self):
        async def close():
            self._server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _serve(self, reader, writer):
        try:
            exchange = await self._receive(reader, writer)
            if exchange is None:
                return
            self.exchanges.append(exchange)
            watch = asyncio.ensure_future(self._watch(reader, exchange))
            try:
                await self._behaviour(exchange)
            finally:
                watch.cancel()
        except ConnectionError:
            pass
        finally:
            writer.close()

    @staticmethod
    async def _watch(reader, exchange):
        # Callers here send one request, so the next thing to be read is the end.
        try:
            await reader.read(1)
        except ConnectionError:
            pass
        exchange._left()

    @staticmethod
    async def _receive(reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, path, _ = first.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int((await reader.readline()).split(b";")[0], 16):
                body += await reader.readexactly(size)
                await reader.readline()
            await reader.readline()
        else:
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Exchange(method, path, headers, body, writer)
