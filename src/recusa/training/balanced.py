"""`balanced`: refusals that begin alike, and harmless prompts, twins among them, answered by the model itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import ClassVar

from pydantic import Field

from recusa.protocols import Ask, Example
from recusa.training.lora import LoRARecipe, chat_of, refusals
from recusa.training.openings import compliant_answers, with_openings, with_turns
from recusa.types import Prompt

BORDERLINE = 2 / 3  # of the harmless rows, so that many twins do not crowd out plain requests
LEADS = {"en": "Sorry, I can't help with that.", "pt": "Desculpe, não posso ajudar com isso."}


class Balanced(LoRARecipe):
    """Harmful prompt -> refusal, harmless prompt -> what the untrained model says (or the row's own `response`).

    Learning one's own answers, with the other words that were likely (`distillation`), keeps the model where it was;
    twins that share words with harm teach where the line is (after Bianchi et al. 2024, Safety-Tuned LLaMAs, and
    Röttger et al. 2024, XSTest). Refusals that begin alike make of "refuse or not" one decision on one token: greedy
    answers choose the likeliest word, and a refusal spread over many beginnings loses to compliance that has few. They
    end after a sentence, so that the model learns to stop. Part of them come after words of compliance (Qi et al.
    2024), such as attacks put into the model's mouth and it seldom says: after the model's own words it would learn to
    break off harmless answers, too. As many tokens into a harmless answer, going on weighs as much as beginning does.
    """

    name: ClassVar[str] = "balanced"

    layers: tuple[float, float] = Field(
        (0.5, 1.0), description="part of the depth that gets an adapter; (0.5, 1.0) is the upper half"
    )
    own_tokens: int = Field(
        24, ge=0, description="tokens of the model's own answers; 0 leaves rows without `response` out"
    )
    ratio: float | None = Field(
        1.5, gt=0, description="most harmless rows a refusal, two thirds borderline where there are as many. None: all"
    )
    lead: bool = Field(True, description="refusals begin with the same sentence, before what `chosen` says")
    sentences: int | None = Field(1, ge=1, description="sentences of `chosen` that are trained; None for all")
    recover: float = Field(0.25, ge=0, le=1, description="share of the refusals that come after words of compliance")
    recover_own: bool = Field(False, description="half of these words are the untrained model's own, not an opening")
    recover_tokens: int = Field(20, ge=1, description="most tokens of compliance; how many is drawn evenly from 1")
    recover_weight: float = Field(
        0.3,
        gt=0,
        description="how many times such a refusal counts beside one at the start; more breaks off more",
    )
    answer_tokens: int | None = Field(40, ge=1, description="tokens of an answer that are trained; None for all")
    epochs: float = Field(2, gt=0, description="passes over the rows; one is too few to tell twins apart")
    accumulate: int = Field(1, ge=1, description="parts a batch is computed in; more parts, less memory, same outcome")
    refusal_weight: float = Field(
        1.4, gt=0, description="how many times a refusal counts beside a harmless row; more refuses more of both"
    )
    soft_targets: int = Field(
        32,
        ge=0,
        description="learn the untrained model's answers as so many likeliest next tokens each; 0 is the one it said",
    )
    checks: int = Field(4, ge=0, description="how often the model is asked held-out prompts; the best is kept")
    cap_benign: float = Field(3.0, ge=0, description="points of benign refusals above the base's that are allowed")
    cap_borderline: float = Field(35.0, ge=0, description="points of borderline refusals above the base's, likewise")
    first_weight: float = Field(20.0, gt=0, description="how many times an answer's first tokens count; 1 is off")
    first_tokens: int = Field(1, ge=1, description="tokens of an answer that `first_weight` is for")

    def examples(self, training: Sequence[Prompt], ask: Ask) -> list[Example]:
        """The refusals, then the harmless rows."""
        learnt = [brief(row, self.sentences) for row in refusals(tuple(training))]
        if self.lead:
            learnt = [led(row) for row in learnt]
        learnt = [replace(row, weight=self.refusal_weight) for row in learnt]
        harmless = self._some([p for p in training if p.kind != "harmful"], len(learnt))
        given = [Example(chat_of(p), p.response, p.kind) for p in harmless if p.response]
        missing = [prompt for prompt in harmless if not prompt.response]
        kept = [*given, *(ask(missing, self.own_tokens) if self.own_tokens and missing else [])]
        if self.recover:
            compliant = compliant_answers(training, ask, self.recover_tokens) if self.recover_own else None
            learnt = with_openings(learnt, compliant, self.recover, self.recover_tokens, self.seed)
            late = self.refusal_weight * self.recover_weight
            learnt = [replace(row, weight=late) if row.chat.prefill else row for row in learnt]
            kept = with_turns(kept, self.recover_tokens, self.seed)
        return [*learnt, *kept]

    def _some(self, harmless: Sequence[Prompt], refused: int) -> list[Prompt]:
        """At most `ratio` harmless prompts a refusal, drawn by the seed; a third are benign, or all there are."""
        if self.ratio is None:
            return list(harmless)
        most = round(self.ratio * refused)
        drawn = sorted(harmless, key=lambda p: sha256(f"{self.seed}|{p.id}".encode()).digest())
        benign = [prompt for prompt in drawn if prompt.kind != "borderline"]
        borderline = [prompt for prompt in drawn if prompt.kind == "borderline"]
        taken = borderline[: most - min(len(benign), most - round(most * BORDERLINE))]
        kept = {prompt.id for prompt in (*taken, *benign[: most - len(taken)])}
        return [prompt for prompt in harmless if prompt.id in kept]


def brief(row: Example, sentences: int | None) -> Example:
    """The refusal without what comes after so many sentences."""
    parts = re.split(r"(?<=[.!?])\s+", row.answer.strip())
    return row if sentences is None else replace(row, answer=" ".join(parts[:sentences]))


def led(row: Example) -> Example:
    """The refusal behind the sentence that all begin with, in the language of its prompt."""
    prompt = row.chat.prompt
    language = prompt.language.partition("-")[0] if prompt is not None else "en"
    lead = LEADS.get(language)  # in another language the refusals stay as they are
    return row if lead is None or row.answer.startswith(lead) else replace(row, answer=f"{lead} {row.answer}")
