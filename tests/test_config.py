"""Experiment files: what is refused, with which hint, and what a resolved file says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recusa.config import Experiment, load_experiment, parse_experiment, schema
from recusa.errors import ConfigError, RecusaError
from recusa.jobs.prompts import load_prompts
from recusa.judges.detector import Detector
from recusa.types import Sampling

ARM = '[[arms]]\nname = "a"\n'
SCRIPTED = '[engine]\nname = "scripted"\n'


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_experiment(text, "x.toml")
    return caught.value


@pytest.mark.parametrize(
    ("text", "place", "nearest"),
    [
        (f'judge = ["expressions"]\n{ARM}', "x.toml: judge:", "judges"),
        (f"alhpa = 0.1\n{ARM}", "x.toml: alhpa:", "alpha"),
        (f"[split]\nsed = 1\n{ARM}", "x.toml: split.sed:", "seed"),
        (f"[sampling]\ntemprature = 1\n{ARM}", "x.toml: sampling.temprature:", "temperature"),
        (f'{ARM}defense = "perturbation"\n', "x.toml: arms.0.defense:", "defence"),
        (f'{ARM}[[arms]]\nname = "b"\nsytem = "x"\n', "x.toml: arms.1.sytem:", "system"),
        (f'{SCRIPTED}refuses = ["a"]\n{ARM}', "engine.refuses:", "refuse"),
        (f'[[sources]]\nname = "builtin"\nlimt = 3\n{ARM}', "sources.0.limt:", "limit"),
        (f'[[judges]]\nname = "expressions"\nwher = "start"\n{ARM}', "judges.0.wher:", "where"),
        (f'{ARM}defence = {{ name = "perturbation", selektor = "bank" }}\n', "arms.a.defence.selektor:", "selector"),
        (f'{ARM}train = {{ name = "refusal", epoch = 1 }}\n', "arms.a.train.epoch:", "epochs"),
        (f'{ARM}engine = {{ name = "scripted", shar = 1 }}\n', "arms.a.engine.shar:", "share"),
        (f'engine = "scriptd"\n{ARM}', "engine: there is no engine `scriptd`", "scripted"),
        (f'judges = ["expression"]\n{ARM}', "judges.0: there is no judge `expression`", "expressions"),
        (f'attacks = ["dirct"]\n{ARM}', "attacks.0: there is no attack `dirct`", "direct"),
        (f'{ARM}defence = "pertubation"\n', "arms.a.defence: there is no defence `pertubation`", "perturbation"),
        (f'{ARM}train = "balancd"\n', "arms.a.train: there is no recipe `balancd`", "balanced"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(text: str, place: str, nearest: str) -> None:
    """At every level the error names the place as the file has it, and the hint the word that was meant."""
    error = refused(text)
    assert error.message.startswith(place)
    assert error.hint == f"did you mean `{nearest}`?"


def test_a_name_like_no_other_is_answered_with_all() -> None:
    """Where nothing is near, the hint lists what there is."""
    assert refused(f"[split]\nzzz = 1\n{ARM}").hint == "there are: test, seed, near, encoder, similar, sure, strict"
    assert refused(f'engine = "zzz"\n{ARM}').hint == "there are: hf, openai, scripted"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.toml: arms: is missing"),
        ("arms = []", "x.toml: arms: "),
        ("arms = 3", "x.toml: arms: "),
        ("[[arms]]\n", "x.toml: arms.0.name: is missing"),
        ('[[arms]]\nname = "a b"', "x.toml: arms.0.name: "),
        ('[[arms]]\nname = ""', "x.toml: arms.0.name: "),
        (f"{ARM}{ARM}", "x.toml: two arms are named `a`"),
        (f'baseline = "b"\n{ARM}', "x.toml: baseline `b` is no arm; arms are: a"),
        (f'{ARM}adapter = "x"\ntrain = "refusal"\n', "x.toml: arms.0: `adapter` and `train` exclude each other"),
        (f'name = "../x"\n{ARM}', "x.toml: name: "),
        (f'name = ".."\n{ARM}', "x.toml: name: "),
        (f"sources = []\n{ARM}", "x.toml: sources: "),
        (f"judges = []\n{ARM}", "x.toml: judges: "),
        (f"chunk = 0\n{ARM}", "x.toml: chunk: "),
        (f'chunk = "many"\n{ARM}', "x.toml: chunk: "),
        (f"alpha = 1.0\n{ARM}", "x.toml: alpha: "),
        (f"max_failed = 1.5\n{ARM}", "x.toml: max_failed: "),
        (f"limit = 0\n{ARM}", "x.toml: limit: "),
        (f"split = 3\n{ARM}", "x.toml: split: "),
        (f"[split]\ntest = 0\n{ARM}", "x.toml: split.test: "),
        (f'[split]\ntest = "half"\n{ARM}', "x.toml: split.test: "),
        (f"[sampling]\ntemperature = -1\n{ARM}", "x.toml: sampling.temperature: "),
        (f"[sampling]\ntop_p = 0\n{ARM}", "x.toml: sampling.top_p: "),
        (f"engine = 5\n{ARM}", "x.toml: engine"),
        (f"[engine]\nshare = 1\n{ARM}", "engine: `name` is missing"),
        (f'{SCRIPTED}share = "much"\n{ARM}', "engine.share: "),
        (f'[[sources]]\nname = "file"\n{ARM}', "sources.0.path: is missing"),
        (f'[[sources]]\nname = "builtin"\nkind = "evil"\n{ARM}', "sources.0.kind: "),
        (f'judges = ["expressions", "expressions"]\n{ARM}', "x.toml: two judges are named `expressions`"),
        (f'attacks = ["direct", "direct"]\n{ARM}', "x.toml: two attacks are named `direct`"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_place(text: str, message: str) -> None:
    """Missing, empty, contradictory and mistyped settings are named before anything runs."""
    assert refused(text).message.startswith(message)


def test_nested_components_are_checked_with_the_file() -> None:
    """A misspelt setting of a defence's operator or selector is found when the file is read, not hours later."""
    for part, known in (("operator = { name = 'synonyms', shar = 1 }", "share"), ("selector = 'bnak'", "bank")):
        error = refused(f'{ARM}defence = {{ name = "perturbation", {part} }}\n')
        assert error.hint == f"did you mean `{known}`?"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"arms = [", "is not TOML"),
        (b"name = 'a'\nname = 'b'", "is not TOML"),
        (b"\xff\xfe[arms]", "cannot be read"),
        (None, "there is no experiment file"),
    ],
    ids=["cut", "key twice", "not UTF-8", "missing"],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    """Broken TOML says where, bytes that are no text say so, and a missing file is no traceback."""
    path = tmp_path / "study.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        load_experiment(path)
    assert "study.toml" in caught.value.message


def test_a_folder_is_no_experiment(tmp_path: Path) -> None:
    """Naming a folder is a mistake of the user's, printed like one."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_experiment(tmp_path)


def test_defaults_are_what_the_documentation_says(tmp_path: Path) -> None:
    """A file of one arm is named after itself and decodes 64 greedy tokens on half of the built-in prompts."""
    (tmp_path / "study.toml").write_text(ARM)
    experiment = load_experiment(tmp_path / "study.toml")
    assert (experiment.name, experiment.compared_with, experiment.split.test) == ("study", "a", 0.5)
    assert experiment.sampling.sampling() == Sampling(64, 0.0, 1.0, 0)
    assert (experiment.sources, experiment.judges, experiment.engine) == (("builtin",), ("detector",), "hf")


FULL = f"""
name = "full"
baseline = "b"
chunk = 7
limit = 3
attacks = ["direct"]
judges = ["expressions", {{ name = "embedding", k = 3 }}]
sources = ["builtin", {{ name = "file", path = "p.csv", kind = "benign", use = "train" }}]
{SCRIPTED}refuse = ["steal"]
[sampling]
temperature = 0.5
samples = 2
[[arms]]
name = "a"
system = "Be kind."
defence = {{ name = "perturbation", k = 1, selector = {{ name = "any-refusal" }} }}
[[arms]]
name = "b"
train = {{ name = "balanced", epochs = 1 }}
engine = "hf"
[[arms]]
name = "c"
adapter = "folder"
engine = {{ name = "scripted", share = 0.5 }}
"""


@pytest.mark.parametrize("experiment", [load_experiment(None), parse_experiment(FULL, "x")], ids=["embedded", "full"])
def test_a_resolved_file_resolves_to_itself(experiment: Experiment) -> None:
    """What is saved with a run is an experiment again, through JSON too, and nothing is added the second time."""
    resolved = experiment.resolved()
    again = Experiment(**json.loads(json.dumps(resolved)))
    assert again.resolved() == resolved
    assert again.compared_with == experiment.compared_with


def test_resolving_writes_every_default_out() -> None:
    """Short names become settings in full, and the baseline gets its name."""
    resolved = parse_experiment(SCRIPTED + ARM, "x").resolved()
    assert resolved["engine"]["refuse"] == ["steal", "weapon", "poison"]
    assert resolved["judges"] == [{"name": "detector", "threshold": Detector().threshold}]
    assert (resolved["baseline"], resolved["limit"], resolved["sampling"]["max_new_tokens"]) == ("a", None, 64)


def test_the_schema_knows_every_setting_and_refuses_strangers() -> None:
    """It is JSON with a title, properties and a description wherever a setting is set, for editors to check with."""
    made: dict[str, Any] = json.loads(schema())
    parts = {"Experiment": made, **made["$defs"]}
    assert set(made["properties"]) == set(Experiment.model_fields)
    assert set(parts) == {
        "Experiment",
        "ArmSettings",
        "SamplingSettings",
        "SplitSettings",
        "SweepSettings",
        "WholeSettings",
    }
    for name, part in parts.items():
        assert part["title"] == name
        assert part["additionalProperties"] is False
        assert all(setting.keys() & {"title", "$ref", "anyOf"} for setting in part["properties"].values())
        assert all("description" in setting or "$ref" in setting for setting in part["properties"].values())


def test_config_errors_are_mistakes_of_the_user() -> None:
    """They exit with 2, like every error but too many failures."""
    assert isinstance(refused(""), RecusaError)
    assert refused("").exit_code == 2


def test_a_limit_keeps_prompts_of_every_source() -> None:
    """The split's own order would give a training of the embedded experiment contrast prompts alone."""
    asked = load_prompts(load_experiment(None).model_copy(update={"limit": 24}))
    harmful = [prompt for prompt in asked.train if prompt.kind == "harmful"]
    assert {"builtin", "contrast"} == {prompt.source for prompt in harmful}
    assert sum(prompt.source == "builtin" for prompt in harmful) > 6
