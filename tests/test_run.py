"""The whole experiment on rules instead of a model: what it writes, re-uses and refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from tests.study import PROMPTS, Study, Tap, silent

from recusa import api
from recusa.config import parse_experiment
from recusa.engines.scripted import Scripted
from recusa.errors import ConfigError, TooManyFailures
from recusa.jobs.run import run_experiment
from recusa.results import FILE, Results, load_results
from recusa.types import Answer, Chat, Failure, Sampling


def refused(results: Results) -> dict[str, list[int]]:
    return {arm: [r.refused for r in results.rates if r.arm == arm] for arm in results.arms}


def test_the_experiment_comes_to_the_numbers_its_rules_imply(study: Study) -> None:
    """`plain` refuses what holds a word, the reminder changes nothing, and one refusing variant is enough."""
    results = study.run()
    assert refused(results) == {"plain": [4, 1, 0], "reminded": [4, 1, 0], "varied": [4, 4, 4]}
    assert {(c.arm, c.kind): (c.n, len(c.gained), len(c.lost), c.left_out) for c in results.comparisons} == {
        **{("reminded", kind): (4, 0, 0, 0) for kind in PROMPTS},
        ("varied", "harmful"): (4, 0, 0, 0),
        ("varied", "borderline"): (4, 3, 0, 0),
        ("varied", "benign"): (4, 4, 0, 0),
    }
    assert [(c.arm, c.prompts, c.calls, c.variants_wanted, c.variants_valid) for c in results.cost] == [
        ("plain", 12, 12, 0, 0),
        ("reminded", 12, 12, 0, 0),
        ("varied", 12, 36, 24, 24),
    ]
    assert (results.audit.read, results.audit.repeated, results.audit.split.test) == (12, 0, dict.fromkeys(PROMPTS, 4))
    assert results.warnings == ()


def test_the_files_it_writes_have_the_shape_that_is_promised(study: Study) -> None:
    """`results.json` holds every promised part, `answers.jsonl` a line an answer, and no draft is left."""
    results = study.run()
    content = json.loads((study.folder / "out" / FILE).read_text(encoding="utf-8"))
    promised = "schema digest experiment audit rates four_way comparisons training cost environment"
    assert set(promised.split()) <= set(content)
    assert content["experiment"] == json.loads((study.folder / "out" / "experiment.json").read_text())
    assert load_results(study.folder / "out") == results
    assert results.digest == results.content_digest()
    lines = study.lines()
    assert len(lines) == 36
    assert all(line["verdicts"][results.primary_judge]["outcome"] in ("refused", "answered") for line in lines)
    tried = [line["tries"] for line in lines if line["arm"] == "varied"]
    assert all([t["attempt"] for t in tries] == [1, 2, 3] and sum(t["chosen"] for t in tries) == 1 for tries in tried)
    assert all(len({t["asked"] for t in tries}) == 3 for tries in tried)
    assert not list((study.folder / "out").glob("*.part"))


def test_two_workspaces_come_to_the_same_digest(study: Study) -> None:
    """Nothing of time, place or store is part of a result."""
    one, other = study.run("out1", "ws1"), study.run("out2", "ws2")
    assert one.digest == other.digest
    assert study.lines("out1") == study.lines("out2")


def test_a_finished_run_is_only_read(study: Study, tap: Tap) -> None:
    """The second time nothing is asked or written; without its results it is put together from the store."""
    first = study.run()
    written = (study.folder / "out" / FILE).stat().st_mtime_ns
    tap.stop_after = 0
    assert study.run() == first
    assert (study.folder / "out" / FILE).stat().st_mtime_ns == written
    (study.folder / "out" / FILE).unlink()
    assert study.run().digest == first.digest


def test_the_page_of_a_finished_run_is_written_again_only_where_it_would_be_another(study: Study) -> None:
    """As it is it stays; in another language, without its pictures, redacted or of other answers it is made anew."""
    page, out = study.folder / "out" / "report.html", study.folder / "out"
    ask: dict[str, Any] = {"out": out, "workspace": study.folder / "ws"}

    def written(**more: Any) -> bool:
        before = page.stat().st_mtime_ns
        api.run(study.experiment(), **ask, **more)
        return page.stat().st_mtime_ns != before

    api.run(study.experiment(), **ask)
    english = page.read_text(encoding="utf-8")
    assert not written()
    assert written(language="pt-BR") and not written(language="pt-BR") and written()
    assert page.read_text(encoding="utf-8") == english
    api.write_report(out, redact=True)
    assert written() and page.read_text(encoding="utf-8") == english
    shutil.rmtree(out / "figures")
    assert written() and (out / "figures").is_dir()
    with (out / "answers.jsonl").open("a", encoding="utf-8") as lines:
        lines.write("\n")
    assert written() and not written()
    page.write_text(english[:40], encoding="utf-8")
    assert written()


@pytest.mark.parametrize(
    ("change", "calls"),
    [
        ({"more": "[sampling]\nmax_new_tokens = 5"}, 48),
        ({"more": "[sampling]\nseed = 1"}, 48),
        ({"engine": "share = 0.5"}, 48),
        ({"engine": "seconds = 0.0001"}, 0),
        ({"operator": "Once"}, 12),
        ({"more": '[[arms]]\nname = "again"'}, 0),
        ({"more": '[[arms]]\nname = "told"\nsystem = "Be kind."'}, 12),
    ],
    ids=["tokens", "seed", "rule", "speed", "operator", "same arm", "new arm"],
)
def test_only_what_changed_is_asked_again(study: Study, tap: Tap, change: dict[str, Any], calls: int) -> None:
    """New settings never re-use old answers, and what did not change is never asked twice, under any arm's name."""
    first = study.run()
    assert tap.since() == 48  # the first round of `varied` is what `plain` was answered
    second = study.run(**change)
    assert tap.since() == calls
    if calls and "seed" not in str(change):  # greedy answers do not depend on the seed, nor any on the speed
        assert second.digest != first.digest
    assert study.run("other").digest == first.digest
    assert tap.since() == 0


def test_too_many_failures_conclude_nothing_but_are_written(study: Study, tap: Tap) -> None:
    """All harmful rows of an arm failed: exit code 3, with the results on disk to look into."""
    tap.fail = "teal"
    out = study.folder / "out"
    with pytest.raises(TooManyFailures, match="arm `plain`: 4 of 4 harmful rows failed, more than 20%") as caught:
        api.run(study.experiment(), out=out, workspace=study.folder / "ws")
    assert caught.value.exit_code == 3
    assert "--retry-failed" in caught.value.hint
    assert load_results(out).rates[0].failed == 4
    assert (out / "report.html").is_file()


def test_variants_that_cannot_be_drawn_are_counted_and_never_the_prompt_itself(study: Study, tap: Tap) -> None:
    """An operator with one word gives one variant of two: the other is noted, not asked, and the arm fails."""
    results = study.run(operator="Once")
    cost = results.cost[2]
    assert (cost.calls, cost.variants_wanted, cost.variants_valid) == (24, 24, 12)
    assert len(tap.asked) == 12 + 12 + 12  # the prompts themselves were asked by `plain`
    reason = results.failed_arms[0].reason
    assert results.warnings == (f"arm varied failed: {reason}; its rows are in no rate and no comparison",)
    assert reason.startswith("only 0 of 12 prompts had all 2 of their variants, fewer than 80%")
    for line in study.lines():
        if line["arm"] == "varied":
            first, second, third = line["tries"]
            assert (first["asked"], second["asked"]) == (line["prompt"], line["prompt"] + " quietly")
            assert (third["asked"], third["response"]) == ("", None)
            assert third["error"].startswith("NoVariant")


def test_the_digest_is_of_results_and_not_of_surroundings(study: Study) -> None:
    """Another machine and other times leave it as it is; one refusal more or one answer changed does not."""
    results = study.run()
    cost = tuple(part.model_copy(update={"seconds": 9.0}) for part in results.cost)
    elsewhere = results.model_copy(update={"environment": {"system": "other"}, "cost": cost, "digest": ""})
    assert elsewhere.content_digest() == results.digest
    rate = results.rates[0].model_copy(update={"refused": 3})
    for change in ({"rates": (rate, *results.rates[1:])}, {"answers_digest": "other"}, {"warnings": ("new",)}):
        assert results.model_copy(update=change).content_digest() != results.digest


def test_an_engine_may_answer_in_any_order_and_what_it_forgets_has_failed(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results are filed by key; a prompt without a result is a failure, not a shorter table."""
    study.run("out2", "ws2")
    real = Scripted.answer

    def backwards(engine: Scripted, chats: Sequence[Chat], how: Sampling) -> Iterator[Answer | Failure]:
        results = list(real(engine, chats, how))[::-1]
        return iter([result for result, chat in zip(results, chats[::-1], strict=True) if "Knit" not in chat.question])

    monkeypatch.setattr(Scripted, "answer", backwards)
    text = study.text().partition('[[arms]]\nname = "reminded"')[0]
    broken = run_experiment(parse_experiment(text, "x"), study.folder / "out", study.folder / "ws", silent)
    assert [(r.refused, r.n, r.failed) for r in broken.rates] == [(4, 4, 0), (1, 4, 0), (0, 3, 1)]
    said = {line["prompt"]: line["response"] for line in study.lines()}
    expected = {line["prompt"]: line["response"] for line in study.lines("out2") if line["arm"] == "plain"}
    assert said == {**expected, "Knit a sock.": None}
    assert [line["error"].partition(":")[0] for line in study.lines() if line["response"] is None] == ["NoResult"]


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("oracle", "needs references that 12 of 12 prompts lack"),
        ("bank", "finds no refusals in the training split"),
    ],
)
def test_a_selector_that_cannot_work_is_refused_before_anything_is_asked(
    study: Study, tap: Tap, selector: str, message: str
) -> None:
    """Missing references are a mistake in the experiment, found before the first answer and without a model."""
    with pytest.raises(ConfigError, match=message) as caught:
        study.run(selector=selector)
    assert caught.value.hint
    assert tap.asked == []
    assert not (study.folder / "ws").exists()
