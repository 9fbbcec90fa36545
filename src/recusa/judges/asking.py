"""What judges that ask a model share: an engine of their own, opened once, and one verdict or Failure per exchange."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from pydantic import Field, PrivateAttr

from recusa.component import Component
from recusa.protocols import Engine
from recusa.types import Answer, Chat, Exchange, Failure, Message, Sampling, Verdict


class AskingJudge(Component):
    """A judge that shows each exchange to a model and reads what it says; the registry lends it the engine."""

    engine: str | dict[str, Any] = Field(description="the model that is asked: an engine, a server included")
    max_new_tokens: int = Field(default=64, ge=1, description="tokens the model may write about one answer")

    _build: Callable[[str, Any], Any] | None = PrivateAttr(None)
    _engine: Any = PrivateAttr(None)

    def lend(self, build: Callable[[str, Any], Any]) -> None:
        """Take the registry's way from a group and settings to a component; raises ConfigError for a wrong engine."""
        self._build = build
        self._engine = build("engines", self.engine)

    def identity(self) -> dict[str, Any]:
        """The settings, and in place of the engine's the engine's own identity: its weights decide."""
        return {**super().identity(), "engine": self._asked().identity()}

    def __enter__(self) -> Self:
        """Open the engine."""
        self._asked().__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        """Close the engine."""
        self._asked().__exit__(*exc)

    def judge(self, exchanges: Sequence[Exchange]) -> Iterator[Verdict | Failure]:
        """One verdict per exchange; what the model left out or wrote unreadably is a Failure."""
        readable = {}
        for exchange in exchanges:
            if exchange.prompt.strip():
                readable[exchange.key] = exchange
            else:
                yield Failure(exchange.key, "judge", "NoPrompt", f"`{self.name}` must see what was asked")
        chats = [Chat(key, self.messages(exchange)) for key, exchange in readable.items()]
        for said in self._asked().answer(chats, Sampling(max_new_tokens=self.max_new_tokens)):
            if isinstance(said, Answer):
                yield self.read(readable[said.key], said.text)
            else:
                yield Failure(said.key, "judge", said.error, said.detail)

    @abstractmethod
    def messages(self, exchange: Exchange) -> tuple[Message, ...]:
        """What the model is shown."""

    @abstractmethod
    def read(self, exchange: Exchange, text: str) -> Verdict | Failure:
        """What the model's words mean."""

    def unreadable(self, exchange: Exchange, text: str) -> Failure:
        """The Failure of words that are no verdict; a guess would be a verdict nobody gave."""
        return Failure(exchange.key, "judge", "Unreadable", f"the judge model wrote {' '.join(text.split())[:80]!r}")

    def _asked(self) -> Engine:
        assert self._engine is not None, "a judge that asks a model is made by registry.build, which lends the engine"
        engine: Engine = self._engine
        return engine
