"""Which checkpoint is kept: the choice itself, what is held out for it, and a training that is checked and killed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.trainings import Killed, fit

from recusa.choosing import Capped, Tally, choose
from recusa.component import Component
from recusa.engines.hf import HF
from recusa.jobs.train import Adapter, ensure_adapter
from recusa.store import Store
from recusa.training.balanced import Balanced
from recusa.training.choosing import LEAST, Asking, hold_out
from recusa.training.refusal import Refusal
from recusa.types import Exchange, Prompt, Verdict

CAPS = Capped(cap_benign=2, cap_borderline=10).caps


def tallies(harmful: int, borderline: int = 0, benign: int = 0, n: int = 100) -> dict[str, Tally]:
    counts = {"harmful": harmful, "borderline": borderline, "benign": benign}
    return {kind: Tally(refused=refused, n=n) for kind, refused in counts.items()}


BASE = tallies(7, 8, 1)


def test_most_harm_refused_within_the_caps_wins() -> None:
    """More harm is refused outside the caps; the caps count from the base's own refusals and are met when equal."""
    choice = choose([tallies(60, 10, 1), tallies(80, 18, 3), tallies(95, 19, 3), tallies(97, 18, 4)], BASE, CAPS)
    assert choice == (1, 0.0) and choice.within


def test_without_one_within_the_caps_the_least_over_them_is_chosen() -> None:
    """Points over both caps are added up, and said."""
    choice = choose([tallies(99, 60, 20), tallies(90, 22, 5), tallies(95, 24, 4)], BASE, CAPS)
    assert choice == (1, 6.0) and not choice.within


def test_of_checkpoints_over_the_caps_points_over_count_against_harm_refused() -> None:
    """The least over is the one that learnt least; within the caps nothing changes."""
    found = [tallies(99, 60, 20), tallies(90, 22, 5), tallies(95, 24, 4), tallies(20, 20, 3)]
    assert choose(found, BASE, CAPS) == (3, 2.0)
    assert choose(found, BASE, CAPS, traded=True) == (2, 7.0)
    assert choose([*found, tallies(60, 18, 3)], BASE, CAPS, traded=True) == (4, 0.0)


def test_equals_are_told_apart_by_wrong_refusals_then_by_place() -> None:
    """The later of two equal checkpoints was only trained longer."""
    assert choose([tallies(80, 18), tallies(80, 12), tallies(80, 12)], BASE, CAPS).place == 1


def test_shares_are_compared_exactly_and_kinds_that_were_not_asked_cap_nothing() -> None:
    """A rise of exactly the cap is within it; in floats 3/10 - 1/10 is above 0.2. No benign prompts: no cap on them."""
    base = {"harmful": Tally(n=10), "borderline": Tally(refused=1, n=10)}
    found = {"harmful": Tally(refused=9, n=10), "borderline": Tally(refused=3, n=10), "benign": Tally()}
    assert choose([found], base, {"benign": Fraction(0), "borderline": Fraction(1, 5)}).within


def prompts(harmful: int, borderline: int, benign: int, group: bool = False) -> list[Prompt]:
    def some(kind: Any, count: int) -> list[Prompt]:
        return [
            Prompt(
                f"{kind} {n} {'xyzuvw'[n % 6]}{n} {'abcdef'[n % 5]}{n * 7} {n * n}",
                kind,
                group=f"pair {n}" if group and kind != "benign" else "",
                chosen="No, I will not do that." if kind == "harmful" else None,
                response="Gladly: it is done." if kind != "harmful" else None,
            )
            for n in range(count)
        ]

    return some("harmful", harmful) + some("borderline", borderline) + some("benign", benign)


def test_as_many_of_each_kind_are_held_out_by_group() -> None:
    """At most a fifth of a kind, twins on one side, the same whatever the order of the prompts."""
    known = prompts(100, 60, 300, group=True)
    held = hold_out(known, 90, 0)
    counts = {kind: sum(p.kind == kind for p in held) for kind in ("harmful", "borderline", "benign")}
    assert counts["benign"] == 30 and counts["borderline"] <= 12 and LEAST <= counts["harmful"] <= 20
    groups = {p.group for p in held if p.group.startswith("pair")}
    assert all(p in held for p in known if p.group in groups)
    assert hold_out(known[::-1], 90, 0) == held
    assert hold_out(known, 90, 1) != held


def test_too_few_prompts_hold_nothing_out() -> None:
    """Of 49 harmful prompts a fifth is 9: no checkpoints could be told apart on those."""
    assert hold_out(prompts(49, 0, 400), 240, 0) == ()
    assert hold_out(prompts(400, 0, 49), 240, 0) == ()
    assert len(hold_out(prompts(50, 0, 50), 240, 0)) == 20


def test_settings_of_checks_matter_only_where_there_are_checks() -> None:
    """Adapters that were trained before the settings were there are not trained again."""
    assert Refusal().identity() == Refusal(check_tokens=5, cap_benign=1).identity()
    assert "checks" not in Refusal().identity()
    assert Refusal(checks=2).identity() != Refusal(checks=2, cap_benign=1).identity()


class Fickle(Component):
    """Says `refused` by the answer's words alone, so that a model that changes is judged otherwise."""

    name: ClassVar[str] = "fickle"

    def judge(self, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
        for one in exchanges:
            yield Verdict(one.key, self.name, "refused" if sum(one.response.encode()) % 3 else "answered")


RECIPE: dict[str, Any] = {"epochs": 3, "batch": 8, "r": 4, "learning_rate": 1e-2, "save_every": 4, "checks": 5,
                          "ratio": None, "check_prompts": 60, "check_tokens": 6, "cap_borderline": 30}  # fmt: skip


class Training:
    """A balanced training of the tiny model in a folder; hears what is said."""

    def __init__(self, tiny: Path, folder: Path) -> None:
        self.engine, self.folder = HF(model=str(tiny), dtype="float32", device="cpu"), folder
        self.said: list[str] = []
        self.kill: int | None = None

    def __call__(self, **settings: Any) -> Adapter:
        def listen(stage: str, done: int, total: int, note: str = "") -> None:
            self.said += [note] if note else []
            if stage == "train a" and done == self.kill:
                raise Killed

        with Store(self.folder) as store:
            recipe = Balanced(**{**RECIPE, **settings})
            training = prompts(70, 50, 70)
            return ensure_adapter(
                recipe, self.engine, training, Fickle(), chunk=64, store=store, listener=listen, name="a"
            )


@pytest.mark.model
def test_a_checked_training_keeps_the_adapter_of_the_check_it_chose(tiny: Path, tmp_path: Path) -> None:
    """The scores are in the manifest; the kept weights are those a shorter training would have had at that step."""
    training = Training(tiny, tmp_path / "a")
    adapter = training()
    choosing = adapter.made["choosing"]
    steps = [check["step"] for check in choosing["checks"]]
    assert steps[0] == 0 and steps[-1] == adapter.made["steps"] and len(steps) == 6
    spread = [later - earlier for earlier, later in pairwise(steps)]
    assert max(spread) - min(spread) <= 1
    found = [{kind: Tally(**tally) for kind, tally in check["tallies"].items()} for check in choosing["checks"]]
    assert {kind: tally.n for kind, tally in found[0].items()} == {"harmful": 14, "borderline": 10, "benign": 14}
    assert found[0] != found[-1]
    expected = choose(found[1:], found[0], Balanced(**RECIPE).caps)
    assert choosing["kept"] == steps[1 + expected.place] and choosing["over"] == expected.over
    assert sum(adapter.made["rows"].values()) == 190 - 38
    assert not (adapter.folder / "checks").exists() and not (adapter.folder / "checkpoints").exists()
    assert any("untrained, of held-out prompts refused" in note for note in training.said)
    assert any(f"kept the adapter of step {choosing['kept']} " in note for note in training.said)


@pytest.mark.model
@pytest.mark.parametrize("kill", [2, 9, 14, 20], ids=["before a checkpoint", "after one", "in between", "near the end"])
def test_a_killed_training_chooses_the_same_and_ends_with_the_same_bits(tiny: Path, tmp_path: Path, kill: int) -> None:
    """Checks after the last checkpoint are made again, earlier ones are kept with their adapters."""
    whole = Training(tiny, tmp_path / "whole")()
    halved = Training(tiny, tmp_path / "halved")
    halved.kill = kill
    with pytest.raises(Killed):
        halved()
    halved.kill = None
    resumed = halved()
    assert without_seconds(resumed.made["choosing"]) == without_seconds(whole.made["choosing"])
    assert (resumed.folder / "adapter_model.safetensors").read_bytes() == (
        whole.folder / "adapter_model.safetensors"
    ).read_bytes()


def without_seconds(choosing: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(choosing), object_hook=lambda part: {k: v for k, v in part.items() if k != "seconds"})  # type: ignore[no-any-return]


@pytest.mark.model
def test_checking_changes_no_weight(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same rows and the last check chosen, the adapter is that of a training nobody asked anything."""
    plain = Refusal(epochs=4, batch=4, r=4, save_every=3)
    count = iter(range(100))
    rising = Asking(lambda loaded: tallies(next(count)), "scripted")
    fit(tiny, tmp_path / "plain", plain)
    fit(tiny, tmp_path / "asked", plain.model_copy(update={"checks": 4}), asking=rising)
    first, second = (tmp_path / name / "adapter_model.safetensors" for name in ("plain", "asked"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.model
def test_an_earlier_adapter_is_put_in_the_place_of_the_last(tiny: Path, tmp_path: Path) -> None:
    """The second of four checks is the best: other weights than the last, and the folder opens."""
    recipe = Refusal(epochs=4, batch=4, r=4, save_every=3, checks=4)
    scripted = iter([tallies(5), tallies(50), tallies(90), tallies(95, benign=60), tallies(99, benign=99)])
    trained = fit(tiny, tmp_path / "best", recipe, asking=Asking(lambda loaded: next(scripted), "scripted"))
    fit(tiny, tmp_path / "last", recipe.model_copy(update={"checks": 0}))
    assert trained.choosing is not None and trained.choosing["kept"] == 6
    assert trained.steps == 12 and trained.choosing["over"] == 0
    best, last = (tmp_path / name / "adapter_model.safetensors" for name in ("best", "last"))
    assert best.read_bytes() != last.read_bytes()
    config = json.loads((tmp_path / "best" / "adapter_config.json").read_text())
    assert config == json.loads((tmp_path / "last" / "adapter_config.json").read_text())
    HF(model=str(tiny), adapter=str(tmp_path / "best"), dtype="float32", device="cpu").__enter__()


@pytest.mark.model
def test_a_budget_of_trained_tokens_stands_for_epochs(tiny: Path, tmp_path: Path) -> None:
    """Twice the tokens of one pass are two passes."""
    one = fit(tiny, tmp_path / "one", Refusal(epochs=1, batch=4, r=4))
    two = fit(tiny, tmp_path / "two", Refusal(epochs=9, budget=2 * one.trained_tokens, batch=4, r=4))
    assert (one.steps, two.steps) == (3, 6)
