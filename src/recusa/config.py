"""The experiment file: TOML, checked; unknown keys are refused with the nearest name."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from recusa.component import Settings
from recusa.errors import ConfigError
from recusa.frontier import SweepSettings
from recusa.judges import DEFAULT
from recusa.models.encoders import Encoder
from recusa.near import SIMILAR, SURE, Search
from recusa.registry import Spec, build, component, explained, label_of
from recusa.types import Sampling
from recusa.wholeness import WholeSettings

EMBEDDED = "embedded.toml"


class SplitSettings(Settings):
    """How prompts are divided."""

    test: float = Field(0.5, gt=0, le=1, description="share of the groups that is asked; the rest trains")
    seed: int = Field(0, description="seed of the division")
    near: Literal["words", "meaning"] = Field("words", description="how near-copies are found; `meaning` embeds all")
    encoder: Encoder = Field("mpnet-base-v2", description="what embeds for `near = meaning`; minilm-l6-v2 is faster")
    similar: float = Field(SIMILAR, gt=0, le=1, description="share of words in common from which prompts are copies")
    sure: float = Field(SURE, gt=0, le=1, description="score of meaning from which prompts are copies")
    strict: bool = Field(False, description="stop where a training prompt is a copy of a test prompt")

    def search(self) -> Search:
        """As the split takes it."""
        return Search(self.near, self.encoder, self.similar, self.sure)


class SamplingSettings(Settings):
    """How answers are drawn."""

    max_new_tokens: int = Field(64, ge=1, description="tokens an answer may have")
    temperature: float = Field(0.0, ge=0, description="0 takes the likeliest token")
    top_p: float = Field(1.0, gt=0, le=1, description="share of probability that is drawn from")
    seed: int = Field(0, description="seed of the noise, above temperature 0")
    samples: int = Field(1, ge=1, description="answers drawn per prompt")

    def sampling(self) -> Sampling:
        """As engines take it."""
        return Sampling(self.max_new_tokens, self.temperature, self.top_p, self.seed)


class ArmSettings(Settings):
    """A named way of answering: engine x adapter x defence x system prompt."""

    name: str = Field(min_length=1, max_length=40, pattern=r"^[\w.+-]+$", description="name in tables and charts")
    engine: Spec | None = Field(None, description="another engine than the experiment's")
    adapter: str | None = Field(None, description="adapter folder to answer with")
    train: Spec | None = Field(None, description="recipe to train an adapter with first")
    defence: Spec | None = Field(None, description="defence round the engine")
    system: str | None = Field(None, description="system prompt")
    each: dict[str, Any] = Field(
        default_factory=dict,
        exclude=True,
        description="settings to try, `a.b = [...]` or `a.b = {label = ...}`: one arm for each combination of them, "
        "with `{b}` in the arm's name standing for the label",
    )

    @model_validator(mode="after")
    def one_adapter(self) -> Self:
        """An arm has an adapter or trains one."""
        if self.adapter and self.train:
            raise ValueError("`adapter` and `train` exclude each other: an arm has an adapter or trains one")
        return self


class Experiment(Settings):
    """A whole experiment; without a file, the embedded one."""

    name: str = Field(
        "experiment", pattern=r"^\w[\w.-]*$", description="name of the folder in runs/ and title of the report"
    )
    sources: tuple[Spec, ...] = Field(("builtin",), min_length=1, description="where prompts come from")
    split: SplitSettings = Field(default_factory=SplitSettings)
    engine: Spec = Field("hf", description="what answers, unless an arm says otherwise")
    sampling: SamplingSettings = Field(default_factory=SamplingSettings)
    chunk: int = Field(128, ge=1, description="prompts that are answered and kept together; part of every fingerprint")
    attacks: tuple[Spec, ...] = Field(("direct",), min_length=1, description="ways of asking")
    arms: tuple[ArmSettings, ...] = Field(min_length=1, description="ways of answering; the first is the baseline")
    baseline: str = Field("", description="arm the others are compared with; default the first")
    judges: tuple[Spec, ...] = Field(
        (DEFAULT,), min_length=1, description="who says what an answer is; the first is primary"
    )
    calibrations: tuple[Path, ...] = Field(
        (), description="files that `recusa calibrate` wrote for the first judge; its errors there give the bands"
    )
    alpha: float = Field(0.05, gt=0, lt=1, description="one minus the confidence of intervals, and level of tests")
    max_failed: float = Field(
        0.2, ge=0, le=1, description="share of failed rows in an arm and kind above which nothing is concluded"
    )
    limit: int | None = Field(None, ge=1, description="at most this many prompts of each kind, in training and in test")
    whole: WholeSettings = Field(
        default_factory=WholeSettings, description="how tuned arms are checked for what they may have lost"
    )
    sweep: SweepSettings | None = Field(None, description="what `recusa sweep` holds the arms to")

    @model_validator(mode="before")
    @classmethod
    def every_arm(cls, content: Any) -> Any:
        """Write out the arms that stand for many."""
        if not isinstance(content, Mapping) or not isinstance(content.get("arms"), list | tuple):
            return content
        arms = [arm for said in content["arms"] for arm in arms_of(said)]
        budget = content["sweep"].get("budget") if isinstance(content.get("sweep"), Mapping) else None
        return {**content, "arms": [on_budget(arm, budget) for arm in arms] if budget is not None else arms}

    @model_validator(mode="after")
    def names_fit(self) -> Self:
        """Arm names are unique, the baseline is one of them, and no arm still stands for many."""
        for arm in self.arms:
            if arm.each:
                raise ValueError(
                    f"arm `{arm.name}` has `each`: give its arm to the experiment as a table, not as an object"
                )
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"two arms are named `{twice}`")
        judges = [spec if isinstance(spec, str) else str(spec.get("name")) for spec in self.judges]
        attacks = [label_of(build("attacks", spec, f"attacks.{i}")) for i, spec in enumerate(self.attacks)]
        for what, said in (("judges", judges), ("attacks", attacks)):
            for name in said:
                if said.count(name) > 1:  # rows are filed by these names
                    raise ValueError(f"two {what} are named `{name}`")
        if self.baseline and self.baseline not in names:
            raise ValueError(f"baseline `{self.baseline}` is no arm; arms are: {', '.join(names)}")
        return self

    @property
    def compared_with(self) -> str:
        """The baseline's name."""
        return self.baseline or self.arms[0].name

    def resolved(self) -> dict[str, Any]:
        """Everything said and all defaults, as saved with the run; building it checks every component."""
        content = self.model_dump(mode="json")
        content["sources"] = [_full("sources", spec, f"sources.{i}") for i, spec in enumerate(self.sources)]
        content["engine"] = _full("engines", self.engine, "engine")
        content["attacks"] = [_full("attacks", spec, f"attacks.{i}") for i, spec in enumerate(self.attacks)]
        if getattr(build("judges", self.judges[0], "judges.0"), "about", "refusal") == "harm":
            raise ConfigError(
                "judges: the first judge must say whether an answer refuses", "name a refusal judge before it"
            )
        content["judges"] = [_full("judges", spec, f"judges.{i}") for i, spec in enumerate(self.judges)]
        content["baseline"] = self.compared_with
        for arm, filled in zip(self.arms, content["arms"], strict=True):
            place = f"arms.{arm.name}"
            for field, group in (("engine", "engines"), ("train", "recipes"), ("defence", "defences")):
                spec = getattr(arm, field)
                filled[field] = _full(group, spec, f"{place}.{field}") if spec is not None else None
            for field, group in (("operator", "operators"), ("selector", "selectors")):
                if filled["defence"] and field in filled["defence"]:
                    part = filled["defence"][field]
                    filled["defence"][field] = _full(group, part, f"{place}.defence.{field}")
        return content


def _full(group: Any, spec: Spec, place: str) -> dict[str, Any]:
    made = build(group, spec, place)
    name = spec if isinstance(spec, str) else spec["name"]
    return {"name": name, **made.model_dump(mode="json")}


def arms_of(said: Any) -> Iterator[Any]:
    """The arms one table of the file stands for: itself, or one for each combination of the values in `each`.

    Raises ValueError when a list is empty, a path leads nowhere, or the name does not tell the arms apart.
    """
    if not isinstance(said, Mapping) or not said.get("each"):
        yield said
        return
    name, each = str(said.get("name", "")), said["each"]
    if not isinstance(each, Mapping):
        raise ValueError(f'arm `{name}`: `each` is a table of lists, for example each = {{ "defence.k" = [1, 2] }}')
    axes = {path: _labelled(name, path, values) for path, values in _flat(each)}
    keys = {path: path.rpartition(".")[2] for path in axes}
    if len(set(keys.values())) < len(keys):
        raise ValueError(f"arm `{name}`: two paths of `each` end alike, so no name can tell them apart")
    try:
        held = {field for _, field, _, _ in Formatter().parse(name) if field is not None}
    except ValueError:
        raise ValueError(f"arm `{name}`: the name has a brace without its other one") from None
    missing = [key for path, key in keys.items() if key not in held and len(axes[path]) > 1]
    if missing or held - set(keys.values()):
        wrong = (
            f"lacks {{{missing[0]}}}" if missing else f"has {{{min(held - set(keys.values()))}}}, which `each` lacks"
        )
        raise ValueError(f"arm `{name}`: the name {wrong}; it must tell the arms apart, like {_pattern(keys)}")
    for chosen in product(*axes.values()):
        arm = copy.deepcopy({key: value for key, value in said.items() if key != "each"})
        for path, (_, value) in zip(axes, chosen, strict=True):
            _put(arm, path, copy.deepcopy(value), name)
        arm["name"] = name.format(**{keys[path]: label for path, (label, _) in zip(axes, chosen, strict=True)})
        yield arm


def on_budget(arm: Any, budget: int) -> Any:
    """The arm with a sweep's budget in its recipe, where that can have one and does not say its own."""
    train = arm.get("train") if isinstance(arm, Mapping) else None
    settings = {"name": train} if isinstance(train, str) else train
    if not isinstance(settings, dict) or "budget" in settings or not isinstance(settings.get("name"), str):
        return arm
    if "budget" not in getattr(component("recipes", settings["name"]), "model_fields", {}):
        return arm
    return {**arm, "train": {**settings, "budget": budget}}


def _pattern(keys: Mapping[str, str]) -> str:
    return "-".join(f"{{{key}}}" for key in keys.values())


def _flat(each: Mapping[str, Any], head: str = "") -> Iterator[tuple[str, Any]]:
    """Paths and their values: `"defence.k" = [...]`, or the same as tables, whose leaves are lists or labels."""
    for key, value in each.items():
        path = f"{head}.{key}" if head else key
        nested = isinstance(value, Mapping) and path in ("defence", "train", "engine")
        yield from _flat(value, path) if nested else [(path, value)]


def _labelled(arm: str, path: str, values: Any) -> list[tuple[str, Any]]:
    if not isinstance(values, list | tuple | Mapping) or not values:
        raise ValueError(f"arm `{arm}`: each.{path} holds no values: write a list, or a table of labels and values")
    if isinstance(values, Mapping):
        return [(str(label), value) for label, value in values.items()]
    return [
        (str(value["name"] if isinstance(value, Mapping) and "name" in value else value), value) for value in values
    ]


def _put(arm: dict[str, Any], path: str, value: Any, name: str) -> None:
    *tables, key = path.split(".")
    place: Any = arm
    for table in tables:
        if isinstance(place.get(table), str):  # a component by its name alone
            place[table] = {"name": place[table]}
        place = place.get(table)
        if not isinstance(place, dict):
            raise ValueError(f"arm `{name}`: each.{path} leads nowhere: the arm has no table `{table}`")
    place[key] = value


def load_experiment(path: Path | None) -> Experiment:
    """Read an experiment file, or the embedded experiment; raises ConfigError naming the key."""
    if path is None:
        return parse_experiment((files("recusa") / EMBEDDED).read_text(encoding="utf-8"), EMBEDDED)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"there is no experiment file `{path}`", "give an experiment (TOML); `recusa run` alone runs its own"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{path}` cannot be read: {error}", "an experiment is a UTF-8 TOML file") from None
    return parse_experiment(text, path.name, re.sub(r"[^\w.-]+", "-", path.stem).lstrip(".-") or "experiment")


def parse_experiment(text: str, place: str, name: str = "experiment") -> Experiment:
    """An experiment from TOML text; `place` is what errors name."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{place} is not TOML: {error}", "texts need quotes, an arm begins with [[arms]]") from None
    try:
        experiment = Experiment(**{"name": name, **content})
    except ValidationError as error:
        raise ConfigError(*explained(error, Experiment, place)) from None
    experiment.resolved()
    return experiment


def schema() -> str:
    """JSON schema of the experiment file."""
    return json.dumps(Experiment.model_json_schema(), indent=2)
