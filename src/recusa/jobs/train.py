"""Training what an arm needs: once per base, recipe and rows; a killed training goes on from its last checkpoint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recusa.component import digest
from recusa.errors import ConfigError
from recusa.jobs.answer import Answering
from recusa.jobs.arms import chats_for
from recusa.jobs.choosing import asking, held_out
from recusa.jobs.judge import judge_missing
from recusa.jobs.training_rows import SAID, LeftOut, checked_rows, told, write_left_out
from recusa.models.weights import folder_digest, locate
from recusa.protocols import Engine, Example, Listener
from recusa.store import Store, held
from recusa.types import Answer, Exchange, Prompt, Sampling, Verdict

MANIFEST = "training.json"  # written last: its presence means the adapter is whole


@dataclass(frozen=True, slots=True)
class Adapter:
    """A trained adapter: its folder, its fingerprint, and what the manifest says of its making."""

    folder: Path
    fingerprint: str
    made: dict[str, Any]


def ensure_adapter(
    recipe: Any,
    engine: Any,
    training: Sequence[Prompt],
    judge: Any,
    *,
    chunk: int,
    store: Store,
    listener: Listener,
    name: str,
    strict: bool = False,
) -> Adapter:
    """The adapter of a recipe over an engine's base, trained now unless it was; raises TrainingError or ConfigError."""
    if not hasattr(engine, "trainable"):
        raise ConfigError(
            f"arm `{name}`: engine `{engine.name}` cannot be trained",
            "train with engine `hf`, serve the adapter elsewhere",
        )

    # 1. rows that can be trained on, some of them answered by the model itself
    training, lost = checked_rows(training, recipe, engine, store, listener, name, strict=strict)

    def ask(prompts: Sequence[Prompt], tokens: int) -> list[Example]:
        said = own_answers(engine, prompts, tokens, judge, chunk=chunk, store=store, listener=listener, name=name)
        there = {example.chat.key.prompt_id for example in said}
        missing = [prompt for prompt in prompts if prompt.kind != "harmful" and prompt.id not in there]
        lost.extend(LeftOut(prompt, "not answered") for prompt in missing)
        if missing:
            listener(f"train {name}", 0, 0, f"left out: {len(missing)} of {len(prompts)} {SAID['not answered']}")
        return said

    asked = held_out(recipe, training, listener, name)  # to choose a checkpoint on; never trained
    spared = {prompt.id for prompt in asked}
    training = [prompt for prompt in training if prompt.id not in spared]
    examples: list[Example] = recipe.examples(training, ask)

    # 2. the same rows, recipe and base were trained before: nothing to do
    identity = {"recipe": recipe.identity(), "base": engine.identity(), "rows": [_row(example) for example in examples]}
    if asked:
        identity["checked"] = [[prompt.id, prompt.kind] for prompt in asked] + [judge.identity()]
    fingerprint = digest(identity)
    folder = store.workspace / "adapters" / fingerprint
    if not (folder / MANIFEST).is_file():
        with held(folder, "training"):
            how = {"asking": asking(recipe, engine, asked, judge, store)} if asked else {}
            _train(recipe, engine, examples, training, lost, folder, listener, name, **how)
    made = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return Adapter(folder, fingerprint, made)


def _row(example: Example) -> list[Any]:
    chat = example.chat
    given = [chat.messages, chat.prefill, chat.prefill_tokens]
    said = [*given, example.answer, example.complete, example.kind, example.role]
    return [*said, example.weight, example.turn, example.own]


def _train(
    recipe: Any,
    engine: Any,
    examples: Sequence[Example],
    training: Sequence[Prompt],
    lost: Sequence[LeftOut],
    folder: Path,
    listener: Listener,
    name: str,
    **how: Any,
) -> None:
    trained = recipe.train(examples, folder, listener=listener, stage=f"train {name}", **engine.trainable(), **how)
    sources = sorted({prompt.source for prompt in training})
    recipe.write_card(
        folder,
        base=locate(engine.model).known_as,
        origin=engine.origin(),
        recipe={"name": recipe.name, **recipe.model_dump(mode="json")},
        data={"Prompts from": ", ".join(Path(source).name for source in sources)},
        trained=trained,
    )
    write_left_out(folder, lost)
    base = folder_digest(locate(engine.model).folder)
    made = {**asdict(trained), "left_out": told(lost), "base": base}
    draft = folder / f"{MANIFEST}.part"
    draft.write_text(json.dumps(made, ensure_ascii=False, indent=1), encoding="utf-8")
    draft.replace(folder / MANIFEST)


def own_answers(
    engine: Engine,
    prompts: Sequence[Prompt],
    tokens: int,
    judge: Any,
    *,
    chunk: int,
    store: Store,
    listener: Listener,
    name: str,
) -> list[Example]:
    """Rows in which the untrained model answers; what it refuses is left out, for it would teach over-refusal."""
    chats = {chat.key.prompt_id: chat for chat in chats_for(prompts, "")}
    answering = Answering(engine, list(chats.values()), Sampling(max_new_tokens=tokens), chunk, store)
    answering.finish(listener, f"own answers for {name}")
    said = [result for result in answering.results("") if isinstance(result, Answer) and result.text.strip()]
    exchanges = [Exchange(a.key, chats[a.key.prompt_id].question, a.text, a.stop) for a in said]
    verdicts = judge_missing(judge, exchanges, store, listener, f"judge own answers for {name}")
    kinds = {prompt.id: prompt.kind for prompt in prompts}
    return [
        Example(chats[a.key.prompt_id], a.text, kinds[a.key.prompt_id], complete=a.stop == "end", own=True)
        for a in sorted(said, key=lambda answer: answer.key)
        if isinstance(verdict := verdicts[a.key], Verdict) and verdict.outcome == "answered"
    ]
