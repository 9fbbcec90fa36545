"""The selectors that listen to a judge: what they share, and what the judge says of a defence's tries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from recusa.component import Component, digest
from recusa.protocols import Given, Judge
from recusa.types import Answer, Chat, Exchange, Failure, Prompt, Verdict


class Listening(Component):
    """A selector with a judge: checks that it can be built, and answers for it in the fingerprint."""

    judge: str | dict[str, Any] = Field("detector", description="judge that listens to the tries")

    def check(self, prompts: Sequence[Prompt], given: Given) -> None:
        """Raise ConfigError when the judge is unknown."""
        given.build("judges", self.judge)

    def basis(self, given: Given) -> dict[str, Any]:
        """The settings, and the judge with its own."""
        return {**self.identity(), "judge": given.build("judges", self.judge).identity()}


def verdicts(
    spec: str | dict[str, Any], chats: Sequence[Chat], heard: Sequence[Sequence[Answer]], given: Given
) -> list[list[Verdict | None]]:
    """A verdict per try, None where the judge failed; words judged before in this process are not judged again.

    The judge sees the prompt as it was asked of the defence, not the variant: that is what the answer will stand under.
    """
    judge: Judge = given.build("judges", spec)
    known: dict[str, Verdict] = given.notes.setdefault(digest(["verdicts", _identity(judge)]), {})
    rows = [
        [Exchange(chat.key._replace(attempt=said.key.attempt), chat.question, said.text, said.stop) for said in its]
        for chat, its in zip(chats, heard, strict=True)
    ]
    new = {_words(exchange): exchange for its in rows for exchange in its if _words(exchange) not in known}
    by_key = {exchange.key: words for words, exchange in new.items()}
    for result in judge.judge(list(new.values())) if new else ():
        if not isinstance(result, Failure) and result.key in by_key:
            known[by_key[result.key]] = result
    return [[known.get(_words(exchange)) for exchange in its] for its in rows]


def _words(exchange: Exchange) -> str:
    return digest([exchange.prompt, exchange.response, exchange.stop])


def _identity(judge: Any) -> dict[str, Any]:
    return dict(judge.identity())
