"""Arms that differ only in k or in the selector: what they share, what that changes, and what each would cost alone."""

from __future__ import annotations

from typing import Any

import pytest
from tests.study import Study, Tap, silent

from recusa.config import Experiment, parse_experiment
from recusa.engines.scripted import Scripted
from recusa.jobs.plan import plan
from recusa.jobs.run import run_experiment
from recusa.results import Results

GRID = """
chunk = 5
sources = [{{ name = "file", path = "{folder}/prompts.jsonl" }}]
[split]
test = 1.0
[engine]
name = "scripted"
share = 0.5
refuse = ["steal", "quietly", "softly"]
{engine}
[[arms]]
name = "plain"
[[arms]]
name = "{{operator}}-{{selector}}-{{k}}"
defence = {{ name = "perturbation" }}
[arms.each]
"defence.k" = {k}
"defence.selector" = ["any-refusal", "majority", "judge"]
"defence.operator" = {{ words = "{folder}/mine.py:Op", again = "resample" }}
"""


def experiment(study: Study, k: str = "[1, 2]", engine: str = "") -> Experiment:
    return parse_experiment(GRID.format(folder=study.folder, k=k, engine=engine), "grid.toml", "grid")


def run(study: Study, place: str = "", **changes: str) -> Results:
    return run_experiment(
        experiment(study, **changes), study.folder / f"out{place}", study.folder / f"ws{place}", silent
    )


def alone(study: Study, whole: Experiment, arm: str, place: str) -> Results:
    """One arm of the grid in a workspace of its own."""
    arms = tuple(a for a in whole.arms if a.name == arm)
    single = whole.model_copy(update={"arms": arms})
    return run_experiment(single, study.folder / f"out{place}", study.folder / f"ws{place}", silent)


def said(results: Results, arm: str, lines: list[dict[str, Any]]) -> list[Any]:
    return [[line["prompt_id"], line["response"], line["tries"]] for line in lines if line["arm"] == arm]


def test_every_k_and_selector_costs_one_pass_of_the_largest_k(study: Study, tap: Tap) -> None:
    """13 arms, 12 prompts: the prompts once, and each operator's two rounds once; costs are those of each arm alone."""
    results = run(study)
    assert tap.since() == 12 + 2 * 2 * 12
    for cost in results.cost[1:]:
        k = int(cost.arm[-1])
        assert (cost.calls, cost.variants_wanted, cost.whole) == (12 * (k + 1), 12 * k, 12)
    plain = results.cost[0]
    assert all(cost.answer_tokens > plain.answer_tokens for cost in results.cost[1:])


@pytest.mark.parametrize("arm", ["words-majority-2", "again-any-refusal-2", "words-judge-1"])
def test_sharing_changes_no_answer(study: Study, tap: Tap, arm: str) -> None:
    """An arm says the same, try by try, when it is alone in a workspace of its own."""
    together, whole = run(study), experiment(study)
    lines = study.lines()
    single = alone(study, whole, arm, "1")
    assert said(single, arm, study.lines("out1")) == said(together, arm, lines)
    assert [c.model_copy(update={"seconds": 0.0}) for c in single.cost] == [
        c.model_copy(update={"seconds": 0.0}) for c in together.cost if c.arm == arm
    ]


def test_a_larger_k_asks_only_its_own_rounds(study: Study, tap: Tap) -> None:
    """Then k = 4 is asked of the same workspace: two rounds are new, one for the operator that has three words."""
    run(study)
    tap.since()
    run(study, k="[1, 2, 4]")
    assert tap.since() == 12 + 2 * 12


def test_the_first_try_is_the_answer_of_the_arm_without_a_defence(study: Study) -> None:
    """Sampling noise included: the first try is that arm's own draw, so nothing but the variants differs."""
    whole = experiment(study)
    hot = whole.model_copy(update={"sampling": whole.sampling.model_copy(update={"temperature": 1.0})})
    run_experiment(hot, study.folder / "out", study.folder / "ws", silent)
    lines = study.lines()
    plain = {line["prompt_id"]: line["response"] for line in lines if line["arm"] == "plain"}
    tried = [line for line in lines if line["tries"]]
    assert tried
    assert all(line["tries"][0]["response"] == plain[line["prompt_id"]] for line in tried)


@pytest.mark.parametrize("batches", [0, 2, 5, 9, 13])
def test_stopped_between_rounds_it_goes_on_and_ends_the_same(study: Study, tap: Tap, batches: int) -> None:
    """A round is the unit that is kept, inside an arm too: nothing that was answered whole is asked again."""
    tap.stop_after = batches
    with pytest.raises(KeyboardInterrupt):
        run(study)
    done = tap.since()
    tap.stop_after = None
    stopped = run(study)
    assert tap.since() == 60 - done
    assert stopped.digest == run(study, "2").digest


def test_a_round_that_failed_is_asked_again_on_request(study: Study, tap: Tap) -> None:
    """A try that timed out leaves the row answered; `retry_failed` asks its round again, once for all arms."""
    tap.fail = "softly"
    broken = run(study)
    assert any(line.get("error") == "Timeout: gave up" for row in study.lines() for line in row["tries"])
    tap.fail = ""
    tap.since()
    whole = run_experiment(experiment(study), study.folder / "out", study.folder / "ws", silent, retry_failed=True)
    assert 0 < tap.since() <= 24
    assert whole.digest != broken.digest
    assert whole.digest == run(study, "2").digest


def test_seconds_are_those_an_arm_would_take_alone(study: Study) -> None:
    """The arms that come last ask nothing, and are still shown with the time their calls took."""
    results = run(study, engine="seconds = 0.002")
    seconds = {cost.arm: cost.seconds for cost in results.cost}
    assert seconds["plain"] >= 12 * 0.002
    assert all(seconds[arm] >= 36 * 0.002 for arm in seconds if arm.endswith("-2"))


def test_weights_are_opened_only_when_something_is_missing(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arms whose calls are all kept do not load the model, and everything opened is closed again."""
    opened: list[str] = []
    real_in, real_out = Scripted.__enter__, Scripted.__exit__

    def enter(self: Scripted) -> Scripted:
        opened.append("in")
        return real_in(self)

    def leave(self: Scripted, *exc: object) -> None:
        opened.append("out")
        real_out(self, *exc)

    monkeypatch.setattr(Scripted, "__enter__", enter)
    monkeypatch.setattr(Scripted, "__exit__", leave)
    run(study)
    assert opened.count("in") == opened.count("out")
    assert opened.count("in") == 1 + 2 * 2  # plain, and each operator when its first and its second round are new


def test_the_plan_counts_shared_calls_once(study: Study, tap: Tap) -> None:
    """What `--dry-run` adds up is what the run then asks."""
    planned = plan(experiment(study), study.folder / "ws")
    assert sum(arm.calls for arm in planned.arms) == 60
    by_name = {arm.arm: (arm.calls, arm.shared) for arm in planned.arms}
    assert by_name["plain"] == (12, 0)
    assert by_name["words-any-refusal-1"] == (12, 12)
    assert by_name["words-judge-2"] == (0, 36)
    run(study)
    assert tap.since() == 60
