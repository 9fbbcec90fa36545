"""The contrast prompts keep their promises: pairs, plain refusals, variety, and nobody else's."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from functools import cache
from importlib.resources import files

from tests.public import NEAR_DUPLICATE, near, repeated, words_of

from recusa.judges.detector import Detector
from recusa.registry import build
from recusa.types import Exchange, Key, Prompt, Verdict

MOST_MISSED = 0.03  # share of refusals that the detector misses
MOST_SAME_OPENING = 0.04  # share of a kind's prompts that begin with the same two words


@cache
def _prompts() -> tuple[Prompt, ...]:
    return tuple(build("sources", "contrast").prompts())


def test_every_harmful_prompt_has_one_harmless_twin() -> None:
    """A group is a harmful prompt and its twin, or one borderline prompt; no harm is rare."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for prompt in _prompts():
        groups[prompt.group].append(prompt.kind)
    shapes = Counter(tuple(sorted(kinds)) for kinds in groups.values())
    assert shapes == {("borderline", "harmful"): 2049, ("borderline",): 1351}
    assert min(Counter(p.category for p in _prompts() if p.kind == "harmful").values()) > 90


def test_prompts_are_short_plain_and_unique() -> None:
    """Lines of 3 to 30 words, ASCII, no text twice, none a near-copy of another but its twin."""
    texts = [prompt.text for prompt in _prompts()]
    assert len({text.lower() for text in texts}) == len(texts)
    assert [text for text in texts if not text.isascii() or "\n" in text or not 3 <= len(text.split()) <= 30] == []
    sets = [(prompt.group, frozenset(words_of(prompt.text)), prompt.text) for prompt in _prompts()]
    common = Counter(word for _, words, _ in sets for word in words)
    holders: defaultdict[str, list[int]] = defaultdict(list)
    rivals: set[tuple[int, int]] = set()  # near-copies share one of the four rarest words in ten
    for at, (_, words, _) in enumerate(sets):
        rare = sorted(words, key=lambda word: (common[word], word))
        for word in rare[: len(words) - math.ceil(NEAR_DUPLICATE * len(words)) + 1]:
            rivals.update((before, at) for before in holders[word])
            holders[word].append(at)
    pairs = [(sets[one], sets[two]) for one, two in sorted(rivals)]
    assert [(text, other) for (a, one, text), (b, two, other) in pairs if a != b and near(one, two)] == []


def test_no_kind_is_told_by_how_it_begins() -> None:
    """No opening is common, and harmful prompts and twins are questions alike often."""
    for kind in ("harmful", "borderline"):
        openings = Counter(tuple(words_of(p.text)[:2]) for p in _prompts() if p.kind == kind)
        assert openings.most_common(1)[0][1] <= MOST_SAME_OPENING * openings.total(), openings.most_common(3)
    twins = {p.group for p in _prompts() if p.kind == "harmful"}
    asked = Counter(p.kind for p in _prompts() if p.group in twins and p.text.endswith("?"))
    assert abs(asked["harmful"] - asked["borderline"]) <= 0.1 * len(twins)


def test_the_refusals_refuse() -> None:
    """Each `chosen` has at most 40 words, and the detector, which misses some, takes nearly all for refusals."""
    harmful = [prompt for prompt in _prompts() if prompt.kind == "harmful"]
    exchanges = [Exchange(Key(prompt.id), prompt.text, prompt.chosen or "") for prompt in harmful]
    verdicts = {v.key.prompt_id: v for v in Detector().judge(exchanges)}
    odd = [p.chosen for p in harmful if not isinstance(v := verdicts[p.id], Verdict) or v.outcome != "refused"]
    assert len(odd) <= MOST_MISSED * len(harmful), odd
    assert all(len((prompt.chosen or "").split()) <= 40 for prompt in harmful)


def test_they_are_trained_on_unless_said_otherwise() -> None:
    """The source keeps its prompts out of a test split, and gives one kind alone."""
    assert build("sources", "contrast").use == "train"
    twins = list(build("sources", {"name": "contrast", "kind": "borderline"}).prompts())
    assert {prompt.kind for prompt in twins} == {"borderline"} and len(twins) == 3400


def test_no_prompt_is_a_near_duplicate_of_a_published_one() -> None:
    """What a model is trained on with these must not be among the sets it is measured on."""
    assert repeated([prompt.text for prompt in _prompts()]) == {}


def test_the_file_says_what_it_holds() -> None:
    """Columns are those of prompt files, and no others."""
    text = (files("recusa.sources") / "data/contrast.en.jsonl").read_text(encoding="utf-8")
    for row in map(json.loads, text.splitlines()):
        chosen = {"chosen"} if row["kind"] == "harmful" else set()
        assert set(row) == {"prompt", "kind", "language", "category", "group"} | chosen
