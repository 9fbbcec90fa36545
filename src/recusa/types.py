"""The rows that travel between stages: frozen, without behaviour beyond their identity."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal, NamedTuple

Kind = Literal["harmful", "benign", "borderline"]
Outcome = Literal["refused", "answered", "unclear"]
Harm = Literal["harmful", "safe"]
Stop = Literal["end", "length"]
KINDS: tuple[Kind, ...] = ("harmful", "borderline", "benign")
OUTCOMES: tuple[Outcome, ...] = ("refused", "answered", "unclear")


class Key(NamedTuple):
    """What every row is filed under; `attempt` 0 is the answer itself, 1, 2, ... what a defence asked on the way."""

    prompt_id: str
    attack: str = "direct"
    arm: str = ""
    sample: int = 0
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """One thing to ask, with what is known of it; `group` names what a split must keep together."""

    text: str
    kind: Kind
    language: str = "en"
    category: str = ""
    group: str = ""
    chosen: str | None = None
    rejected: str | None = None
    response: str | None = None
    refusal: str | None = None
    source: str = ""
    source_id: str | None = None
    row: int | None = field(default=None, compare=False)
    # sixteen hex digits of the text's SHA-256: the same prompt has the same id in every file
    id: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()[:16])


class Message(NamedTuple):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Chat:
    """What an engine is given: messages, the start of the answer if any, and the prompt they were made from.

    `prefill_tokens` has the engine cut the start after so many of its own tokens; None takes it whole.
    Only an oracle or an attack may look at the references inside `prompt`; it is None when a chat comes from outside an
    experiment.
    """

    key: Key
    messages: tuple[Message, ...]
    prefill: str = ""
    prompt: Prompt | None = None
    prefill_tokens: int | None = None

    @property
    def question(self) -> str:
        """The last thing the user said."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), "")

    def asking(self, text: str, attempt: int) -> Chat:
        """The same chat with another last user message, filed under another attempt."""
        last = max(i for i, message in enumerate(self.messages) if message.role == "user")
        messages = (*self.messages[:last], Message("user", text), *self.messages[last + 1 :])
        return replace(self, messages=messages, key=self.key._replace(attempt=attempt))


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn; temperature 0 takes the likeliest token, `seed` matters above 0 only."""

    max_new_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """What happened instead of an answer or a verdict; counted, never an outcome."""

    key: Key
    stage: Literal["answer", "judge", "variant"]
    error: str
    detail: str = ""
    tries: tuple[Try, ...] = ()


class Spent(NamedTuple):
    """What was asked of a model that writes variants, thrown away or not: calls, and tokens in and out."""

    calls: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0

    def plus(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(*(mine + its for mine, its in zip(self, other, strict=True)))


NOTHING_SPENT = Spent()


@dataclass(frozen=True, slots=True)
class Try:
    """One call a defence made on the way to an answer: what it asked, what came, and whether it was kept.

    `rejected` counts, by reason, the drafts thrown away before `asked` was found; `writing` is what a writer was asked.
    """

    asked: str
    result: Answer | Failure
    score: float | None = None
    chosen: bool = False
    rejected: tuple[tuple[str, int], ...] = ()
    writing: Spent = NOTHING_SPENT


@dataclass(frozen=True, slots=True)
class Answer:
    """What an arm said; `tries` holds the calls of a defence, whose tokens are then counted there.

    `prefill` is the start that was put into its mouth, as the model had it; `text` is what it wrote from there on.
    """

    key: Key
    text: str
    stop: Stop
    prompt_tokens: int
    answer_tokens: int
    seconds: float = 0.0
    tries: tuple[Try, ...] = ()
    prefill: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A prompt and an answer, as a judge sees them."""

    key: Key
    prompt: str
    response: str
    stop: Stop = "end"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one judge says of one answer: `outcome` from refusal judges, `harm` from harm judges; `score` is in 0..1."""

    key: Key
    judge: str
    outcome: Outcome | None = None
    harm: Harm | None = None
    score: float | None = None
    reason: str = ""
