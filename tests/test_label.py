"""`recusa label`: what is asked, what is kept, and what the estimates make of it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.label_run import Person, honest, make_run, rows, run_again

from recusa.errors import ConfigError, InputError
from recusa.jobs.calibrate import read_labelled
from recusa.jobs.label import Question, label, questions, sampled
from recusa.jobs.labels import match, read_labels, saved_rows
from recusa.results import Results, load_results
from recusa.stats import wilson


def rate(results: Results, arm: str, kind: str) -> dict[str, object]:
    """The estimate of one arm and kind."""
    found = [e for e in results.judging.estimated_rates if (e.arm, e.kind) == (arm, kind)]
    assert len(found) == 1
    return found[0].model_dump()


def test_sample_has_as_many_of_each_kind_and_a_larger_one_holds_it(tmp_path: Path) -> None:
    """Kinds in turn, drawn by seed; nine of ten prompts asked for come back when the tenth is added."""
    out, _ = make_run(tmp_path)
    answers = saved_rows(out / "answers.jsonl")
    nine, ten = sampled(answers, 9, 0), sampled(answers, 10, 0)
    assert Counter(prompt[0].kind for prompt in nine) == {"harmful": 3, "borderline": 3, "benign": 3}
    assert ten[:9] == nine and len(ten) == 10
    assert sampled(answers, 9, 1) != nine
    assert len(sampled(answers, 1000, 0)) == 90
    assert all(len(prompt) == 2 for prompt in nine)


def test_sample_does_not_lean_on_the_order_of_the_file(tmp_path: Path) -> None:
    """The same prompts whichever arm or row comes first, and each prompt as likely as the next."""
    out, _ = make_run(tmp_path)
    answers = saved_rows(out / "answers.jsonl")
    there, back = sampled(answers, 12, 3), sampled(answers[::-1], 12, 3)
    assert [p[0].key.prompt_id for p in there] == [p[0].key.prompt_id for p in back]
    drawn = Counter(p[0].key.prompt_id for seed in range(300) for p in sampled(answers, 30, seed))
    assert set(drawn.values()) <= set(range(60, 145))  # 100 expected, standard deviation 8.2
    assert len(drawn) == 90


def test_questions_tell_neither_arm_nor_verdict_and_the_same_answer_is_asked_once(tmp_path: Path) -> None:
    """Both arms refuse harmful prompts in the same words; the order of different answers varies over prompts."""
    out, _ = make_run(tmp_path)
    prompts = sampled(saved_rows(out / "answers.jsonl"), 90, 0)
    items = list(questions(prompts, 0))
    assert Counter(len(item.rows) for item in items) == {2: 30, 1: 120}
    assert {item.rows[0].kind for item in items if len(item.rows) == 2} == {"harmful"}
    first = [item.rows[0].key.arm for item in items if len(item.rows) == 1][::2]
    assert 15 < first.count("plain") < 45
    assert set(Question.__dataclass_fields__) == {"prompt", "response", "cut", "place", "total", "left", "label"}


def test_labels_give_estimates_that_see_what_the_judge_misses(tmp_path: Path) -> None:
    """The judge sees 27 of 30 refusals; with everything labelled people's 30 of 30 stand, with Wilson's interval."""
    out, before = make_run(tmp_path)
    found = label(out, Person(), n=90)
    harmful = rate(found, "plain", "harmful")
    assert (harmful["judge_rate"], harmful["rate"], harmful["missed"], harmful["false_alarms"]) == (0.9, 1.0, 3, 0)
    assert (harmful["low"], harmful["high"]) == wilson(30, 30)
    assert found == load_results(out) and found.digest != before.digest
    change = next(c for c in found.judging.estimated_changes if (c.arm, c.kind) == ("reminded", "benign"))
    assert (change.judge_difference, change.difference, change.labelled) == (0.9, 1.0, 30)
    assert change.low is not None and 0.75 < change.low < 0.8  # Tango's interval of 30 changes among 30 pairs
    known = found.judging.labels
    assert known is not None and (known.answers, known.raters, known.stale) == (180, ("person",), 0)


def test_a_sample_gives_intervals_and_too_small_a_one_none(tmp_path: Path) -> None:
    """Sixteen prompts of a kind estimate; nine do not, and the counts still say what was labelled."""
    out, _ = make_run(tmp_path)
    few = rate(label(out, Person(), n=27), "plain", "benign")
    assert (few["labelled"], few["n"], few["rate"], few["low"]) == (9, 30, None, None)
    more = rate(label(out, Person(), n=48), "plain", "benign")
    assert (more["labelled"], more["judge_rate"], more["rate"]) == (16, 0.0, 0.0)
    assert more["low"] == 0.0 and 0 < float(str(more["high"])) < 0.25


def test_run_keeps_the_labels_estimates(tmp_path: Path) -> None:
    """The finished run is only read, and one that is concluded anew reads the labels again."""
    out, _ = make_run(tmp_path)
    found = label(out, Person(), n=48)
    assert run_again(tmp_path) == found
    (out / "results.json").unlink()
    again = run_again(tmp_path)
    assert again.digest == found.digest and again.judging == found.judging


def test_labels_put_there_by_hand_are_seen_by_the_next_run(tmp_path: Path) -> None:
    """A file labelled elsewhere, with fewer columns, beside a finished run; then taken away."""
    out, before = make_run(tmp_path)
    marked = [
        {"prompt": r["prompt"], "arm": r["arm"], "label": " Refused" if r["response"].startswith("I") else "answered"}
        for r in rows(out / "answers.jsonl")
    ]
    (out / "labels.jsonl").write_text("\n".join(map(json.dumps, marked)), encoding="utf-8")
    found = run_again(tmp_path)
    assert rate(found, "plain", "harmful")["rate"] == 1.0
    assert found.digest != before.digest
    (out / "labels.jsonl").unlink()
    assert run_again(tmp_path).digest == before.digest


def test_each_label_is_on_the_disk_at_once_and_a_stopped_person_goes_on(tmp_path: Path) -> None:
    """Ctrl-C after two answers loses nothing; the third is asked next."""
    out, _ = make_run(tmp_path)

    def stopping(question: Question) -> str:
        if question.left <= first.left - 2:
            raise KeyboardInterrupt
        return honest(question)

    person = Person("quit")
    label(out, person, n=6)
    first = person.asked[0]
    with pytest.raises(KeyboardInterrupt):
        label(out, stopping, n=6)  # type: ignore[arg-type]
    kept = rows(out / "labels.jsonl")
    assert len({(row["prompt_id"], row["response"]) for row in kept}) == 2
    person = Person()
    label(out, person, n=6)
    assert [question.place for question in person.asked] == list(range(3, first.total + 1))
    done = Person()
    label(out, done, n=6)
    assert done.asked == []


def test_skip_and_back(tmp_path: Path) -> None:
    """What was skipped comes again another time; going back shows the label given, and the last word counts."""
    out, _ = make_run(tmp_path)
    person = Person("refused", "skip", "refused", "back", "answered", "quit")
    label(out, person, n=6)
    assert [question.place for question in person.asked] == [1, 2, 3, 4, 3, 4]
    assert person.asked[4].label == "refused" and person.asked[4].response == person.asked[2].response
    again = Person("quit")
    label(out, again, n=6)
    assert again.asked[0].place == 2
    third = next(row for row in rows(out / "labels.jsonl") if row["response"] == person.asked[2].response
                 and row["prompt"] == person.asked[2].prompt)  # fmt: skip
    said = match(read_labels(out / "labels.jsonl"), saved_rows(out / "answers.jsonl"))
    key = next(key for key in said.people if (key.prompt_id, key.arm) == (third["prompt_id"], third["arm"]))
    assert said.people[key] is False
    first = Person("back", "quit")
    label(out, first, n=3, rater="other")
    assert [question.place for question in first.asked] == [1, 1]


def test_raters_are_asked_apart_and_the_majority_decides(tmp_path: Path) -> None:
    """Each has all of the sample; two against one stands, one against one is the first's; their kappa is told."""
    out, _ = make_run(tmp_path, each=12)
    label(out, Person(), n=36, rater="ana")
    contrary = Person(then=lambda question: "answered")
    found = label(out, contrary, n=36, rater="bea")
    assert len(contrary.asked) == 60
    assert rate(found, "plain", "harmful")["rate"] == 1.0
    two = next(a for a in found.judging.agreement if (a.first, a.second, a.arm) == ("rater ana", "rater bea", "all"))
    assert (two.n, two.both, two.first_only, two.neither) == (72, 0, 48, 24)
    found = label(out, contrary, n=36, rater="cai")
    assert rate(found, "plain", "harmful")["rate"] == 0.0
    assert found.judging.labels is not None and found.judging.labels.raters == ("ana", "bea", "cai")


def test_an_answer_that_changed_takes_its_label_with_it(tmp_path: Path) -> None:
    """The other arm's prompt is changed, its answers are the same words, and its labels hold; edited ones do
    not, and leave their arm without an estimate until the sample is whole again.
    """
    out, _ = make_run(tmp_path)
    label(out, Person(), n=48)
    assert run_again(tmp_path, word="wool").judging.labels is not None
    marked = rows(out / "labels.jsonl")
    place = next(i for i, row in enumerate(marked) if (row["arm"], row["kind"]) == ("plain", "benign"))
    marked[place]["response"] = "Something it said last week."
    (out / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in marked), encoding="utf-8")
    found = run_again(tmp_path, word="wool")
    assert found.judging.labels is not None and found.judging.labels.stale == 1
    stale = rate(found, "plain", "benign")
    assert (stale["stale"], stale["rate"], stale["labelled"]) == (1, None, 15)
    assert rate(found, "plain", "harmful")["rate"] is not None
    person = Person()
    assert rate(label(out, person, n=48), "plain", "benign")["rate"] == 0.0
    assert len(person.asked) == 1


def test_labels_are_labels_for_calibrate_too(tmp_path: Path) -> None:
    """The file has the columns that `recusa calibrate` reads."""
    out, _ = make_run(tmp_path, each=4)
    label(out, Person("partial", "unclear"), n=3)
    found = list(read_labelled(out / "labels.jsonl"))
    assert [one.label for one in found[:3]] in ([True, True, False], [True, False, False], [True, False, True])
    assert all(one.parts["kind"] in ("harmful", "borderline", "benign") for one in found)
    columns = {"prompt_id", "prompt", "response", "arm", "attack", "sample", "kind", "language", "label", "rater"}
    assert all(set(row) == columns | {"finish_reason"} for row in rows(out / "labels.jsonl"))


def test_answers_cut_off_are_told_to_the_person_and_to_calibrate(tmp_path: Path) -> None:
    """Four tokens cut both the refusal and the answer."""
    out, _ = make_run(tmp_path, each=2, more="sampling = { max_new_tokens = 4 }")
    person = Person()
    label(out, person, n=3)
    assert person.asked and all(question.cut for question in person.asked)
    assert {one.stop for one in read_labelled(out / "labels.jsonl")} == {"length"}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no label": ({"label": None}, "column `label`: is missing"),
    "another word": ({"label": "rejected"}, "column `label`: `rejected` is not one of refused, partial"),
    "no arm": ({"arm": None}, "column `arm`: is missing"),
    "a number for an arm": ({"arm": 3}, "column `arm`: is not a text"),
    "half a sample": ({"sample": 0.5}, "column `sample`: is not a whole number"),
    "a list for an answer": ({"response": ["x"]}, "column `response`: is not a text"),
    "no prompt": ({"prompt_id": None, "prompt": None}, "column `prompt_id`: is missing"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_label_that_cannot_be_used_is_named_before_anything_is_done(tmp_path: Path, case: str) -> None:
    """File, row and column, by the command and by the run, which asks and writes nothing first."""
    out, before = make_run(tmp_path, each=4)
    good: dict[str, Any] = {"prompt_id": "x", "prompt": "p", "arm": "plain", "label": "refused", "response": "No."}
    change, problem = BAD[case]
    lines = [json.dumps(good), json.dumps({**good, **change})]
    (out / "labels.jsonl").write_text("\n".join(lines), encoding="utf-8")
    person = Person()
    with pytest.raises(InputError, match=r"labels\.jsonl, row 2") as error:
        label(out, person)
    with pytest.raises(InputError) as again:
        run_again(tmp_path)
    assert problem in error.value.message and again.value.message == error.value.message
    assert person.asked == [] and load_results(out) == before


def test_a_line_added_by_hand_without_an_end_is_not_run_into(tmp_path: Path) -> None:
    """Editors leave the last line open; the next label starts its own."""
    out, _ = make_run(tmp_path, each=4)
    person = Person("refused", "quit")
    label(out, person, n=3)
    path = out / "labels.jsonl"
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")
    kept = len(rows(path))
    label(out, Person("answered", "quit"), n=3)
    assert len(rows(path)) > kept


def test_folders_that_hold_no_run_are_told_so(tmp_path: Path) -> None:
    """Nothing is asked without results, or without a sample."""
    with pytest.raises(InputError, match="no results here"):
        label(tmp_path, Person())
    out, _ = make_run(tmp_path, each=2)
    with pytest.raises(ConfigError, match="a sample of 0 prompts is none"):
        label(out, Person(), n=0)
    (out / "answers.jsonl").write_text('{"arm": "plain"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"answers\.jsonl, row 1: is no row of a run"):
        label(out, Person())


def test_an_arm_that_says_what_was_labelled_already_is_not_asked_again(tmp_path: Path) -> None:
    """Both arms refuse harmful prompts in the same words; the label of one is written for the other."""
    out, _ = make_run(tmp_path, each=4)
    label(out, Person(), n=12)
    every = rows(out / "labels.jsonl")
    kept = [row for row in every if (row["arm"], row["kind"]) != ("reminded", "harmful")]
    assert len(kept) == len(every) - 4
    (out / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
    person = Person()
    label(out, person, n=12)
    assert person.asked == []
    assert sorted(map(str, rows(out / "labels.jsonl"))) == sorted(map(str, every))


def test_of_several_samples_the_first_is_asked(tmp_path: Path) -> None:
    """Two samples of each answer: one question each, and the judge's mean is over all."""
    out, _ = make_run(tmp_path, each=12, more="sampling = { samples = 2, temperature = 0.5 }")
    found = label(out, Person(), n=36)
    assert {row["sample"] for row in rows(out / "labels.jsonl")} == {0}
    harmful = rate(found, "plain", "harmful")
    assert (harmful["n"], harmful["labelled"]) == (24, 12)
