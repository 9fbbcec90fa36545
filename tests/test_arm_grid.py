"""One table of an experiment file that stands for many arms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recusa.config import Experiment, load_experiment, parse_experiment
from recusa.errors import ConfigError

GRID = Path(__file__).parents[1] / "experiments" / "perturbation-grid.toml"
HEAD = '[[arms]]\nname = "plain"\n[[arms]]\n'


def arms(text: str) -> dict[str, Any]:
    return {arm.name: arm.defence for arm in parse_experiment(HEAD + text, "x.toml").arms}


def test_every_combination_becomes_an_arm_in_the_order_of_the_file() -> None:
    """Lists and labelled tables, whole components and single settings."""
    found = arms(
        'name = "{operator}-{k}"\ndefence = "perturbation"\n[arms.each."defence.operator"]\n'
        'swap = { name = "characters", way = "swap" }\nagain = "resample"\n[arms.each]\n"defence.k" = [1, 4]'
    )
    assert list(found) == ["plain", "swap-1", "swap-4", "again-1", "again-4"]
    assert found["swap-4"] == {"name": "perturbation", "operator": {"name": "characters", "way": "swap"}, "k": 4}
    assert found["plain"] is None


def test_paths_may_be_written_as_tables() -> None:
    """`[arms.each.defence]` says the same as quoted paths, and arms differ by system prompts too."""
    found = arms('name = "p{k}"\ndefence = { name = "perturbation" }\n[arms.each.defence]\nk = [1, 2]')
    assert [spec["k"] for name, spec in found.items() if spec] == [1, 2]
    told = parse_experiment(
        HEAD + 'name = "{system}"\neach = { system = { kind = "Be kind.", curt = "Be curt." } }', "x"
    )
    assert [(arm.name, arm.system) for arm in told.arms[1:]] == [("kind", "Be kind."), ("curt", "Be curt.")]


def test_written_out_arms_are_the_same_experiment() -> None:
    """What is saved with a run and compared with it are the arms, not how they were written."""
    short = parse_experiment(HEAD + 'name = "p{k}"\ndefence = "perturbation"\neach = { "defence.k" = [1, 2] }', "x")
    long = "[[arms]]\n".join(
        [
            HEAD.removesuffix("[[arms]]\n"),
            *(f'name = "p{k}"\ndefence = {{ name = "perturbation", k = {k} }}\n' for k in (1, 2)),
        ]
    )
    assert short.resolved() == parse_experiment(long, "x").resolved()
    assert Experiment(**short.model_dump()) == short


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "p"\ndefence = "perturbation"\neach = { "defence.k" = [1, 2] }', r"arm `p`: the name lacks \{k\}"),
        ('name = "p{k}{x}"\ndefence = "perturbation"\neach = { "defence.k" = [1] }', r"has \{x\}, which `each` lacks"),
        ('name = "p{k}"\neach = { "defence.k" = [1] }', "each.defence.k leads nowhere: the arm has no table `defence`"),
        ('name = "p{k}"\ndefence = "perturbation"\neach = { "defence.k" = [] }', "each.defence.k holds no values"),
        ('name = "p{k}"\ndefence = "perturbation"\neach = { "defence.k" = 3 }', "each.defence.k holds no values"),
        ('name = "p{k}"\ndefence = "perturbation"\neach = 3', "`each` is a table of lists"),
        ('name = "p{k"\ndefence = "perturbation"\neach = { "defence.k" = [1] }', "arm `p{k`: the name has a brace"),
        ('name = "p{k}"\ndefence = "perturbation"\neach = { "defence.k" = [0] }', "arms.p0.defence.k"),
        ('name = "p{k}"\ndefence = "perturbation"\neach = { "defence.k" = [1, 1] }', "two arms are named `p1`"),
        ('name = "{q}"\ndefence = "perturbation"\neach = { "defence.q" = [1] }', "arms.1.defence.q: there is no such"),
        ('name = "{k}{k.__class__}"\ndefence = "perturbation"\neach = { "defence.k" = [1] }', "which `each` lacks"),
    ],
)
def test_what_makes_no_sense_is_said(text: str, message: str) -> None:
    """One line that names the arm and the key."""
    with pytest.raises(ConfigError, match=message):
        arms(text)


def test_an_arm_left_unwritten_is_refused() -> None:
    """`each` in an arm made in Python without an experiment round it would be silently ignored."""
    from recusa.config import ArmSettings

    with pytest.raises(ValueError, match="each"):
        Experiment(arms=(ArmSettings(name="p", each={"defence.k": [1]}),))


def test_the_grid_has_every_cell() -> None:
    """Operators x selectors x k, with the original, the control and the system prompt."""
    experiment = load_experiment(GRID)
    names = {arm.name for arm in experiment.arms}
    assert len(names) == 2 + 5 * 4 * 4 + 4 * 2  # the embedded writer is asked for one and two variants only
    assert {"original", "system-prompt", "resample-bank-8", "paraphrase-judge-2", "patch-majority-4"} <= names
    assert experiment.compared_with == "original"
