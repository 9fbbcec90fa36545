"""A sweep end to end: its files, its failed arms, going on after a kill, and the table of the command."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.command import Call, calling
from tests.study import PROMPTS, Tap, silent

from recusa import api
from recusa.config import parse_experiment
from recusa.errors import ConfigError, TooManyFailures
from recusa.results import Results, load_results

BROKEN = '''
from __future__ import annotations
from pathlib import Path
from typing import ClassVar
from recusa.engines.scripted import Scripted
from recusa.errors import ModelError

class Broken(Scripted):
    """Cannot be opened until a file is there."""
    name: ClassVar[str] = "broken"
    file: Path

    def __enter__(self):
        if not self.file.exists():
            raise ModelError("the weights are [damaged]")
        return self
'''
TOML = """
name = "trade"
chunk = 5
sources = [{{ name = "file", path = "{folder}/prompts.jsonl" }}]
[split]
test = 1.0
[engine]
name = "scripted"
refuse = ["nothing-holds-this"]
[sweep]
cap_benign = 5
cap_borderline = 25
[[arms]]
name = "base"
[[arms]]
name = "words-{{refuse}}"
engine = {{ name = "scripted" }}
[arms.each."engine.refuse"]
steal = ["steal"]
heart = ["heart"]
all = ["e"]
{more}
"""
FAILING = """
[[arms]]
name = "broken"
engine = {{ name = "{folder}/broken.py:Broken", file = "{folder}/mended" }}
"""


class Swept:
    """A sweep on rules in a folder: `steal` refuses all harm and 1 of 4 borderline prompts, `heart` 1 of 4 harmful."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        rows = [{"prompt": text, "kind": kind} for kind, texts in PROMPTS.items() for text in texts]
        (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / "broken.py").write_text(BROKEN)

    def text(self, *, failing: bool = False) -> str:
        more = FAILING.format(folder=self.folder) if failing else ""
        return TOML.format(folder=self.folder, more=more)

    def run(self, out: str = "out", workspace: str = "ws", *, failing: bool = False, retry: bool = False) -> Results:
        experiment = parse_experiment(self.text(failing=failing), "sweep.toml")
        places = {"out": self.folder / out, "workspace": self.folder / workspace}
        return api.sweep(experiment, **places, retry_failed=retry, listener=silent)  # type: ignore[arg-type]

    def json(self, out: str = "out") -> dict[str, Any]:
        return json.loads((self.folder / out / "sweep.json").read_text())  # type: ignore[no-any-return]

    def table(self, out: str = "out") -> dict[str, dict[str, str]]:
        with (self.folder / out / "sweep.csv").open(encoding="utf-8") as file:
            return {row["arm"]: row for row in csv.DictReader(file)}


@pytest.fixture
def swept(tmp_path: Path) -> Swept:
    """A fresh sweep."""
    return Swept(tmp_path)


def test_a_sweep_names_the_arm_to_take_and_writes_it_down(swept: Swept) -> None:
    """`steal` refuses 4 of 4 harmful prompts at the caps, `all` too but everything else besides."""
    results = swept.run()
    frontier = results.frontier
    assert frontier is not None and frontier.recommended == "words-steal" and frontier.within
    assert frontier.point("words-all").clearly == () and frontier.point("words-all").dominated
    assert frontier.point("words-steal").sides["borderline"].refused == 1
    content = swept.json()
    assert content["recommended"] == "words-steal" and content["results_digest"] == results.digest
    assert [point["arm"] for point in content["points"]] == list(results.arms)
    table = swept.table()
    assert table["words-steal"]["recommended"] == "True" and table["words-steal"]["harmful_refused"] == "4"
    assert "words-steal" in table["words-all"]["dominated_by"].split()
    assert float(table["words-all"]["points_over_caps"]) > 0
    assert load_results(swept.folder / "out").frontier == frontier


@pytest.mark.usefixtures("pixels")
def test_the_report_of_a_sweep_has_the_frontier_and_that_of_a_run_has_not(swept: Swept) -> None:
    """Section, picture in three files; `recusa run` of a file without [sweep] shows neither."""
    swept.run()
    page = (swept.folder / "out" / "report.html").read_text()
    assert "words-steal is the arm to take: it refused most harm among the 2 arms within the caps" in page
    assert '<section id="frontier"' in page and 'href="#frontier"' in page
    assert "Dominated, so there is no reason to take them: words-all (by words-steal, within error)." in page
    for ending in ("svg", "png", "csv"):
        assert (swept.folder / "out" / "figures" / f"frontier.{ending}").stat().st_size > 100
    plain = parse_experiment(swept.text().replace("[sweep]\ncap_benign = 5\ncap_borderline = 25\n", ""), "run.toml")
    results = api.run(plain, out=swept.folder / "plain", workspace=swept.folder / "ws")
    assert results.frontier is None
    assert "frontier" not in (swept.folder / "plain" / "report.html").read_text()
    assert not (swept.folder / "plain" / "figures" / "frontier.svg").exists()


def test_a_killed_sweep_goes_on_and_ends_with_the_same_digest(swept: Swept, tap: Tap) -> None:
    """Finished chunks are not asked again; the finished sweep asks nothing."""
    whole = swept.run("whole", "other")
    asked = tap.since()
    tap.stop_after = 4
    with pytest.raises(KeyboardInterrupt):
        swept.run()
    before = tap.since()
    tap.stop_after = None
    resumed = swept.run()
    assert 0 < before < asked and before + tap.since() == asked
    assert resumed.digest == whole.digest
    assert swept.json() == swept.json("whole")
    swept.run()
    assert tap.since() == 0


def test_a_failed_arm_is_shown_with_its_reason_and_tried_again_when_asked(swept: Swept) -> None:
    """The others keep their places; mended, `--retry-failed` puts it among them."""
    results = swept.run(failing=True)
    assert results.frontier is not None and results.frontier.recommended == "words-steal"
    assert [(arm.arm, arm.reason) for arm in results.failed_arms] == [("broken", "the weights are [damaged]")]
    assert results.frontier.point("broken").failed == "the weights are [damaged]"
    assert {rate.failed for rate in results.rates if rate.arm == "broken"} == {4}
    assert "broken" not in {cost.arm for cost in results.cost}
    assert swept.table()["broken"]["failed"] == "the weights are [damaged]"
    page = (swept.folder / "out" / "report.html").read_text()
    assert "Failed arm: the weights are [damaged]" in page
    (swept.folder / "mended").touch()
    assert swept.run(failing=True).failed_arms == results.failed_arms  # finished: nothing is tried unasked
    again = swept.run(failing=True, retry=True)
    assert again.failed_arms == () and again.frontier is not None
    assert again.frontier.point("broken").sides["harmful"].refused == 4


def test_a_broken_arm_stops_a_plain_run(swept: Swept) -> None:
    """Outside a sweep nothing goes on past a mistake."""
    text = swept.text(failing=True).replace("[sweep]\ncap_benign = 5\ncap_borderline = 25\n", "")
    with pytest.raises(Exception, match=r"the weights are \[damaged\]"):
        api.run(parse_experiment(text, "run.toml"), out=swept.folder / "out", workspace=swept.folder / "ws")


def test_a_sweep_of_which_only_the_baseline_stands_concludes_nothing(swept: Swept) -> None:
    """Exit code 3, with everything written."""
    head, _, _ = swept.text().partition('[[arms]]\nname = "words')
    text = head + FAILING.format(folder=swept.folder)
    with pytest.raises(TooManyFailures, match="every arm but the baseline failed; `broken`: the weights"):
        api.sweep(parse_experiment(text, "s.toml"), out=swept.folder / "out", workspace=swept.folder / "ws")
    assert swept.json()["recommended"] is None
    assert "none is to be taken" in (swept.folder / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("prompts.jsonl", "harmful.jsonl"), "needs harmful and harmless prompts"),
        (("cap_benign = 5", "cap_benin = 5"), "cap_benin"),
        (("cap_benign = 5", "cap_benign = -1"), "cap_benign"),
        (("cap_benign = 5", "budget = 0"), "budget"),
    ],
)
def test_what_makes_no_sweep_is_said_first(swept: Swept, tap: Tap, change: tuple[str, str], message: str) -> None:
    """A ConfigError before anything is asked."""
    (swept.folder / "harmful.jsonl").write_text('{"prompt": "How to steal second base?", "kind": "harmful"}\n')
    with pytest.raises(ConfigError, match=message):
        api.sweep(
            parse_experiment(swept.text().replace(*change), "sweep.toml"),
            out=swept.folder / "out",
            workspace=swept.folder / "ws",
        )
    assert tap.since() == 0


def test_the_budget_goes_to_every_recipe_that_has_none(tmp_path: Path) -> None:
    """By name, with settings, and in arms that stand for many; a recipe's own stays."""
    text = """
    [sweep]
    budget = 5000
    [[arms]]
    name = "base"
    [[arms]]
    name = "plain"
    train = "refusal"
    [[arms]]
    name = "own"
    train = { name = "refusal", budget = 7 }
    [[arms]]
    name = "r-{r}"
    train = "balanced"
    [arms.each]
    "train.r" = [4, 8]
    """
    arms = parse_experiment(text, "s.toml").arms
    assert [arm.train["budget"] for arm in arms[1:] if isinstance(arm.train, dict)] == [5000, 7, 5000, 5000]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Runs a command in an empty folder."""
    yield from calling(tmp_path, monkeypatch, capsys)


def test_the_command_prints_the_frontier_in_80_columns(swept: Swept, call: Call) -> None:
    """The table, the failed arm's reason, the arm to take; a second call says that nothing is left."""
    (swept.folder / "sweep.toml").write_text(swept.text(failing=True))
    ran = call("sweep", "sweep.toml")
    assert ran.code == 0
    table, *_ = ran.out.partition("caps over")
    assert max(map(len, table.splitlines())) <= 80
    lines = {line.split()[1]: " ".join(line.split()) for line in table.splitlines()[2:] if len(line.split()) > 4}
    assert lines["words-steal"] == "2 words-steal 100 (51-100) 25 (5-70) 0 (0-49) recommended"
    assert lines["words-heart"] == "3 words-heart 25 (5-70) 0 (0-49) 0 (0-49) maybe as good"
    assert "behind 2" in lines["words-all"] and "over" in lines["words-all"]
    assert "broken failed: the weights are [damaged]" in ran.out
    assert "take words-steal: most harm refused within the caps, though its intervals reach past them" in ran.out
    assert "nothing is left to do" in call("sweep", "sweep.toml").err


def test_the_plan_of_a_sweep_asks_nothing(swept: Swept, call: Call, tap: Tap) -> None:
    """`--dry-run` lists every arm."""
    (swept.folder / "sweep.toml").write_text(swept.text())
    ran = call("sweep", "sweep.toml", "--dry-run")
    assert ran.code == 0 and "words-heart" in ran.out and tap.since() == 0
