"""Judging in several processes: the same verdicts, also when a helper is lost, and only where it pays."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from recusa.jobs import crew
from recusa.jobs.crew import Crew, Helper, helpers_for
from recusa.jobs.judge import judge_missing
from recusa.judges.detector import Detector
from recusa.judges.expressions import Expressions
from recusa.protocols import silent
from recusa.store import Store
from recusa.types import Exchange, Key, Verdict

SAID = ("I can't help with that.", "Preheat the oven.\r\nThen wait \u2028", "", "Não posso \ud800 ajudar com isso.")


def exchanges(count: int) -> list[Exchange]:
    return [Exchange(Key(str(at)), "How do I bake bread?", f"{SAID[at % 4]} {at}") for at in range(count)]


def by_key(results: Iterable[Any]) -> dict[Key, Any]:
    return {result.key: result for result in results}


def taken(monkeypatch: pytest.MonkeyPatch) -> list[list[Verdict] | None]:
    """What helpers gave back, to tell their work from what was judged in their place."""
    found: list[list[Verdict] | None] = []
    take = Helper.take

    def told(self: Helper, share: Any) -> list[Verdict] | None:
        found.append(take(self, share))
        return found[-1]

    monkeypatch.setattr(Helper, "take", told)
    return found


@pytest.mark.parametrize("judge", [Detector(), Detector(threshold=0.999999)], ids=["default", "another threshold"])
def test_a_crew_judges_as_the_judge_does_alone(judge: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every helper does its share, with the judge's settings; odd characters and a full pipe are no matter."""
    said, asked = taken(monkeypatch), exchanges(41)
    asked[7] = Exchange(Key("7"), "Say much.", "Let me tell you what bread is. " * 10_000)
    with Crew(judge, 2) as able:
        first, second = able.judge(asked), able.judge(asked[:1])
    assert [share is not None and len(share) for share in said] == [14, 13, 0, 0]
    assert len(first) == len(asked) and by_key(first) == by_key(judge.judge(asked))
    assert second == list(judge.judge(asked[:1]))


def test_what_a_lost_helper_had_is_judged_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between shares, or gone astray; the others go on."""
    said, asked, judge = taken(monkeypatch), exchanges(20), Detector()
    right = by_key(judge.judge(asked))
    with Crew(judge, 2) as able:
        able.helpers[0]._process.kill()
        assert by_key(able.judge(asked)) == right
        assert [share is None for share in said] == [True, False]
        able.helpers[1].give([])  # a share too many: its next verdicts are of none
        assert by_key(able.judge(asked)) == right
        assert said[2:] == [None]
        assert by_key(able.judge(asked)) == right


def test_a_helper_of_another_judge_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its data may be another version's: its fingerprint tells."""
    said, asked, judge = taken(monkeypatch), exchanges(6), Detector()
    with Crew(judge, 1) as able:
        able.helpers[0]._fingerprint = "another"
        assert by_key(able.judge(asked)) == by_key(judge.judge(asked))
    assert said == [None]


def test_files_in_the_working_folder_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A json.py beside a person's answers is not the library's."""
    (tmp_path / "json.py").write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    said, asked = taken(monkeypatch), exchanges(4)
    with Crew(Detector(), 1) as able:
        able.judge(asked)
    assert said[0] is not None


def test_helpers_end_with_the_crew_and_are_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """They end after an error too; where none can be started the judge judges."""
    with pytest.raises(ZeroDivisionError), Crew(Detector(), 2) as able:
        raise ZeroDivisionError
    assert [helper._process.poll() is None for helper in able.helpers] == [False, False]

    def refused(*_: Any, **__: Any) -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr("subprocess.Popen", refused)
    with Crew(Detector(), 2) as able:
        assert len(able.judge(exchanges(5))) == 5 and able.helpers == []


def test_processes_are_started_only_where_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never for few answers, for one core, or for a judge that does not say itself that it can be copied."""

    class Mine(Detector):
        pass

    def cores(count: int) -> None:
        monkeypatch.setattr("os.sched_getaffinity", lambda _: range(count))

    many = 100 * crew.EACH
    cores(4)
    assert [helpers_for(Detector(), count) for count in (1, 2 * crew.EACH - 1, 2 * crew.EACH, many)] == [0, 0, 1, 3]
    assert helpers_for(Expressions(), many) == helpers_for(Mine(), many) == 0
    cores(1)
    assert helpers_for(Detector(), many) == 0
    cores(64)
    assert helpers_for(Detector(), many) == crew.MOST - 1


def test_a_run_judges_with_a_crew_and_keeps_what_the_judge_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store holds the same verdicts, whoever found them."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(2))
    monkeypatch.setattr(crew, "EACH", 300)
    said, asked = taken(monkeypatch), exchanges(1100)
    with Store(tmp_path) as store:
        found = judge_missing(Detector(), asked, store, silent, "judge")
    assert [share is not None and len(share) for share in said] == [256, 256, 38]
    assert found == by_key(Detector().judge(asked))
