"""The one rendering of a chat, by the model's own template, for asking and for training alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from recusa.errors import ModelError, TrainingError
from recusa.types import Chat, Message

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedTokenizerBase


_DAY = datetime(2024, 7, 26)  # for templates that write today's date: a prompt must not change at midnight


class Begun(NamedTuple):
    """Token ids of a chat up to the answer, and those of the start that is put into the model's mouth."""

    ids: list[int]
    prefill: list[int]


class Row(NamedTuple):
    """Token ids of a chat with its answer; the loss is taken from `start` on."""

    ids: list[int]
    start: int


def prompt_text(tokenizer: PreTrainedTokenizerBase, chat: Chat) -> str:
    """The chat as the model is asked it, up to and with the start of the answer.

    A template that refuses a system turn (Mistral's does) gets the system text at the head of the first user turn.
    """
    return _rendered(tokenizer, chat.messages, asking=True) + chat.prefill


def prompt_ids(tokenizer: PreTrainedTokenizerBase, chat: Chat) -> list[int]:
    """Token ids of `prompt_text`, a prefill cut where the chat says; the template writes the special tokens."""
    begun = begin(tokenizer, chat)
    return begun.ids + begun.prefill


def begin(tokenizer: PreTrainedTokenizerBase, chat: Chat) -> Begun:
    """The chat in token ids with its prefill apart, cut after exactly `prefill_tokens` of them where that is set.

    Raises ModelError when the prefill has fewer tokens: an attack must be as long as its name says.
    """
    whole = _ids(tokenizer, prompt_text(tokenizer, chat))
    if not chat.prefill:
        return Begun(whole, [])
    asked = _ids(tokenizer, _rendered(tokenizer, chat.messages, asking=True))
    seam = whole[: len(asked)] == asked  # else tokens merge across it: the question stays as ever, the start follows
    said = whole[len(asked) :] if seam else _ids(tokenizer, chat.prefill)
    wanted = chat.prefill_tokens
    if wanted is not None and len(said) < wanted:
        raise ModelError(
            f"a prefilled start has {len(said)} tokens, {wanted} were to be put before the answer",
            "ask for fewer tokens, or give a longer start",
        )
    return Begun(asked, said[:wanted])


def prefill_text(tokenizer: PreTrainedTokenizerBase, begun: Begun) -> str:
    """The prefill as the model had it, decoded behind the question so that its first space stays."""
    if not begun.prefill:
        return ""
    before = str(tokenizer.decode(begun.ids))
    return str(tokenizer.decode(begun.ids + begun.prefill))[len(before) :]


def training_row(tokenizer: PreTrainedTokenizerBase, chat: Chat, answer: str, ends: frozenset[int]) -> Row:
    """Token ids of a chat with `answer` and its end; they begin with exactly the ids that asking would send.

    Raises TrainingError when the template writes no assistant turn.
    """
    start = begin(tokenizer, chat)
    asked = start.ids + start.prefill
    if chat.prefill_tokens is not None:
        chat = replace(chat, prefill=prefill_text(tokenizer, start), prefill_tokens=None)
    begun = prompt_text(tokenizer, chat)
    whole = _rendered(tokenizer, (*chat.messages, Message("assistant", chat.prefill + answer)), asking=False)
    if answer.strip() not in whole[len(begun) - len(chat.prefill) :]:
        raise TrainingError(
            "the chat template writes no assistant turn, so nothing could be trained",
            "use an instruct model, or give the tokenizer a chat template with an assistant turn",
        )
    ids = _ids(tokenizer, whole)
    if ids[: len(asked)] != asked:  # a merge across the seam, or a template that words the two differently
        rest = whole[len(begun) :] if whole.startswith(begun) else answer
        ids = asked + _ids(tokenizer, rest)
    last = max((i for i in range(len(asked), len(ids)) if ids[i] in ends), default=None)
    ids = [*ids, min(ends)] if last is None else ids[: last + 1]
    return Row(ids, len(asked))


def end_ids(tokenizer: PreTrainedTokenizerBase, generation: GenerationConfig | None) -> frozenset[int]:
    """The tokens that end an answer: the tokenizer's end and all the generation settings name."""
    named = generation.eos_token_id if generation is not None else None
    ends = {named} if isinstance(named, int) else set(named or ())
    if tokenizer.eos_token_id is not None:
        ends.add(tokenizer.eos_token_id)
    if not ends:
        raise ModelError("the model has no end-of-answer token", "set `eos_token` in its tokenizer_config.json")
    return frozenset(ends)


def _rendered(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], *, asking: bool) -> str:
    from jinja2 import TemplateError

    if not getattr(tokenizer, "chat_template", None):
        raise ModelError(
            "the model has no chat template", "use an instruct model; a base model cannot be asked as a chat"
        )
    try:
        return _apply(tokenizer, messages, asking)
    except TemplateError as error:
        if messages[0].role == "system" and len(messages) > 1:
            first = Message("user", f"{messages[0].content}\n\n{messages[1].content}")
            return _rendered(tokenizer, (first, *messages[2:]), asking=asking)
        raise ModelError(f"the chat template refuses the chat: {error}", "check the roles of its turns") from None


def _apply(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], asking: bool) -> str:
    turns = [{"role": message.role, "content": message.content} for message in messages]
    return str(
        tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=asking, strftime_now=_DAY.strftime)
    )


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
