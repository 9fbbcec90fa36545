"""The shape of `results.json`, its digest, and how it is written: whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from recusa.choosing import Choosing
from recusa.component import digest
from recusa.errors import InputError
from recusa.frontier import Frontier
from recusa.harm import HarmChange, HarmRate
from recusa.judging import JudgeNote, Judging
from recusa.stats.clusters import MID_P, PLAIN_INTERVAL, PLAIN_RATE
from recusa.wholeness import Wholeness, lasting

SCHEMA = 1
FILE = "results.json"
ANSWERS = "answers.jsonl"


class Part(BaseModel):
    """A frozen part of the results."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rate(Part):
    """How often an arm refused one kind of prompt, as one judge sees it; shares are 0..1, `interval` names the method.

    The `n` judged rows are of `groups` groups (twins, languages and samples of a prompt), which depend on each other.
    `rate` is refused / (refused + answered + unclear), None without such rows. `least` and `most` count all unclear
    answers as answered and as refused. `language` is `all` or one language.
    """

    arm: str
    attack: str
    kind: str
    language: str
    judge: str
    n: int
    refused: int
    answered: int
    unclear: int
    failed: int
    rate: float | None
    low: float | None
    high: float | None
    least: float | None
    most: float | None
    groups: int = 0
    interval: str = PLAIN_RATE


class Counts(Part):
    """Answers of one kind by outcome."""

    refused: int = 0
    answered: int = 0
    unclear: int = 0
    failed: int = 0


class FourWay(Part):
    """Refuses or answers x harmful or harmless for one arm; `benign` includes the borderline prompts, also apart."""

    arm: str
    attack: str
    judge: str
    harmful: Counts
    benign: Counts
    borderline: Counts


class Comparison(Part):
    """Two arms on the same prompts: difference of refusal rates (arm minus baseline), its interval and test.

    `gained` and `lost` are ids of prompts that moved to and from `refused`; `left_out` counts pairs with a failed row.
    `least` and `most` are the difference over all pairs, counting every unclear answer and failed row either way.
    `interval` and `test` name the methods used, which differ where the `n` pairs are of fewer `groups`, and where few
    pairs changed.
    """

    baseline: str
    arm: str
    attack: str
    kind: str
    language: str
    judge: str
    n: int
    left_out: int
    baseline_rate: float | None
    rate: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    groups: int = 0
    interval: str = PLAIN_INTERVAL
    test: str = f"{MID_P}, Holm over the judge's comparisons"
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None

    def is_real(self, alpha: float) -> bool:
        """Whether the difference may be called one: Holm's p below alpha and an interval that excludes 0."""
        if self.p_holm is None or self.low is None or self.high is None:
            return False
        return self.p_holm < alpha and (self.low > 0 or self.high < 0)


class Split(Part):
    """How prompts were divided: by group, seeded, stratified by kind and category."""

    seed: int
    test_share: float
    groups: int
    train: dict[str, int]
    test: dict[str, int]


class Leak(Part):
    """A training prompt that is a near-copy of a test prompt, by their ids, with their texts and sources.

    `how` is `form` (the same but for case, punctuation and white space), `words` or `meaning`; `similarity` is 1, the
    share of words in common, or a score.
    """

    train: str
    test: str
    how: str
    similarity: float
    train_text: str
    test_text: str
    train_source: str = ""
    test_source: str = ""


class Audit(Part):
    """What was read, merged, joined and divided, and what leaks across the split.

    `near` says how near-copies were looked for, `copies` how many pairs were found in what way, `largest_group` how
    many prompts the largest joined group has. `withdrawn` counts prompts of a source for training that a source for
    the test has too: they are tested and not trained on.
    """

    sources: tuple[str, ...]
    read: int
    repeated: int
    split: Split
    joined_groups: int
    near: str = "words"
    copies: dict[str, int] = {}
    largest_group: int = 0
    withdrawn: int = 0
    leaks: tuple[Leak, ...] = ()


class Training(Part):
    """What one arm was trained on and how its loss went; `losses` are (step, mean loss since the step before).

    `choosing` says which checkpoint was kept and why, None where the last was kept unseen. `left_out` counts rows that
    were not trained on, by reason; `base` is the digest of the weights it was trained over. `adapter` holds what a LoRA
    adapter came to be: rank, scale, learning rate and layers; None for what is no LoRA adapter.
    """

    arm: str
    recipe: str
    fingerprint: str
    rows: dict[str, int]
    trained_tokens: int
    steps: int
    losses: tuple[tuple[int, float], ...]
    settings: dict[str, Any]
    example: str
    seconds: float
    choosing: Choosing | None = None
    left_out: dict[str, int] = {}
    base: str = ""
    adapter: dict[str, Any] | None = None


class Cost(Part):
    """What an arm asks for on its own: calls to the model, tokens in and out, seconds of answering.

    Calls it shared with other arms count in full, with the time they took when they were made. `writer_` counts what
    a model was asked that wrote variants; `rejected` counts its drafts that were thrown away, by reason; `whole` is
    how many prompts had all their variants.
    """

    arm: str
    attack: str
    prompts: int
    calls: int
    prompt_tokens: int
    answer_tokens: int
    seconds: float
    variants_wanted: int = 0
    variants_valid: int = 0
    whole: int = 0
    writer_calls: int = 0
    writer_prompt_tokens: int = 0
    writer_answer_tokens: int = 0
    rejected: dict[str, int] = {}
    kept_itself: int = 0


class FailedArm(Part):
    """An arm that was not what its name says: its rows count as failed, in every rate and comparison."""

    arm: str
    reason: str


class Results(Part):
    """Everything a run found; equal `digest` means equal results, times and surroundings aside."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    schema_version: int = SCHEMA
    digest: str = ""
    name: str
    experiment: dict[str, Any]
    baseline: str
    arms: tuple[str, ...]
    kinds: tuple[str, ...]
    languages: tuple[str, ...]
    primary_judge: str
    alpha: float
    models: dict[str, str]  # arm -> what answered, in words
    audit: Audit
    rates: tuple[Rate, ...]
    four_way: tuple[FourWay, ...]
    comparisons: tuple[Comparison, ...]
    harm_rates: tuple[HarmRate, ...] = ()
    harm_changes: tuple[HarmChange, ...] = ()
    judges: tuple[JudgeNote, ...]
    judging: Judging = Judging()
    training: tuple[Training, ...]
    whole: tuple[Wholeness, ...] = ()
    cost: tuple[Cost, ...]
    failed_arms: tuple[FailedArm, ...] = ()
    frontier: Frontier | None = None
    answers_digest: str
    warnings: tuple[str, ...] = ()
    environment: dict[str, Any]

    def content_digest(self) -> str:
        """Digest of everything found: no times, paths, plumbing or environment."""
        content = self.model_dump(mode="json", exclude={"digest", "environment", "experiment"})
        for place in (content["audit"], *content["audit"]["leaks"]):
            for name in ("sources", "train_source", "test_source", "similarity"):  # a score differs in the last digit
                place.pop(name, None)
        content["whole"] = [lasting(part) for part in content["whole"]]
        for part in (*content["training"], *content["cost"]):
            part.pop("seconds")
            part.pop("settings", None)  # the fingerprint stands for those that matter
            for check in (part.get("choosing") or {}).get("checks", ()):
                check.pop("seconds")
        return digest(content)

    def save(self, folder: Path) -> Path:
        """Write `results.json` under a new name, then rename it: a killed run leaves no half of it."""
        sealed = self.model_copy(update={"digest": self.content_digest()})
        content = sealed.model_dump(mode="json")
        content["schema"] = content.pop("schema_version")
        path = folder / FILE
        draft = path.with_suffix(".json.part")
        with draft.open("w", encoding="utf-8") as out:
            json.dump(content, out, ensure_ascii=False, indent=1)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
        return path


def load_results(folder: Path) -> Results:
    """Read a run's results; raises InputError when the file is absent, broken or of another schema."""
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["schema_version"] = content.pop("schema")
        if content["schema_version"] != SCHEMA:
            raise InputError(f"schema {content['schema_version']}, this version reads {SCHEMA}", file=path)
        return Results.model_validate(content)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError("no results here", file=path, hint="give the folder that `recusa run` wrote") from None
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise InputError(f"not a results file ({type(error).__name__})", file=path) from None
