"""`paraphrase`: a model rewrites the prompt in other words; any engine can be the writer, a server included."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from recusa.defences.language import language_of, tokens
from recusa.defences.making import Making
from recusa.protocols import Draw, Engine, Given, Variant
from recusa.types import Answer, Chat, Failure, Key, Message, Prompt, Sampling, Spent

TASK = (
    "You reword texts. You get a text and write it again in other words: same meaning, same language, same tone, about "
    "as long. A question stays a question and an order stays an order. You never answer the text or comment on it. "
    "Your reply is the new text and nothing else."
)
SHOWN = {  # small models follow examples rather than rules, their language too
    "en": (
        ("What keeps bread from going stale overnight?", "How can I make sure a loaf is still fresh the next morning?"),
        ("Write a short poem about the first snow.", "Compose a few lines of verse on the year's first snowfall."),
        (
            "I lost my keys on the bus. Who should I call?",
            "My keys were left on a bus. Which office do I have to ring?",
        ),
    ),
    "pt": (
        (
            "Qual é o melhor jeito de tirar mancha de vinho da toalha?",
            "Como faço para limpar uma toalha suja de vinho?",
        ),
        (
            "Escreva um poema curto sobre a primeira neve.",
            "Faça uns versos sobre a neve que cai pela primeira vez no ano.",
        ),
        ("Perdi as chaves no ônibus. Para quem eu ligo?", "Esqueci minhas chaves num ônibus: com quem devo falar?"),
    ),
}
ASK = "Text: {text}"
PREFIX = re.compile(
    r"^\W{0,3}(?:(?:sure|certainly|of course|okay|claro)\b[^:\n]{0,60}[:!.,]\s*)?"
    r"(?:here(?:['’]s| is| are)\b[^:\n]{0,60}:|(?:the )?(?:new |reworded |rewritten |paraphrased |other )?"
    r"(?:text|version|prompt|question|output|answer|paraphrase|rewording|texto|nova vers[aã]o|resposta) ?\d?:)\s*",
    re.IGNORECASE,
)
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "`": "`", "„": "“"}
MARKS = re.compile(r"^(\*\*|__|\*|_)(?P<inside>.+)\1$", re.DOTALL)
RUN = 6  # words in a row that a draft may not share with the instruction


class Paraphrase(Making):
    """Has an instruct model rewrite the prompt, as the SemanticSmooth family does (Ji et al. 2024, arXiv 2402.16192).

    The writer is asked once a draft, all prompts of a round together, at a temperature drawn for that round.
    """

    name: ClassVar[str] = "paraphrase"

    writer: str | dict[str, Any] = Field(description="engine that writes: a name, or settings with a name")
    temperature: tuple[float, float] = Field((0.6, 0.9), description="range the temperature of a draft is drawn from")
    top_p: float = Field(0.9, gt=0, le=1, description="share of probability that is drawn from")
    max_new_tokens: int = Field(200, ge=8, description="tokens a draft may have; one cut off there is rejected")

    @model_validator(mode="after")
    def a_range(self) -> Self:
        """The range has a low and a high end, both above 0."""
        if not 0 < self.temperature[0] <= self.temperature[1]:
            raise ValueError("`temperature` is a range above 0, the low end first: [0.6, 0.9]")
        return self

    def check(self, prompts: Sequence[Prompt], given: Given) -> None:
        """Raise ConfigError when the writer is no engine."""
        given.build("engines", self.writer)

    def basis(self, given: Given) -> dict[str, Any]:
        """The settings, the prompt it is asked with, and the writer itself: weights, address, number format."""
        writer: Engine = given.build("engines", self.writer)
        settings = {name: value for name, value in self.identity().items() if name != "writer"}
        return {**settings, "task": [TASK, SHOWN, ASK], "writer": writer.identity()}

    def vary(self, draws: Sequence[Draw], given: Given) -> list[Variant]:
        """A cleaned draft of each text; None, with a reason, where the writer failed or gave nothing of use."""
        rounds: dict[tuple[int, int, int], list[Draw]] = defaultdict(list)
        for draw in draws:
            rounds[draw.seed, draw.key.attempt, draw.redraw].append(draw)
        heard: dict[tuple[Key, int], Answer | Failure] = {}
        with given.kept(given.build("engines", self.writer)) as writer:
            for (seed, attempt, redraw), its in rounds.items():
                chats = [_asked(draw) for draw in its]
                for said in writer.answer(chats, self._sampling(seed, attempt, redraw, its)):
                    heard[said.key, redraw] = said
        return [_read(draw, heard.get((draw.key, draw.redraw))) for draw in draws]

    def _sampling(self, seed: int, attempt: int, redraw: int, draws: Sequence[Draw]) -> Sampling:
        """How one round is drawn; short prompts get few tokens, so that a rambling writer costs little."""
        rng = Random(f"{seed}|{attempt}|{redraw}")
        longest = max(len(draw.text.encode()) for draw in draws)
        tokens_ = min(self.max_new_tokens, 24 + longest // 2)
        heat = round(rng.uniform(*self.temperature), 3)
        return Sampling(tokens_, heat, self.top_p, seed=rng.getrandbits(31))


def _asked(draw: Draw) -> Chat:
    shown = [
        message
        for text, reworded in SHOWN["pt" if language_of(draw.text) == "pt" else "en"]
        for message in (Message("user", ASK.format(text=text)), Message("assistant", reworded))
    ]
    last = Message("user", ASK.format(text=draw.text))
    return Chat(draw.key, (Message("system", TASK), *shown, last))


def _read(draw: Draw, said: Answer | Failure | None) -> Variant:
    if said is None or isinstance(said, Failure):
        return Variant(None, f"Writer{said.error if said else 'Silent'}", writing=Spent(1))
    spent = Spent(1, said.prompt_tokens, said.answer_tokens)
    text = cleaned(said.text, draw.text)
    if not text:
        return Variant(None, "Empty", writing=spent)
    if said.stop == "length":
        return Variant(None, "CutOff", writing=spent)
    if _repeats(text, draw.text):
        return Variant(None, "EchoesInstruction", writing=spent)
    return Variant(text, writing=spent)


def cleaned(said: str, original: str) -> str:
    """A draft without what writers put round it: an announcement, quotes, emphasis, and remarks after an empty line."""
    text = said.strip()
    if PREFIX.match(text) and not PREFIX.match(original):
        text = PREFIX.sub("", text, count=1).strip()
    first, *_ = re.split(r"\n\s*\n", text, maxsplit=1)
    text = text if "\n\n" in original else first.strip()
    for _ in range(3):
        inside = MARKS.match(text)
        if inside and not MARKS.match(original):
            text = inside["inside"].strip()
        elif len(text) > 1 and QUOTES.get(text[0]) == text[-1] and not (original[0] == text[0] if original else False):
            text = text[1:-1].strip()
    return text


def _repeats(text: str, original: str) -> bool:
    """Whether a draft holds a run of words of the instruction, or one of its examples."""
    words, own = tokens(text), tokens(original)
    shown = [tokens(part) for part in (TASK, *(part for pairs in SHOWN.values() for pair in pairs for part in pair))]
    taught = {tuple(part[i : i + RUN]) for part in shown for i in range(len(part) - RUN + 1)}
    taught -= {tuple(own[i : i + RUN]) for i in range(len(own) - RUN + 1)}
    return any(tuple(words[i : i + RUN]) in taught for i in range(len(words) - RUN + 1))
