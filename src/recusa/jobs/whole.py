"""Did a tuned model stay whole? Its answers, its distributions and its exact answers against those of its own base."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from recusa.component import digest
from recusa.exact.items import LANGUAGES, Item, items
from recusa.jobs.answer import Answering
from recusa.jobs.arms import chats_for
from recusa.jobs.drift import drift_of
from recusa.jobs.judge import judge_missing
from recusa.jobs.tasks import run_tasks
from recusa.jobs.whole_numbers import exact_rows, groups_of, lengths, paired, slips
from recusa.protocols import Listener
from recusa.registry import build
from recusa.store import Store
from recusa.types import Answer, Exchange, Failure, Outcome, Prompt, Sampling, Stop, Verdict
from recusa.wholeness import Wholeness, WholeSettings

DETECTOR = "detector"  # broken output and refusals are its to see, whoever judges the experiment
EXACT_TOKENS = 32  # an exact answer is short; what runs on is marked as far as it got

Said = dict[str, Answer | Failure]


@dataclass(frozen=True, slots=True)
class Bench:
    """What measuring needs: where answers are kept, and answers to direct questions that are there already.

    `known` holds, by the digest of an engine's identity, the answers of arms without defence and system prompt.
    """

    store: Store
    listener: Listener
    chunk: int
    sampling: Sampling
    settings: WholeSettings
    alpha: float = 0.05
    known: Mapping[str, Said] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """The answers of a base and of its tuned model to the same prompts, what the detector says, and their seconds."""

    before: Said
    after: Said
    seen: Mapping[tuple[str, str, Stop], Verdict | Failure]
    seconds: float

    def both(self, prompts: Sequence[Prompt]) -> Iterator[tuple[Prompt, Answer, Answer]]:
        """Prompts that both answered."""
        for prompt in prompts:
            before, after = self.before[prompt.id], self.after[prompt.id]
            if isinstance(before, Answer) and isinstance(after, Answer):
                yield prompt, before, after

    def outcome(self, prompt: Prompt, answer: Answer) -> Outcome | None:
        """What the detector says of an answer."""
        verdict = self.seen[prompt.text, answer.text, answer.stop]
        return verdict.outcome if isinstance(verdict, Verdict) else None

    def reason(self, prompt: Prompt, answer: Answer) -> str:
        """Why it says so."""
        verdict = self.seen[prompt.text, answer.text, answer.stop]
        return verdict.reason if isinstance(verdict, Verdict) else verdict.error


def base_of(tuned: Any) -> Any:
    """The engine without its adapter."""
    bare = {name: None for name in ("adapter", "dial") if name in type(tuned).model_fields}
    return tuned.model_copy(update=bare)


def measurable(engine: Any) -> bool:
    """Whether an engine is a tuned model that computes here; a server's weights are out of reach."""
    return hasattr(engine, "trainable") and bool(engine.adapter)


def chosen_rows(prompts: Sequence[Prompt], limit: int) -> list[Prompt]:
    """At most `limit` benign prompts, in an order that no file decides."""
    benign = [prompt for prompt in prompts if prompt.kind == "benign"]
    return sorted(benign, key=lambda prompt: sha256(f"whole|{prompt.id}".encode()).digest())[:limit]


def chosen_items(languages: Sequence[str], limit: int | None) -> list[Item]:
    """The exact-answer items of the languages asked, English where there are none of them."""
    spoken = {language.partition("-")[0] for language in languages}
    found = [language for language in LANGUAGES if language.partition("-")[0] in spoken] or [LANGUAGES[0]]
    return [item for language in found for item in items(language)[:limit]]


def wholeness(name: str, tuned: Any, prompts: Sequence[Prompt], bench: Bench) -> Wholeness:
    """Measure one tuned engine against its base; what was answered or computed before is read.

    `prompts` are those of the test; raises MissingPackage when lm-eval tasks are wanted and it is not installed.
    """
    base, settings = base_of(tuned), bench.settings
    rows = chosen_rows(prompts, settings.limit)
    asked = chosen_items([prompt.language for prompt in prompts], settings.items)
    # 1. answers to benign prompts, and how far the distributions are apart on the base's
    benign = _heard(name, base, tuned, rows, bench.sampling, bench)
    answered = list(benign.both(rows))
    drift, no_drift, spent = drift_of(name, tuned, [(p, a) for p, a, _ in answered], bench)
    # 2. exact answers
    questions = [item.asked() for item in asked]
    exact = _heard(f"{name} exact", base, tuned, questions, Sampling(EXACT_TOKENS), bench)
    # 3. the numbers
    unclear = [
        (benign.outcome(prompt, before) == "unclear", benign.outcome(prompt, after) == "unclear")
        for prompt, before, after in answered
    ]
    why = Counter(
        benign.reason(prompt, after)
        for (prompt, _, after), (_, broken) in zip(answered, unclear, strict=True)
        if broken
    )
    return Wholeness(
        arm=name,
        base=base.origin(),
        rows=len(answered),
        failed=len(rows) - len(answered),
        tokens_at_most=bench.sampling.max_new_tokens,
        unchanged=sum(before.text == after.text for _, before, after in answered),
        drift=drift,
        no_drift=no_drift,
        lengths=lengths(answered, bench.alpha),
        broken=paired(unclear, bench.alpha, groups_of([prompt for prompt, _, _ in answered])),
        why_broken=dict(sorted(why.items())),
        exact=tuple(exact_rows(asked, exact, bench.alpha)),
        slips=tuple(slips(asked, exact)),
        tasks=run_tasks(name, base, tuned, bench),
        seconds=round(benign.seconds + exact.seconds + spent, 3),
    )


def _heard(name: str, base: Any, tuned: Any, prompts: Sequence[Prompt], sampling: Sampling, bench: Bench) -> Heard:
    """Both models' answers to the prompts, judged by the detector."""
    before, first = _answers(f"{name}: base", base, prompts, sampling, bench)
    after, second = _answers(name, tuned, prompts, sampling, bench)
    exchanges = [
        Exchange(said[prompt.id].key._replace(arm=arm), prompt.text, answer.text, answer.stop)
        for arm, said in (("before", before), ("after", after))
        for prompt in prompts
        if isinstance(answer := said[prompt.id], Answer)
    ]
    judge = build("judges", DETECTOR)
    verdicts = judge_missing(judge, exchanges, bench.store, bench.listener, f"whole {name}: judge")
    seen = {(exchange.prompt, exchange.response, exchange.stop): verdicts[exchange.key] for exchange in exchanges}
    return Heard(before, after, seen, first + second)


def _answers(name: str, engine: Any, prompts: Sequence[Prompt], sampling: Sampling, bench: Bench) -> tuple[Said, float]:
    """Answers by prompt, and the seconds they took; those of an arm of this run are not asked again."""
    known = bench.known.get(digest(engine.identity()), {})
    if sampling == bench.sampling and all(prompt.id in known for prompt in prompts):
        return {prompt.id: known[prompt.id] for prompt in prompts}, 0.0
    answering = Answering(engine, chats_for(prompts, ""), sampling, bench.chunk, bench.store)
    answering.finish(bench.listener, f"whole {name}")
    return {result.key.prompt_id: result for result in answering.results("")}, answering.seconds()
