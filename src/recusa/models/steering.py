"""A steering folder: a probe on a model's own hidden states, its dial, and the openings it makes the model begin with.

An adapter of its own kind: `steering.json` says what it is and belongs to, `steering.safetensors` holds the numbers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from recusa.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DESCRIBED, NUMBERS = "steering.json", "steering.safetensors"
FORMAT = 1
AGAIN = "train it again with `recusa train --recipe probe`"


class Reading(NamedTuple):
    """One state of a prompt: the output of a block (counted from 1), at the last token or as the question's mean."""

    block: int
    where: Literal["last", "mean"] = "last"


class Point(NamedTuple):
    """One setting of the dial: the shares of the training prompts it would refuse, scored by probes that had not seen
    them, 0..1; None where there were no such prompts."""

    dial: float
    threshold: float
    harmful: float
    benign: float | None
    borderline: float | None


@dataclass(frozen=True, slots=True)
class Steering:
    """When to refuse, and in which words.

    A prompt's score is `weights` (readings, hidden size) times its states, plus `bias`; it is refused above the
    threshold. `calm` are the scores of harmless training prompts, falling, each from a probe that had not seen it; they
    turn a dial into a threshold. `tongues` (languages, readings, hidden size) and `tongue_biases` score the language.
    """

    base: str
    known_as: str
    quantize: str | None
    readings: tuple[Reading, ...]
    weights: NDArray[np.float32]
    bias: float
    calm: NDArray[np.float32]
    dial: float
    openings: dict[str, str]
    ends: bool
    languages: tuple[str, ...]
    tongues: NDArray[np.float32]
    tongue_biases: NDArray[np.float32]
    curve: tuple[Point, ...] = ()
    penalty: float = 0.0

    def scores(self, states: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores of prompts from their states (rows, readings, hidden size)."""
        scores: NDArray[np.float64] = np.einsum("nrh,rh->n", states, self.weights, dtype=np.float64) + self.bias
        return scores

    def threshold(self, dial: float | None = None) -> float:
        """The score above which a prompt is refused: at most a share `dial` of the harmless training prompts is."""
        return threshold_for(self.calm, self.dial if dial is None else dial)

    def spoken(self, states: NDArray[np.float32]) -> list[str]:
        """The language of each prompt, of those that were trained on and have an opening."""
        if len(self.languages) < 2:
            return [*self.languages] * len(states)
        scores = np.einsum("nrh,lrh->nl", states, self.tongues, dtype=np.float64) + self.tongue_biases
        return [self.languages[best] for best in scores.argmax(1)]

    def refusals(self, states: NDArray[np.float32], dial: float | None = None) -> list[str | None]:
        """The opening each prompt's answer must begin with, None where the model answers as it would."""
        limit = self.threshold(dial)
        spoken = self.spoken(states)
        return [
            self.openings[language] if score > limit else None
            for score, language in zip(self.scores(states), spoken, strict=True)
        ]

    def save(self, folder: Path) -> None:
        """Write the folder's two files, the description last."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        names = ("weights", "calm", "tongues", "tongue_biases")
        save_file({name: np.ascontiguousarray(getattr(self, name)) for name in names}, folder / NUMBERS)
        said: dict[str, Any] = {
            "format": FORMAT,
            "base": self.base,
            "base_model": self.known_as,
            "quantize": self.quantize,
            "readings": [reading._asdict() for reading in self.readings],
            "bias": self.bias,
            "dial": self.dial,
            "threshold": self.threshold(),
            "openings": self.openings,
            "ends": self.ends,
            "languages": list(self.languages),
            "penalty": self.penalty,
            "curve": [point._asdict() for point in self.curve],
        }
        draft = folder / f"{DESCRIBED}.part"
        draft.write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(folder / DESCRIBED)


def threshold_for(calm: Sequence[float] | NDArray[Any], dial: float) -> float:
    """The score that at most a share `dial` (0..1) of harmless scores is above; `calm` is sorted, falling."""
    if not 0 <= dial <= 1:
        raise ModelError(f"the dial stands at {dial:g}", "give a share between 0 and 1: 0.01 refuses 1 % of harmless")
    allowed = int(dial * len(calm) + 1e-9)
    return float(calm[allowed]) if allowed < len(calm) else float("-inf")


def is_steering(folder: str | Path) -> bool:
    """Whether an adapter folder is a steering folder."""
    return (Path(folder) / DESCRIBED).is_file()


def load_steering(folder: str | Path) -> Steering:
    """Read a steering folder; raises ModelError when it is broken or of another version."""
    place = Path(folder)
    try:
        said = json.loads((place / DESCRIBED).read_text(encoding="utf-8"))
        if said["format"] != FORMAT:
            raise ModelError(f"`{folder}` has format {said['format']}, this version reads {FORMAT}", AGAIN)
        return _made(said, _numbers(place / NUMBERS))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"`{folder}` is no usable steering folder: {type(error).__name__}: {error}", AGAIN) from None


def _numbers(file: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(file))
    except SafetensorError as error:
        raise ValueError(f"{NUMBERS} is broken: {error}") from None


def _made(said: dict[str, Any], numbers: dict[str, Any]) -> Steering:
    made = Steering(
        base=said["base"],
        known_as=said["base_model"],
        quantize=said["quantize"],
        readings=tuple(Reading(**one) for one in said["readings"]),
        weights=numbers["weights"],
        bias=float(said["bias"]),
        calm=numbers["calm"],
        dial=float(said["dial"]),
        openings={str(language): str(text) for language, text in said["openings"].items()},
        ends=bool(said["ends"]),
        languages=tuple(said["languages"]),
        tongues=numbers["tongues"],
        tongue_biases=numbers["tongue_biases"],
        curve=tuple(Point(**point) for point in said["curve"]),
        penalty=float(said["penalty"]),
    )
    if made.weights.ndim != 2 or len(made.weights) != len(made.readings) or not len(made.calm):
        raise ValueError("its numbers do not fit its description")
    if not made.languages or any(language not in made.openings for language in made.languages):
        raise ValueError("a language has no opening")
    return made


def check_base(steering: Steering, folder: str, digest: str, hidden: int, blocks: int, quantize: str | None) -> None:
    """Raise ModelError unless a steering folder was made for exactly this base, read in the same 4-bit form or not."""
    if steering.weights.shape[1] != hidden or any(not 1 <= r.block <= blocks for r in steering.readings):
        raise ModelError(
            f"`{folder}` was made for a model of another size ({steering.known_as})",
            "use it with that model, or train one for this",
        )
    if steering.base != digest:
        raise ModelError(
            f"`{folder}` was made for other weights ({steering.known_as}, digest {steering.base})",
            f"these have the digest {digest}; a probe reads the states of its own base only: train one for this model",
        )
    if steering.quantize != quantize:
        raise ModelError(
            f"`{folder}` was made with quantize = {steering.quantize}, the engine has {quantize}",
            "4-bit weights have other states: use the same setting, or train again",
        )
