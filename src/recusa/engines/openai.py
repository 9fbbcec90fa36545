"""Any OpenAI-compatible server (vLLM, SGLang, llama.cpp, Ollama, a hosted API), asked over HTTP."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import httpx
from pydantic import AfterValidator, Field, PrivateAttr, SecretStr

from recusa.component import Component
from recusa.engines.openai_wire import Continuing, Reply, Trouble, read_error, read_reply, request_body
from recusa.errors import ConfigError, ModelError
from recusa.models.causal import load_tokenizer
from recusa.models.template import begin, prefill_text
from recusa.models.weights import EMBEDDED, locate
from recusa.types import Answer, Chat, Failure, Sampling

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)

Give = Callable[[Answer | Failure | None], None]  # takes one result, and None after the last

HOSTED = "https://api.openai.com/v1"
HOPELESS = {401, 403, 404}  # the key, the model or the address is wrong: every other row would meet the same
LONGEST_BACKOFF = 30.0  # seconds


def checked_address(url: str) -> str:
    """The address without a trailing slash, if a request can be sent there and nothing in it is secret."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    # Not a ValueError, and without the address: pydantic and the console would repeat a password that stands in it.
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise ConfigError("`base_url` holds a password or a query", "put the key into the variable of `api_key_env`")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigError("`base_url` is not an http or https address", "for example http://127.0.0.1:8000/v1")
    return url.rstrip("/")


Address = Annotated[str, AfterValidator(checked_address)]


class OpenAI(Component):
    """Asks an OpenAI-compatible server, several chats at a time; answers come in the order they finish.

    The key is read from the environment when a connection opens, so that no setting, log or fingerprint can hold it.
    """

    name: ClassVar[str] = "openai"
    cosmetic: ClassVar[frozenset[str]] = frozenset({"concurrency", "retries", "timeout", "backoff", "api_key_env"})

    model: str = Field(min_length=1, description="the model's name as the server knows it")
    base_url: Address | None = Field(default=None, description="address with /v1; else $OPENAI_BASE_URL, else OpenAI's")
    api_key_env: str = Field(default="OPENAI_API_KEY", description="environment variable that holds the key, if any")
    concurrency: int = Field(default=8, ge=1, description="requests under way at a time")
    retries: int = Field(default=5, ge=0, description="how often a request that met a passing error is sent again")
    timeout: float = Field(default=60.0, gt=0, description="seconds one request may take, to the last byte")
    backoff: float = Field(default=0.5, ge=0, description="seconds before the first retry at most; doubles, up to 30")
    prefill: Continuing | None = Field(
        default=None,
        description="how the server goes on with a begun answer: `continue` (vLLM, SGLang, llama.cpp) or `prefix` "
        "(Mistral, DeepSeek); unset, attacks that begin answers are refused",
    )
    tokenizer: str | None = Field(
        default=None, description="local folder or hub id of the served model's tokenizer, which cuts begun answers"
    )

    _connection: _Connection | None = PrivateAttr(default=None)
    _entered: int = PrivateAttr(default=0)
    _cutter: PreTrainedTokenizerBase | None = PrivateAttr(default=None)

    def identity(self) -> dict[str, Any]:
        """The settings, with the address that is really asked: another server is another engine."""
        unset = [
            name for name in ("prefill", "tokenizer") if getattr(self, name) is None
        ]  # plain questions ignore them
        settings = {name: value for name, value in super().identity().items() if name not in unset}
        return settings | {"base_url": self._address()}

    def check_prefill(self, tokens: int | None) -> None:
        """Raise ConfigError unless it is known how the server goes on with a begun answer, and who cuts it.

        A server that does not know how drops the beginning without a word, and the model looks safer than it is.
        """
        if self.prefill is None:
            raise ConfigError(
                f"engine `{self.name}`: nothing says that the server of `{self.model}` goes on with a begun answer",
                'set prefill = "continue" (vLLM, SGLang, llama.cpp) or "prefix" (Mistral, DeepSeek) in the engine',
            )
        if tokens is not None and self.tokenizer is None:
            raise ConfigError(
                f"engine `{self.name}`: a begun answer cannot be cut at {tokens} tokens without the model's tokenizer",
                'set tokenizer = "FOLDER" or a hub id in the engine',
            )

    def __enter__(self) -> Self:
        if self._connection is None:
            self._connection = self._connect()
        self._entered += 1  # arms may share one engine: the last one out closes it
        return self

    def __exit__(self, *exc: object) -> None:
        self._entered -= 1
        if self._entered == 0 and self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def answer(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Answer | Failure]:
        """One result per chat, streamed; closing the stream early drops the requests under way."""
        assert len({chat.key for chat in chats}) == len(chats), "two chats share a key"
        for chat in chats:
            if chat.prefill:
                self.check_prefill(chat.prefill_tokens)
        if not chats:
            return
        borrowed = self._connection
        connection = borrowed or self._connect()
        results: SimpleQueue[Answer | Failure | None] = SimpleQueue()
        work = self._ask_all(connection, chats, sampling, results.put)
        asking = asyncio.run_coroutine_threadsafe(work, connection.loop)
        try:
            while (result := results.get()) is not None:
                yield result
            asking.result()  # raises what ended the stream too soon, if anything did
        finally:
            asking.cancel()
            if borrowed is None:
                connection.close()

    async def _ask_all(self, connection: _Connection, chats: Sequence[Chat], sampling: Sampling, give: Give) -> None:
        waiting = iter(chats)

        async def work() -> None:
            for chat in waiting:
                give(await self._ask(connection, chat, sampling))

        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(self.concurrency, len(chats))):
                    workers.create_task(work())
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None  # workers fail alike; a group would hide the hint from the console
        finally:
            give(None)

    async def _ask(self, connection: _Connection, chat: Chat, sampling: Sampling) -> Answer | Failure:
        start = self._start(chat)
        body = request_body(self.model, chat, sampling, start, self.prefill or "continue")
        attempt = 0
        while True:
            started = perf_counter()
            reply = await self._request(connection, body, start)
            if isinstance(reply, Reply):
                return Answer(chat.key, *reply, seconds=perf_counter() - started, prefill=start)
            if not reply.passing or attempt == self.retries:
                return Failure(chat.key, "answer", reply.error, connection.presentable(reply.detail))
            # Full jitter keeps the workers from coming back all at once; 2.0**20 is past the cap, and cannot overflow.
            wait = reply.wait + random.uniform(0, min(LONGEST_BACKOFF, self.backoff * 2.0 ** min(attempt, 20)))
            log.info("%s for %s: asking again in %.1f s", reply.error, chat.key, wait)
            await asyncio.sleep(wait)
            attempt += 1

    def _start(self, chat: Chat) -> str:
        """The prefill, cut where the chat says, by the model's own tokens."""
        if chat.prefill_tokens is None or self.tokenizer is None:
            return chat.prefill
        if self._cutter is None:
            known = self.tokenizer in EMBEDDED or Path(self.tokenizer).expanduser().is_dir()
            self._cutter = load_tokenizer(locate(self.tokenizer).folder if known else Path(self.tokenizer))
        return prefill_text(self._cutter, begin(self._cutter, chat))

    async def _request(self, connection: _Connection, body: bytes, prefill: str) -> Reply | Trouble:
        try:
            async with asyncio.timeout(self.timeout):  # httpx's own limit restarts with each byte a slow server sends
                response = await connection.client.post("/chat/completions", content=body)
        except (TimeoutError, httpx.TimeoutException):
            return Trouble("Timeout", f"no reply within {self.timeout:g} s", passing=True)
        except httpx.RequestError as error:
            return Trouble("ConnectionError", str(error) or type(error).__name__, passing=True)
        if response.is_success:
            return read_reply(response, prefill)
        trouble = read_error(response)
        if trouble.error != "ContentFilter" and response.status_code in HOPELESS:
            raise self._hopeless(response.status_code, connection.address, connection.presentable(trouble.detail))
        return trouble

    def _hopeless(self, status: int, address: str, detail: str) -> ModelError:
        said = f"(HTTP {status}): {detail or 'no reason given'}"
        if status == 404:
            hint = f"check `model` and `base_url`; {address}/models lists what the server has"
            return ModelError(f"{address} has no model `{self.model}` {said}", hint)
        hint = f"put a key that may use the model into the environment variable {self.api_key_env}"
        return ModelError(f"{address} refused the key for model `{self.model}` {said}", hint)

    def _address(self) -> str:
        return self.base_url or checked_address(os.environ.get("OPENAI_BASE_URL") or HOSTED)

    def _connect(self) -> _Connection:
        key = os.environ.get(self.api_key_env, "").strip()
        if not (key.isascii() and key.isprintable()):
            # The HTTP library would quote the whole header in its error.
            raise ConfigError(f"the key in {self.api_key_env} holds characters no header may", "copy the key again")
        return _Connection(self._address(), SecretStr(key), self.concurrency)


class _Connection:
    """An event loop in a thread of its own and the HTTP client that lives in it.

    The thread lets a plain generator stream, and lets it run where the caller has a loop already, as in a notebook.
    """

    def __init__(self, address: str, key: SecretStr, concurrency: int) -> None:
        self.address = address
        self.key = key
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key.get_secret_value()}"
        # No cap on connections: the workers are the cap, and a pool that miscounts a cancelled one would stall them.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=concurrency)
        self.client = httpx.AsyncClient(base_url=address, headers=headers, timeout=None, limits=limits)
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever, name="recusa-openai", daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Drop what is under way, close the client and end the thread."""
        asyncio.run_coroutine_threadsafe(self._drop_all(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _drop_all(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.client.aclose()

    def presentable(self, text: str) -> str:
        """The start of a server's message on one line; servers echo keys, so ours is taken out before it is cut."""
        key = self.key.get_secret_value()
        return " ".join((text.replace(key, "***") if key else text).split())[:200]
