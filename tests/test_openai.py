"""The engine for OpenAI-compatible servers, against a small server that misbehaves as told."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import select
import signal
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from recusa.engines.openai import OpenAI
from recusa.engines.openai_wire import retry_after, row_seed
from recusa.errors import ConfigError, ModelError
from recusa.types import Answer, Chat, Failure, Key, Message, Sampling

GREEDY = Sampling()
SECRET = "sk-very-secret-0123456789"
PATIENCE = 20  # seconds until a wait is given up; only a failing test, or a machine with much else to do, waits long


class Server(ThreadingHTTPServer):
    """Answers `echo PROMPT` unless `script` names other steps for a prompt; the last step repeats."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: dict[str, list[Step]] = {}
        self.lock = threading.Lock()
        self.asked: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.in_flight = self.most_in_flight = 0
        self.release = threading.Event()
        self.hanging = threading.Semaphore(0)
        self.dropped = threading.Semaphore(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        """Dropped connections are what these tests are about: no traceback for them."""


class Handler(BaseHTTPRequestHandler):
    """One request: notes it, then plays the prompt's next step."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each keep-alive reply waits 40 ms for an acknowledgement
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user")
        server = self.server
        with server.lock:
            steps = server.script.get(prompt, [ok()])
            step = steps[min(server.asked[prompt], len(steps) - 1)]
            server.asked[prompt] += 1
            server.bodies.append(body | {"path": self.path})
            server.keys.append(self.headers["Authorization"])
            server.in_flight += 1
            self.counted = True
            server.most_in_flight = max(server.most_in_flight, server.in_flight)
        try:
            step(self, body, prompt)
        finally:
            self.leave()

    def leave(self) -> None:
        """Count this request as done, once."""
        with self.server.lock:
            self.server.in_flight -= self.counted
            self.counted = False

    def reply(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        """Send text as it is."""
        self.leave()  # before the reply, else the client's next request may be counted beside this one
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text.encode())), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


Step = Callable[[Handler, dict[str, Any], str], None]


def completion(content: object, finish: str | None = "stop", **rest: object) -> str:
    """A chat completion as servers write it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3}} | rest)


def ok(seconds: float = 0.0) -> Step:
    """Echo the prompt, after a while."""

    def step(handler: Handler, body: dict[str, Any], prompt: str) -> None:
        time.sleep(seconds)
        handler.reply(200, completion(f"echo {prompt}"))

    return step


def says(text: str, status: int = 200, **headers: str) -> Step:
    """Send this text."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, body, prompt: handler.reply(status, text, named)


def reset(handler: Handler, body: dict[str, Any], prompt: str) -> None:
    """Promise a long body, send some of it, and reset the connection."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


def hang(handler: Handler, body: dict[str, Any], prompt: str) -> None:
    """Say nothing until the client hangs up, or PATIENCE is over."""
    handler.server.hanging.release()
    readable, _, _ = select.select([handler.connection], [], [], PATIENCE)
    if readable and handler.connection.recv(1, socket.MSG_PEEK) == b"":
        handler.server.dropped.release()
    handler.close_connection = True


def dribble(handler: Handler, body: dict[str, Any], prompt: str) -> None:
    """Send a byte now and then, so that no single read takes long."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(b" ")
        time.sleep(0.03)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A server on a free port, and an environment without proxies or a key."""
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "SSL_CERT_FILE",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))  # loading the world's certificates would be half of the time
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


def engine(server: Server, **settings: Any) -> OpenAI:
    """An engine for the server that does not wait long."""
    return OpenAI(
        **{"model": "small", "base_url": server.url, "backoff": 0.005, "retries": 2, "timeout": 2, **settings}
    )


def chat(prompt: str, prefill: str = "", **key: Any) -> Chat:
    """A chat of one message, filed under its own text."""
    return Chat(Key(prompt, **key), (Message("user", prompt),), prefill)


def ask(engine: OpenAI, *prompts: str, sampling: Sampling = GREEDY) -> dict[str, Answer | Failure]:
    """All results by prompt."""
    with engine:
        results = list(engine.answer([chat(prompt) for prompt in prompts], sampling))
    assert sorted(r.key.prompt_id for r in results) == sorted(prompts)
    return {result.key.prompt_id: result for result in results}


def outcome(result: Answer | Failure) -> str:
    """The text of an answer or the error of a failure."""
    return result.text if isinstance(result, Answer) else result.error


def test_an_answer_carries_the_text_the_key_and_the_tokens(server: Server) -> None:
    """A plain reply becomes one answer under the chat's whole key, with the server's own counts."""
    asked = chat("hello", attack="suffix", arm="tuned", sample=2, attempt=3)
    (answer,) = engine(server).answer([asked], Sampling(max_new_tokens=5))
    assert isinstance(answer, Answer)
    assert answer.key == asked.key
    assert (answer.text, answer.stop, answer.prompt_tokens, answer.answer_tokens) == ("echo hello", "end", 7, 3)
    assert answer.seconds > 0
    assert server.bodies == [
        {
            "model": "small",
            "messages": [{"role": "user", "content": "hello"}],
            "max_tokens": 5,
            "temperature": 0.0,
            "top_p": 1.0,
            "path": "/v1/chat/completions",
        }
    ]
    assert server.keys == [None]


CASES: dict[str, tuple[list[Step], str, int]] = {
    # name: steps, text or error, requests made (the engine retries twice)
    "429 then ok": ([says("slow down", 429, Retry_After="0"), ok()], "echo x", 2),
    "408 then ok": ([says("", 408), ok()], "echo x", 2),
    "409 then ok": ([says("", 409), ok()], "echo x", 2),
    "503 twice then ok": ([says("", 503), says("", 503), ok()], "echo x", 3),
    "503 for ever": ([says("down", 503)], "HTTP 503", 3),
    "reset then ok": ([reset, ok()], "echo x", 2),
    "reset for ever": ([reset], "ConnectionError", 3),
    "truncated JSON then ok": ([says(completion("cut")[:40]), ok()], "echo x", 2),
    "truncated JSON for ever": ([says(completion("cut")[:40])], "BadReply", 3),
    "HTML 200": ([says("<html>welcome</html>")], "BadReply", 3),
    "JSON without choices": ([says('{"error": {"message": "upstream"}}')], "BadReply", 3),
    "JSON list": ([says("[]")], "BadReply", 3),
    "empty choices": ([says('{"choices": []}')], "BadReply", 3),
    "message is null": ([says('{"choices": [{"message": null}]}')], "BadReply", 3),
    "broken off then ok": ([says(completion("part", "abort")), ok()], "echo x", 2),
    "null content": ([says(completion(None))], "BadReply", 1),
    "absent content": ([says('{"choices": [{"message": {}, "finish_reason": "stop"}]}')], "BadReply", 1),
    "content in parts": ([says(completion([{"type": "text", "text": "no"}]))], "BadReply", 1),
    "empty content": ([says(completion(""))], "", 1),
    "content filter": ([says(completion(None, "content_filter"))], "ContentFilter", 1),
    "content filter with text": ([says(completion("Here", "content_filter"))], "ContentFilter", 1),
    "filtered with 400": ([says('{"error": {"code": "content_filter", "message": "no"}}', 400)], "ContentFilter", 1),
    "filtered with 403": (
        [says('{"error": {"code": 403, "message": "flagged", "metadata": {"flagged_input": "x"}}}', 403)],
        "ContentFilter",
        1,
    ),
    "400": ([says('{"error": {"message": "too long"}}', 400)], "HTTP 400", 1),
    "422": ([says("", 422)], "HTTP 422", 1),
    "finish_reason is null": ([says(completion("fine", None))], "fine", 1),
    "half a surrogate pair": ([says(completion("a\ud83d b"))], "a\ufffd b", 1),
}


@pytest.mark.parametrize("name", CASES)
def test_each_misbehaviour_has_one_result_and_a_known_number_of_requests(server: Server, name: str) -> None:
    """Passing errors are retried as often as set, others are not, and none disturbs the row beside it."""
    steps, expected, requests = CASES[name]
    server.script["x"] = steps
    results = ask(engine(server), "x", "beside")
    assert outcome(results["x"]) == expected
    assert server.asked["x"] == requests
    assert outcome(results["beside"]) == "echo beside"
    if isinstance(failure := results["x"], Failure):
        assert failure.stage == "answer"


@pytest.mark.parametrize("step", [hang, dribble])
def test_a_request_ends_at_the_timeout_and_is_retried(server: Server, step: Step) -> None:
    """The limit is for the whole request, so a server that sends a byte now and then does not hold a row for ever."""
    server.script["x"] = [step]
    started = time.perf_counter()
    results = ask(engine(server, timeout=0.15, retries=1), "x")
    assert outcome(results["x"]) == "Timeout"
    assert server.asked["x"] == 2
    assert 0.3 <= time.perf_counter() - started < 1


def test_a_refused_connection_is_a_failure(server: Server) -> None:
    """A server that is not there costs its rows, not the run."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        results = ask(engine(server, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1"), "x")
    assert outcome(results["x"]) == "ConnectionError"


def test_without_retries_one_request_is_made(server: Server) -> None:
    """`retries = 0` is the first request and no more."""
    server.script["x"] = [says("", 503), ok()]
    assert outcome(ask(engine(server, retries=0), "x")["x"]) == "HTTP 503"
    assert server.asked["x"] == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_key_or_model_ends_the_stream_with_a_hint(server: Server, status: int) -> None:
    """What would fail for every row is raised at once, and the requests under way are dropped."""
    server.script |= {"bad": [says('{"error": {"message": "not for you"}}', status)], "slow": [hang]}
    started = time.perf_counter()
    with pytest.raises(ModelError, match=rf"small.*HTTP {status}.*not for you") as caught:
        ask(engine(server, concurrency=2, api_key_env="MY_KEY"), "slow", "bad", *"abcdef")
    assert ("base_url" if status == 404 else "MY_KEY") in caught.value.hint
    assert server.asked["bad"] == 1
    assert time.perf_counter() - started < 1


def test_answers_before_a_fatal_error_are_kept(server: Server) -> None:
    """What was answered, and may have been paid for, arrives before the error is raised."""
    server.script["bad"] = [says("", 401)]
    stream = engine(server, concurrency=1).answer([chat("good"), chat("bad")], GREEDY)
    assert outcome(next(stream)) == "echo good"
    with pytest.raises(ModelError):
        next(stream)


def test_length_is_told_from_end_and_absent_usage_counts_as_nothing(server: Server) -> None:
    """A cut answer says so, and a server that counts no tokens is still heard."""
    server.script["cut"] = [says(completion("Once upon", "length", usage=None))]
    answer = ask(engine(server), "cut")["cut"]
    assert isinstance(answer, Answer)
    assert (answer.stop, answer.prompt_tokens, answer.answer_tokens) == ("length", 0, 0)


@pytest.mark.parametrize("said", ["Sure, here is a poem", " a poem"], ids=["echoed", "not echoed"])
def test_a_prefill_is_continued_and_never_part_of_the_answer(server: Server, said: str) -> None:
    """The text is what the model added, whether or not the server repeats the start it was given."""
    server.script["write"] = [says(completion(said))]
    (answer,) = engine(server, prefill="continue").answer([chat("write", prefill="Sure, here is")], GREEDY)
    assert isinstance(answer, Answer)
    assert (answer.text, answer.prefill) == (" a poem", "Sure, here is")
    assert server.bodies[0]["messages"][-1] == {"role": "assistant", "content": "Sure, here is"}
    assert server.bodies[0]["continue_final_message"] is True
    assert server.bodies[0]["add_generation_prompt"] is False


def test_the_seed_belongs_to_the_row_and_not_to_the_arm_or_the_order(server: Server) -> None:
    """Sampled rows get the same seed in any order and in each arm; another sample or run seed is another seed."""
    chats = [chat(p, arm=arm, sample=sample) for p in "ab" for arm in ("base", "tuned") for sample in (0, 1)]
    drawn = Sampling(temperature=0.7, top_p=0.9, seed=3)
    seeds: list[list[int]] = []
    for order in (chats, chats[::-1]):
        server.bodies.clear()
        assert {r.key for r in engine(server, concurrency=1).answer(order, drawn)} == {c.key for c in chats}
        seeds.append([body["seed"] for body in server.bodies])
        assert {(body["temperature"], body["top_p"]) for body in server.bodies} == {(0.7, 0.9)}
    assert seeds[0] == seeds[1][::-1] == [row_seed(c.key, 3) for c in chats]
    assert len(set(seeds[0])) == 4  # two prompts and two samples; the two arms share
    assert all(0 <= seed < 2**31 for seed in seeds[0])
    # SHA-256 of [3, "a", "direct", 0, 0] begins with 84 b4 78 fd; its first 31 bits. Another value orphans stored rows.
    assert row_seed(Key("a"), 3) == 0x84B478FD // 2
    assert row_seed(Key("a"), 4) != row_seed(Key("a"), 3) != row_seed(Key("a", attempt=1), 3)


def test_results_do_not_depend_on_order_or_concurrency(server: Server) -> None:
    """The same rows give the same answers and failures however they are sent."""
    prompts = [f"p{i}" for i in range(12)]
    server.script |= {"p3": [says("", 400)], "p7": [says(completion(None))], "p9": [says("", 500)]}
    shuffled = random.Random(0).sample(prompts, len(prompts))
    one_by_one = {p: outcome(r) for p, r in ask(engine(server, concurrency=1), *prompts).items()}
    at_once = {p: outcome(r) for p, r in ask(engine(server, concurrency=12), *shuffled).items()}
    assert one_by_one == at_once
    assert Counter(one_by_one.values()) >= Counter({"HTTP 400": 1, "BadReply": 1, "HTTP 500": 1})


def test_concurrency_is_bounded_and_used(server: Server) -> None:
    """As many requests are under way as the setting says, and never more."""
    prompts = [f"p{i}" for i in range(18)]
    server.script |= {prompt: [ok(0.02)] for prompt in prompts}
    ask(engine(server, concurrency=3), *prompts)
    assert server.most_in_flight == 3


def test_results_are_streamed(server: Server) -> None:
    """The first result arrives while the last request still waits for the server."""

    def gated(handler: Handler, body: dict[str, Any], prompt: str) -> None:
        freed = server.release.wait(PATIENCE)
        handler.reply(200, completion("freed" if freed else "nobody read the first result"))

    server.script["late"] = [gated]
    stream = engine(server).answer([chat("late"), chat("early")], GREEDY)
    assert outcome(next(stream)) == "echo early"
    server.release.set()
    assert [outcome(result) for result in stream] == ["freed"]


@pytest.mark.parametrize("entered", [True, False])
def test_closing_the_stream_drops_what_is_under_way(server: Server, entered: bool) -> None:
    """A consumer that stops early leaves no request running and sends no further one."""
    waiting = [f"slow{i}" for i in range(50)]
    server.script |= {prompt: [hang] for prompt in waiting}
    model = engine(server, concurrency=2, timeout=30)
    if entered:
        model.__enter__()
    stream = model.answer([chat("first"), *map(chat, waiting)], GREEDY)
    assert outcome(next(stream)) == "echo first"
    assert [server.hanging.acquire(timeout=PATIENCE) for _ in range(2)] == [True, True]
    stream.close()  # type: ignore[attr-defined]
    assert [server.dropped.acquire(timeout=PATIENCE) for _ in range(2)] == [True, True]
    if entered:
        assert outcome(next(model.answer([chat("again")], GREEDY))) == "echo again"
        model.__exit__()
    assert server.asked.total() == 3 + entered
    assert not [thread for thread in threading.enumerate() if thread.name == "recusa-openai"]


@pytest.mark.skipif(os.name == "nt", reason="signals a thread")
def test_an_interrupt_drops_what_is_under_way(server: Server) -> None:
    """Ctrl-C while waiting for a server ends at once."""
    server.script["slow"] = [hang]
    main = threading.get_ident()

    def interrupt() -> None:
        server.hanging.acquire(timeout=PATIENCE)
        signal.pthread_kill(main, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            ask(engine(server, timeout=30), "slow")
    finally:
        signal.signal(signal.SIGINT, before)
    assert server.dropped.acquire(timeout=PATIENCE)


def test_leaving_the_engine_ends_a_stream_loudly(server: Server) -> None:
    """A stream read on after `with` raises: ending quietly would look like fewer prompts."""
    server.script["slow"] = [hang]
    with engine(server) as model:
        stream = model.answer([chat("slow"), chat("a")], GREEDY)
        assert outcome(next(stream)) == "echo a"
    with pytest.raises(CancelledError):
        next(stream)


def test_an_engine_shared_by_two_arms_stays_open_for_the_outer_one(server: Server) -> None:
    """The inner `with` of the same engine does not close the connection under the outer one's stream."""
    with engine(server, concurrency=1) as model:
        stream = model.answer([chat(p) for p in "abc"], GREEDY)
        first = next(stream)
        with model:
            assert outcome(next(model.answer([chat("inner")], GREEDY))) == "echo inner"
        assert [outcome(r) for r in (first, *stream)] == ["echo a", "echo b", "echo c"]
    assert not [thread for thread in threading.enumerate() if thread.name == "recusa-openai"]


def test_it_works_inside_a_running_loop(server: Server) -> None:
    """A notebook runs its cells in a loop already."""

    async def cell() -> list[Answer | Failure]:
        return list(engine(server).answer([chat("a")], GREEDY))

    assert [outcome(result) for result in asyncio.run(cell())] == ["echo a"]


def test_an_empty_batch_asks_nothing_and_a_shared_key_is_our_mistake(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No chats, no connection; two chats under one key would overwrite each other in the store."""
    monkeypatch.setenv("BAD_KEY", "é")  # would be refused when a connection opens
    assert list(engine(server, api_key_env="BAD_KEY").answer([], GREEDY)) == []
    with pytest.raises(AssertionError, match="share a key"):
        list(engine(server).answer([chat("a"), chat("a")], GREEDY))
    assert server.asked.total() == 0


def test_a_prompt_that_utf_8_cannot_hold_is_sent(server: Server) -> None:
    """Character attacks leave half surrogate pairs; they cost at most their own row."""
    assert isinstance(ask(engine(server), "\ud83d")["\ud83d"], Answer)


def secrets_seen(results: Sequence[Answer | Failure], *others: object) -> list[str]:
    """The texts that hold any part of the secret worth having."""
    return [text for text in map(repr, (*results, *others)) if SECRET[:12] in text]


def test_the_key_is_sent_and_never_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that repeats the key, even across the place where a message is cut, does not get it into our output."""
    monkeypatch.setenv("OPENAI_API_KEY", f" {SECRET}\n")
    caplog.set_level(logging.DEBUG)
    server.script |= {
        "row": [says(f"no: Bearer {SECRET}", 400)],
        "cut": [says("x" * 187 + SECRET, 500)],
        "html": [says(f"<b>{SECRET}</b>")],
        "fatal": [says(json.dumps({"error": {"message": f"wrong key {SECRET}"}}), 401)],
    }
    model = engine(server)
    results = ask(model, "row", "cut", "html")
    with model:
        shown = [repr(model), str(model), model.model_dump_json(), model.identity(), vars(model._connection)]
        with pytest.raises(ModelError) as caught:
            list(model.answer([chat("fatal")], GREEDY))
    assert set(server.keys) == {f"Bearer {SECRET}"}
    assert "***" in caught.value.message
    failures = [result for result in results.values() if isinstance(result, Failure)]
    assert [len(f.detail) <= 200 and "*" in f.detail for f in failures] == [True] * 3
    assert secrets_seen(failures, *shown, caught.value, caught.value.hint, caplog.text) == []
    assert "asking again" in caplog.text


@pytest.mark.parametrize("end", ["\nX-Other: 1", "é"])
def test_a_key_that_no_header_may_hold_is_refused_unquoted(
    server: Server, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """The HTTP library would quote it."""
    monkeypatch.setenv("OTHER_KEY", SECRET + end)
    with pytest.raises(ConfigError, match="OTHER_KEY") as caught:
        ask(engine(server, api_key_env="OTHER_KEY"), "a")
    assert secrets_seen([], caught.value) == []


def test_the_address_comes_from_the_setting_then_the_environment_then_the_default(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The identity holds the address that is asked, so that rows of two servers are never taken for each other's."""
    unset = OpenAI(model="small")
    assert unset.identity()["base_url"] == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/")
    assert unset.identity() == {"name": "openai", "version": 1, "model": "small", "base_url": server.url}
    assert unset.fingerprint() == engine(server).fingerprint()
    assert outcome(ask(unset, "a")["a"]) == "echo a"
    assert OpenAI(model="small", base_url="http://other/v1").identity()["base_url"] == "http://other/v1"


def test_plumbing_is_no_part_of_the_identity_and_settings_travel(server: Server) -> None:
    """Another concurrency, key or patience reuses the rows; another model does not; the settings can be saved."""
    plain = engine(server)
    plumbing = engine(server, concurrency=1, retries=9, timeout=1, backoff=9, api_key_env="B")
    assert plain.fingerprint() == plumbing.fingerprint()
    assert plain.fingerprint() != engine(server, model="other").fingerprint()
    assert OpenAI.model_validate_json(plumbing.model_dump_json()) == plumbing


@pytest.mark.parametrize(
    "url",
    [f"http://user:{SECRET}@host/v1", f"http://host/v1?key={SECRET}", "host:8000/v1", "ftp://host", "http://", ""],
)
def test_an_address_that_cannot_be_asked_or_holds_a_secret_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Addresses are printed, stored and fingerprinted, so a password may not stand in one, nor be quoted."""
    with pytest.raises(ConfigError, match="base_url") as caught:
        OpenAI(model="small", base_url=url)
    assert secrets_seen([], caught.value, caught.value.hint) == []
    if url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        with pytest.raises(ConfigError, match="base_url"):
            OpenAI(model="small").identity()


def test_retry_after_is_honoured(server: Server) -> None:
    """The wait a server asks for comes on top of the backoff."""
    server.script["x"] = [says("", 429, Retry_After="0.3"), ok()]
    started = time.perf_counter()
    assert outcome(ask(engine(server), "x")["x"]) == "echo x"
    assert 0.3 <= time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("", 0), ("7", 7), ("1.5", 1.5), ("86400", 60), ("-5", 0), ("nan", 0), ("1e9", 0), ("soon", 0)],
)
def test_retry_after_in_seconds(header: str, seconds: float) -> None:
    """Numbers are read and capped, anything else asks for no wait."""
    assert retry_after(header) == seconds


def test_retry_after_as_a_date() -> None:
    """A date is a wait from now, none if it has passed."""
    now = datetime.now(UTC)
    assert 18 < retry_after(format_datetime(now + timedelta(seconds=20), usegmt=True)) <= 20
    assert retry_after(format_datetime(now + timedelta(days=1), usegmt=True)) == 60
    assert retry_after(format_datetime(now - timedelta(days=1), usegmt=True)) == 0
