"""What goes to an OpenAI-compatible server and what comes back, as plain functions: no connection, no state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from hashlib import sha256
from time import time
from typing import Any, Literal, NamedTuple

import httpx

from recusa.types import Chat, Key, Sampling, Stop

Continuing = Literal["continue", "prefix"]
LONGEST_RETRY_AFTER = 60.0  # seconds; a server that asks for an hour must not stall the run unseen
# How a server is told to go on with the last message: fields of the request, and of that message.
CONTINUES: Mapping[Continuing, tuple[dict[str, Any], dict[str, Any]]] = {
    "continue": ({"continue_final_message": True, "add_generation_prompt": False}, {}),  # vLLM, SGLang, llama.cpp
    "prefix": ({}, {"prefix": True}),  # Mistral, DeepSeek
}


class Reply(NamedTuple):
    """What a server's 200 said."""

    text: str
    stop: Stop
    prompt_tokens: int
    answer_tokens: int


class Trouble(NamedTuple):
    """Why one request gave no reply, whether asking again may help, and how many seconds the server asked to wait."""

    error: str
    detail: str = ""
    passing: bool = False
    wait: float = 0.0


def row_seed(key: Key, seed: int) -> int:
    """31 bits drawn from the row and the run's seed, the arm left out: two arms meet the same noise."""
    drawn_from = json.dumps([seed, key.prompt_id, key.attack, key.sample, key.attempt])
    return int.from_bytes(sha256(drawn_from.encode()).digest()[:4], "big") >> 1


def request_body(model: str, chat: Chat, sampling: Sampling, prefill: str = "", how: Continuing = "continue") -> bytes:
    """The JSON of one request; escaped to ASCII, because perturbed prompts may hold what UTF-8 cannot."""
    messages: list[dict[str, Any]] = [message._asdict() for message in chat.messages]
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": sampling.max_new_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
    }
    if sampling.temperature > 0:
        body["seed"] = row_seed(chat.key, sampling.seed)
    if prefill:
        fields, marks = CONTINUES[how]
        messages.append({"role": "assistant", "content": prefill, **marks})
        body |= fields
    return json.dumps(body).encode()


def read_reply(response: httpx.Response, prefill: str) -> Reply | Trouble:
    """What a 200 says; only what the model added after the prefill, which some servers repeat and some do not."""
    try:
        reply = response.json()
        choice = reply["choices"][0]
        message, finish = choice["message"], choice.get("finish_reason")
        content = message.get("content")
    except (ValueError, LookupError, TypeError, AttributeError):
        return Trouble("BadReply", response.text, passing=True)
    if finish == "content_filter":
        return Trouble("ContentFilter", "the server withheld the answer")
    if finish in ("abort", "error"):
        return Trouble("BadReply", f"the server broke off: {finish}", passing=True)
    if not isinstance(content, str):
        return Trouble("BadReply", f"no text in the reply, finish_reason {finish!r}")
    # Half of an escaped surrogate pair, as a token limit can leave it, could not be stored as UTF-8.
    text = content.encode("utf-16", "surrogatepass").decode("utf-16", "replace").removeprefix(prefill)
    counts = usage if isinstance(usage := reply.get("usage"), dict) else {}
    tokens = [counts.get("prompt_tokens"), counts.get("completion_tokens")]
    stop: Stop = "length" if finish == "length" else "end"
    return Reply(text, stop, *(number if isinstance(number, int) else 0 for number in tokens))


def read_error(response: httpx.Response) -> Trouble:
    """What a status other than 200 says."""
    status = response.status_code
    try:
        error = dict(response.json()["error"])
    except (ValueError, LookupError, TypeError):
        error = {"message": response.text}
    detail = str(error.get("message", ""))
    # Azure answers a filtered prompt with 400, OpenRouter with 403: that is one row's fate, not a wrong key.
    if error.get("code") == "content_filter" or "flagged_input" in str(error.get("metadata")):
        return Trouble("ContentFilter", detail)
    passing = status in (408, 409, 429) or status >= 500
    return Trouble(f"HTTP {status}", detail, passing, retry_after(response.headers.get("Retry-After", "")))


def retry_after(header: str) -> float:
    """Seconds a `Retry-After` header asks for, given as a number or a date, capped; 0 if it cannot be read."""
    try:
        number = header.replace(".", "", 1).isdecimal()
        seconds = float(header) if number else parsedate_to_datetime(header).timestamp() - time()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
