"""`--dry-run`: calls, tokens and expected time per arm, before anything is loaded for long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recusa.component import digest
from recusa.config import ArmSettings, Experiment
from recusa.errors import RecusaError
from recusa.jobs import power
from recusa.jobs.answer import Answering
from recusa.jobs.arms import asks_per_prompt, bare_engine, chats_for, defended, given
from recusa.jobs.prompts import Asked, load_prompts
from recusa.jobs.run import check
from recusa.jobs.whole_arms import Work, work_of
from recusa.models.weights import locate
from recusa.registry import build
from recusa.store import Store
from recusa.types import Prompt

CHARACTERS_A_TOKEN = 4.0  # English text under common tokenizers
TEMPLATE_TOKENS = 30
DECODE_SHARE = 0.15  # part of the square-product rate that batched decoding reaches (measured, two cores)
TRAIN_SHARE = 0.20  # the same of a LoRA step
SERVER_TOKENS_A_SECOND = 200.0  # a guess; nothing is known of a server before it was asked


@dataclass(frozen=True, slots=True)
class Planned:
    """What an arm will ask for: `left` prompts are not answered yet; seconds are None when nothing is known.

    `calls` are those no earlier arm makes; `shared` more are read from what such an arm was answered.
    """

    arm: str
    prompts: int
    left: int
    calls: int
    shared: int
    prompt_tokens: int
    answer_tokens: int
    training_rows: int
    seconds: float | None
    basis: str


@dataclass(frozen=True, slots=True)
class Plan:
    """An experiment before it is run."""

    asked: Asked
    arms: tuple[Planned, ...]
    whole: tuple[Work, ...] = ()
    shows: dict[str, power.Planned] = field(default_factory=dict)
    comparisons: int = 1
    alpha: float = 0.05


def plan(experiment: Experiment, workspace: Path) -> Plan:
    """Read and check everything, load no model; raises what the run itself would raise at once."""
    asked = load_prompts(experiment)
    check(experiment, asked, given(asked.train))
    made: set[str] = set()
    with Store(workspace) as store:
        works = {work.arm: work for work in work_of(experiment, asked)}
        planned = (_planned(experiment, arm, asked, store, made, works.get(arm.name)) for arm in experiment.arms)
        shows = power.planned(experiment, asked.test)
        over = power.comparisons_of(experiment, len(shows))
        return Plan(asked, tuple(planned), tuple(works.values()), shows, over, experiment.alpha)


def _planned(
    experiment: Experiment, arm: ArmSettings, asked: Asked, store: Store, made: set[str], work: Work | None
) -> Planned:
    """One arm; `made` holds the calls of the arms before it, by what answers them, and takes this arm's.

    The time of measuring what tuning cost besides, `work`, is in its seconds.
    """
    answers = [arm.engine or experiment.engine, arm.adapter, arm.train, arm.system]
    asks = [digest([answers, ask]) for ask in asks_per_prompt(arm.defence)]
    per_prompt = sum(ask not in made for ask in asks)
    made.update(asks)
    chats = chats_for(asked.test, arm.name, experiment.attacks, arm.system, experiment.sampling.samples)
    rows, epochs = _training_rows(arm, asked)
    left = _left(experiment, arm, asked, store)
    share = left / max(1, len(chats))
    calls = left * per_prompt
    reads = round(_tokens([chat.prompt for chat in chats if chat.prompt]) * share) * per_prompt
    writes = calls * experiment.sampling.max_new_tokens
    besides = (work.read_tokens, work.answer_tokens) if work else (0, 0)
    seconds, basis = _seconds(experiment, arm, reads + besides[0], writes + besides[1], rows * epochs, store)
    shared = left * (len(asks) - per_prompt)
    return Planned(arm.name, len(chats), left, calls, shared, reads, writes, rows, seconds, basis)


def _tokens(prompts: Sequence[Prompt]) -> int:
    return round(sum(len(prompt.text) / CHARACTERS_A_TOKEN + TEMPLATE_TOKENS for prompt in prompts))


def _training_rows(arm: ArmSettings, asked: Asked) -> tuple[int, float]:
    if arm.train is None:
        return 0, 0.0
    recipe = build("recipes", arm.train)
    own: list[Prompt] = []

    def ask(prompts: Sequence[Prompt], tokens: int) -> list[Any]:
        own.extend(prompts)
        return []

    return len(recipe.examples(asked.train, ask)) + len(own), float(recipe.epochs)


def _left(experiment: Experiment, arm: ArmSettings, asked: Asked, store: Store) -> int:
    """Prompts not yet answered; of an arm that trains first, all, for its adapter is not known yet."""
    chats = chats_for(asked.test, arm.name, experiment.attacks, arm.system, experiment.sampling.samples)
    if arm.train is not None or not _here(bare_engine(experiment, arm)):
        return len(chats)
    engine = defended(bare_engine(experiment, arm), arm.defence, given(asked.train), f"arms.{arm.name}.defence")
    answering = Answering(engine, chats, experiment.sampling.sampling(), experiment.chunk, store)
    return sum(map(len, answering.missing().values()))


def _here(engine: Any) -> bool:
    """Whether an engine's weights, if it has any, are on this machine: a plan fetches nothing."""
    return not hasattr(engine, "trainable") or _parameters(engine.model) is not None


def _seconds(
    experiment: Experiment, arm: ArmSettings, reads: int, writes: int, training_rows: float, store: Store
) -> tuple[float | None, str]:
    engine: Any = bare_engine(experiment, arm)
    if not hasattr(engine, "trainable"):
        if engine.name == "scripted":
            return writes / experiment.sampling.max_new_tokens * engine.seconds, "scripted"
        return writes / SERVER_TOKENS_A_SECOND, "a guess: 200 tokens/s"
    parameters = _parameters(engine.model)
    if parameters is None:
        return None, "unknown: the weights are not here yet"
    from recusa.models.machine import matrix_rates, pick_device, pick_dtype

    device = pick_device(engine.device)
    if device != "cpu":
        return None, f"unknown on {device} before the first chunk"
    rate = matrix_rates()["bfloat16" if pick_dtype(engine.dtype, device) == "bfloat16" else "float32"] * 1e9
    known = store.speed(digest(engine.identity()))
    answering = (
        writes * known.seconds / known.tokens if known else (reads + writes) * 2 * parameters / (rate * DECODE_SHARE)
    )
    training = training_rows * 120 * 4 * parameters / (rate * TRAIN_SHARE)
    return answering + training, "measured on earlier chunks" if known else "estimated from the matrix-product rate"


def _parameters(model: str) -> float | None:
    """Parameters, from the size of the weights at the bytes their files state."""
    try:
        folder = locate(model, fetch=False).folder
    except RecusaError:
        return None
    from safetensors import safe_open

    total = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "np") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a dict
                size = 1
                for side in tensors.get_slice(name).get_shape():
                    size *= side
                total += size
    return float(total) if total else None
