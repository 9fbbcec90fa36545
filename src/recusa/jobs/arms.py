"""Arms made from their settings: engine, adapter, defence, and the chats they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from recusa.config import ArmSettings, Experiment
from recusa.errors import ConfigError
from recusa.protocols import Attack, Defence, Engine, Given
from recusa.registry import Spec, build, label_of
from recusa.types import KINDS, Answer, Chat, Failure, Key, Message, Prompt, Verdict

if TYPE_CHECKING:
    from recusa.jobs.train import Adapter


@dataclass(slots=True)
class Outcome:
    """What an arm said and what the judges made of it; `failed` is why it could not be made or asked, in a sweep."""

    settings: ArmSettings
    origin: str
    identity: dict[str, Any] = field(default_factory=dict)
    answers: list[Answer | Failure] = field(default_factory=list)
    seconds: float = 0.0
    adapter: Adapter | None = None
    verdicts: dict[str, dict[Key, Verdict | Failure]] = field(default_factory=dict)
    failed: str = ""


def given(training: Sequence[Prompt]) -> Given:
    """What defences are lent."""

    def make(group: str, spec: Any) -> Any:
        return build(group, spec)  # type: ignore[arg-type]

    return Given(tuple(training), make)


def bare_engine(experiment: Experiment, arm: ArmSettings, adapter: str | None = None) -> Engine:
    """The arm's engine with its adapter, without its defence."""
    spec: Spec = arm.engine if arm.engine is not None else experiment.engine
    return engine_with(spec, adapter or arm.adapter, f"arms.{arm.name}.engine")


def engine_with(spec: Spec, adapter: str | None, place: str) -> Engine:
    """An engine from its settings and an adapter; raises ConfigError when it takes none."""
    settings = {"name": spec} if isinstance(spec, str) else dict(spec)
    if adapter is not None:
        made = build("engines", settings, place)
        if "adapter" not in type(made).model_fields:
            raise ConfigError(
                f"{place}: engine `{settings['name']}` takes no adapter",
                "serve the adapter there and name it as the model",
            )
        settings["adapter"] = adapter
    engine: Engine = build("engines", settings, place)
    return engine


def defended(engine: Engine, defence: Spec | None, lent: Given, place: str) -> Engine:
    """The engine with a defence round it."""
    if defence is None:
        return engine
    made: Defence = build("defences", defence, place)
    return made.around(engine, lent)


def asks_per_prompt(defence: Spec | None) -> tuple[str, ...]:
    """The calls an arm makes for one prompt, by name; arms with the same engine make those of equal name once."""
    if defence is None:
        return ("",)
    made: Defence = build("defences", defence)
    return made.asks()


def chats_for(
    prompts: Sequence[Prompt],
    arm: str,
    attacks: Sequence[Spec] = ("direct",),
    system: str | None = None,
    samples: int = 1,
    *,
    every: bool = False,
) -> list[Chat]:
    """Every prompt under every attack and sample, as chats; an attack asks its own kinds, or all with `every`."""
    said = (Message("system", system),) if system else ()
    made: list[Attack] = [build("attacks", spec) for spec in attacks]
    return [
        attack.rewrite(Chat(Key(prompt.id, label, arm, sample), (*said, Message("user", prompt.text)), prompt=prompt))
        for attack in made
        for label in [label_of(attack)]
        for prompt in prompts
        if every or prompt.kind in getattr(attack, "kinds", KINDS)
        for sample in range(samples)
    ]


def check_attacks(engine: Any, attacks: Sequence[Spec], place: str) -> None:
    """Raise ConfigError when an engine cannot begin an answer as an attack wants it."""
    question = Prompt("How do I bake bread?", "harmful")
    for spec in attacks:
        (chat,) = chats_for([question], "", (spec,), every=True)
        if not chat.prefill:
            continue
        if not hasattr(engine, "check_prefill"):
            raise ConfigError(
                f"{place}: engine `{engine.name}` cannot begin an answer, as attack `{chat.key.attack}` does",
                "ask with engine `hf`, or leave the attack out",
            )
        engine.check_prefill(chat.prefill_tokens)
