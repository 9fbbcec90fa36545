"""The work of the recipe `probe`: states of the training prompts, a line between them, and the dial's curve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from recusa.choosing import Tally, choose
from recusa.errors import TrainingError
from recusa.models.causal import Loaded, load_causal
from recusa.models.reading import blocks_of, read_states
from recusa.models.steering import Point, Reading, Steering, threshold_for
from recusa.models.template import begin, prompt_text
from recusa.models.weights import folder_digest
from recusa.protocols import Example, Listener
from recusa.training.separate import Line, divided, ranked_above, separate, unseen_scores
from recusa.types import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recusa.training.probe import Probe

DIALS = (0.0, 0.001, 0.002, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2)
FEW = 20  # prompts of a language below which its opening is not learned
LEAST = 5  # prompts of a side below which nothing can be cross-validated


class Fitted(NamedTuple):
    """A steering with what it was made from: rows by kind, tokens read, and the first prompt as it was read."""

    steering: Steering
    rows: dict[str, int]
    tokens: int
    example: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Training prompts with their states, flattened to (rows, features), and what the fit knows of each."""

    examples: Sequence[Example]
    states: NDArray[np.float32]
    counts: NDArray[np.float64]
    fold: NDArray[np.int64]

    def of(self, *kinds: str) -> NDArray[np.bool_]:
        """Which rows are of these kinds."""
        return np.array([example.kind in kinds for example in self.examples])


def fit(recipe: Probe, examples: Sequence[Example], *, listener: Listener, stage: str, **base: Any) -> Fitted:
    """Read the prompts' states, choose the penalty by cross-validation, fit on all, and choose the dial."""
    loaded = load_causal(**base)
    kept, tokens = _short(loaded, examples, recipe.max_tokens)
    if len(kept) < len(examples):
        listener(stage, 0, 0, f"{len(examples) - len(kept)} prompts are left out: they are longer than max_tokens")
    readings = readings_of(recipe, len(blocks_of(loaded.model)))
    rows = _rows(recipe, kept, _states(loaded, kept, readings, recipe.batch, listener, stage))
    harmful = rows.of("harmful")
    penalty, unseen = _cross_validated(recipe, rows)
    line = separate(rows.states, harmful, rows.counts, penalty)
    tongues = _tongues(recipe, rows)
    shape = (len(readings), -1)
    calm = _calm(rows, unseen)
    curve = tuple(_point(rows, unseen, calm, dial) for dial in DIALS)
    steering = Steering(
        base=folder_digest(loaded.located.folder),
        known_as=loaded.located.known_as,
        quantize=base.get("quantize"),
        readings=readings,
        weights=line.weights.reshape(shape).astype(np.float32),
        bias=line.bias,
        calm=calm,
        dial=_chosen(recipe, curve, rows) if recipe.dial is None else recipe.dial,
        openings=recipe.openings,
        ends=recipe.ends,
        languages=tuple(tongues),
        tongues=np.array([one.weights.reshape(shape) for one in tongues.values()], dtype=np.float32),
        tongue_biases=np.array([one.bias for one in tongues.values()], dtype=np.float32),
        curve=curve,
        penalty=penalty,
    )
    kinds = [example.kind for example in kept]
    counted: dict[str, int] = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    return Fitted(steering, counted, tokens, prompt_text(loaded.tokenizer, kept[0].chat))


def readings_of(recipe: Probe, blocks: int) -> tuple[Reading, ...]:
    """The readings of a recipe in a model of so many blocks; depths that fall on one block are read once."""
    found = [Reading(_block(depth, blocks), "last") for depth in recipe.last]
    found += [Reading(_block(depth, blocks), "mean") for depth in recipe.mean]
    if not found:
        raise TrainingError("a probe without readings tells nothing", "name a depth in `last` or `mean`")
    return tuple(dict.fromkeys(found))


def _block(depth: float, blocks: int) -> int:
    if not 0 <= depth <= 1:
        raise TrainingError(f"a depth of {depth:g} is outside the model", "give depths between 0 and 1")
    return min(blocks, max(1, round(depth * blocks)))


def _short(loaded: Loaded, examples: Sequence[Example], most: int) -> tuple[list[Example], int]:
    kept, tokens = [], 0
    for example in examples:
        size = len(begin(loaded.tokenizer, example.chat).ids)
        if size <= min(most, loaded.longest):
            kept.append(example)
            tokens += size
    harmful = sum(example.kind == "harmful" for example in kept)
    if min(harmful, len(kept) - harmful) < LEAST:
        raise TrainingError(
            f"{harmful} harmful and {len(kept) - harmful} harmless prompts of at most {most} tokens are too few to "
            "tell them apart",
            f"give at least {LEAST} of each, better hundreds",
        )
    return kept, tokens


def _states(
    loaded: Loaded, examples: Sequence[Example], readings: Sequence[Reading], batch: int, listener: Listener, stage: str
) -> NDArray[np.float32]:
    """States of the examples' prompts, of shape (rows, readings times hidden size)."""
    hidden = int(loaded.model.config.get_text_config().hidden_size)
    states = np.zeros((len(examples), len(readings) * hidden), dtype=np.float32)
    done = 0
    for places, read in read_states(loaded, [example.chat for example in examples], readings, batch):
        states[places] = read.reshape(len(places), -1)
        done += len(places)
        listener(stage, done, len(examples))
    return states


def _rows(recipe: Probe, examples: Sequence[Example], states: NDArray[np.float32]) -> Rows:
    prompts = [example.chat.prompt for example in examples]
    groups = [prompt.group or prompt.id if prompt else "" for prompt in prompts]
    sides: dict[str, set[bool]] = defaultdict(set)
    for group, example in zip(groups, examples, strict=True):
        sides[group].add(example.kind == "harmful")
    counts = np.array([recipe.twins if len(sides[group]) > 1 else 1.0 for group in groups])
    fold = divided(_units(examples, groups, recipe.folds), recipe.folds, recipe.seed)
    return Rows(examples, states, counts, fold)


def _units(examples: Sequence[Example], groups: Sequence[str], folds: int) -> list[str]:
    """What cross-validation never cuts: a category, where the harms have enough of them, else a group."""
    category: dict[str, str] = {}
    for group, example in zip(groups, examples, strict=True):
        named = example.chat.prompt.category if example.chat.prompt else ""
        category[group] = min(filter(None, (category.get(group), named)), default="")
    harms = {category[group] for group, e in zip(groups, examples, strict=True) if e.kind == "harmful"} - {""}
    if len(harms) < 2 * folds:
        return list(groups)
    return [f"category {category[group]}" if category[group] else group for group in groups]


def _cross_validated(recipe: Probe, rows: Rows) -> tuple[float, NDArray[np.float64]]:
    """The strongest penalty within a standard error of the best, and the rows' scores by probes that had not seen them.

    One standard error, after Breiman et al. 1984: prompts of one author flatter weak penalties, even across folds.
    """
    harmful = rows.of("harmful")
    tried: list[tuple[float, NDArray[np.float64], float, float]] = []
    for penalty in sorted(recipe.penalties):
        unseen = unseen_scores(rows.states, harmful, rows.counts, penalty, rows.fold)
        told = [_told_apart(rows, unseen, rows.fold == one) for one in np.unique(rows.fold)]
        known = np.array([value for value in told if value is not None])
        if not len(known):
            raise TrainingError(
                "no part of the cross-validation holds both harmful and harmless prompts",
                "give more prompts, or groups that hold fewer",
            )
        tried.append((penalty, unseen, float(known.mean()), float(known.std() / len(known) ** 0.5)))
    best = max(tried, key=lambda one: one[2])
    penalty, unseen, _, _ = [one for one in tried if one[2] >= best[2] - best[3]][-1]
    return penalty, unseen


def _told_apart(rows: Rows, unseen: NDArray[np.float64], part: NDArray[np.bool_]) -> float | None:
    """How well a part's harm is ranked above its harmless prompts, ordinary and borderline alike important."""
    high = unseen[rows.of("harmful") & part]
    lows = [unseen[rows.of(kind) & part] for kind in ("benign", "borderline")]
    found = [ranked_above(high, low) for low in lows if len(low) and len(high)]
    return sum(found) / len(found) if found else None


def _calm(rows: Rows, unseen: NDArray[np.float64]) -> NDArray[np.float32]:
    """Scores of ordinary prompts, falling; of borderline ones where there are no ordinary ones."""
    ordinary = rows.of("benign")
    scores = unseen[ordinary if ordinary.any() else ~rows.of("harmful")]
    return np.sort(scores)[::-1].astype(np.float32)


def _point(rows: Rows, unseen: NDArray[np.float64], calm: NDArray[np.float32], dial: float) -> Point:
    limit = threshold_for(calm, dial)
    refused = unseen.astype(np.float32) > limit
    share = {kind: float(refused[rows.of(kind)].mean()) if rows.of(kind).any() else None for kind in KINDS}
    return Point(dial, limit, share["harmful"] or 0.0, share["benign"], share["borderline"])


def _chosen(recipe: Probe, curve: Sequence[Point], rows: Rows) -> float:
    """The dial with most harm refused within the caps."""
    sizes: dict[str, int] = {kind: int(rows.of(kind).sum()) for kind in KINDS}

    def tallies(point: Point) -> dict[str, Tally]:
        shares = {"harmful": point.harmful, "benign": point.benign, "borderline": point.borderline}
        return {
            kind: Tally(refused=round(share * sizes[kind]), n=sizes[kind])
            for kind, share in shares.items()
            if share is not None
        }

    found = [tallies(point) for point in curve]
    nothing = {kind: Tally(refused=0, n=size) for kind, size in sizes.items() if size}
    return curve[choose(found, nothing, recipe.caps).place].dial


def _tongues(recipe: Probe, rows: Rows) -> dict[str, Line]:
    """A line per language that has an opening and enough prompts; one language needs none that tells it apart."""
    spoken = np.array([e.chat.prompt.language if e.chat.prompt else "" for e in rows.examples])
    known = [language for language in recipe.openings if (spoken == language).sum() >= FEW]
    if len(known) < 2:
        first = known[0] if known else next(iter(recipe.openings))
        return {first: Line(np.zeros(rows.states.shape[1]), 0.0)}
    even = {language: len(spoken) / max(1, int((spoken == language).sum())) for language in set(spoken.tolist())}
    counts = np.array([even[language] for language in spoken.tolist()])
    return {language: separate(rows.states, spoken == language, counts, 0.1) for language in known}
