"""The list of answers a page carries: what moved comes first, what is cut or left out is said, and all is only data."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.hostile import HOSTILE
from tests.report_run import JUDGE, listed, make_answers, make_results, plain, unscripted, write_run

from recusa.report.answers import tell
from recusa.report.clean import clean
from recusa.report.format import Locale
from recusa.report.listing import BUDGET, PIECE, Listing, list_answers
from recusa.report.rows import change_rows, main_view
from recusa.report.text import ENGLISH
from recusa.results import ANSWERS

ENGLISH_LOCALE = Locale(ENGLISH)
ARMS = {"original": (0.4, 0.1, 0.1), "tuned": (0.9, 0.2, 0.1)}


def a_list(folder: Path, text: str = "", n: int = 12, **settings: Any) -> tuple[Listing, list[dict[str, Any]], Any]:
    """The list of a made-up run whose answers are `text`, its items, and the results."""
    results, told = make_results(ARMS, n=n)
    rows = make_answers(told, (lambda outcome, kind: text) if text else plain)
    (folder / ANSWERS).write_text("".join(json.dumps(row) + "\n" for row in rows))
    view = main_view(results)
    changes = change_rows(results, view, ENGLISH_LOCALE)
    found = list_answers(
        folder, tell(folder, view), changes, view, results.arms, results.baseline, ENGLISH_LOCALE, **settings
    )
    return found, [item for piece in found.pieces for item in json.loads(piece)], results


def test_prompts_that_moved_come_first_with_their_way(tmp_path: Path) -> None:
    found, items, results = a_list(tmp_path)
    assert (found.shown, found.prompts, found.answers) == (36, 36, 72) and not found.clipped
    gained = {prompt for row in results.comparisons for prompt in row.gained}
    lost = {prompt for row in results.comparisons for prompt in row.lost}
    moved = [item for item in items if "m" in item]
    assert items[: len(moved)] == moved and {item["i"] for item in moved} == gained | lost
    assert all(item["m"] == {"1": 1 if item["i"] in gained else -1} for item in moved)
    assert all(len(item["a"]) == 2 and item["p"] and item["k"] and item["c"] for item in items)
    assert (found.kinds, found.languages) == (tuple(dict.fromkeys(item["k"] for item in items)), ("en",))


def test_the_same_run_gives_the_same_list(tmp_path: Path) -> None:
    assert a_list(tmp_path)[0] == a_list(tmp_path)[0]


def test_long_texts_are_cut_and_what_moved_is_cut_less(tmp_path: Path) -> None:
    found, items, _ = a_list(tmp_path, "x" * 9_000, budget=80_000)
    assert found.clipped and found.shown == found.prompts and found.longest > found.shorter
    for item in items:
        for answer in item["a"]:
            most = found.longest if "m" in item else found.shorter
            assert len(answer["t"]) == most and answer["x"] == 9_000 - most


def test_what_does_not_fit_is_left_out_and_counted(tmp_path: Path) -> None:
    found, items, _ = a_list(tmp_path, "x" * 9_000, n=60, budget=30_000)
    assert 0 < found.shown < found.prompts == 180
    assert sum(len(piece.encode()) for piece in found.pieces) <= 30_000 + 2 * len(found.pieces)
    assert "m" in items[0]
    assert max(map(len, found.pieces)) < 3 * PIECE


def test_the_page_says_what_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results, told = make_results(ARMS, n=60)
    assert list_answers.__kwdefaults__ is not None
    monkeypatch.setitem(list_answers.__kwdefaults__, "budget", 30_000)
    page = write_run(tmp_path, results, make_answers(told, lambda outcome, kind: "x" * 9_000))
    shown = len(listed(page))
    assert f"{shown} of 180 prompts are in this list: those that moved first, then a random sample." in page
    assert "Long texts are cut after" in page and "(360 answers) are in this list" not in page


def test_a_page_with_five_thousand_long_answers_is_under_three_megabytes(tmp_path: Path) -> None:
    results, told = make_results(n=334)
    page = write_run(tmp_path, results, make_answers(told, lambda outcome, kind: f"É {kind} " * 400))
    assert 1_500_000 < len(page.encode()) < 3_000_000
    assert sum(len(json.dumps(item, ensure_ascii=False).encode()) for item in listed(page)) < 1.1 * BUDGET


def test_judges_that_differ_and_answers_cut_by_the_limit_are_marked(tmp_path: Path) -> None:
    results, told = make_results(ARMS, n=4)
    rows = make_answers(told, plain)
    rows[0]["verdicts"]["rubric"] = {"outcome": "unclear"}
    page = write_run(tmp_path, results, rows)
    marks = {(item["i"], place) for item in listed(page) for place, said in enumerate(item["a"]) if said.get("d")}
    assert marks == {(rows[0]["prompt_id"], 0)}
    assert all(said["f"] for item in listed(page) for said in item["a"])
    assert 'data-filter="judges"' in page


def test_tries_come_with_their_answer_until_their_room_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results, told = make_results(n=4)
    rows = make_answers(told, plain)
    page = write_run(tmp_path, results, rows)
    tries = [said["s"] for item in listed(page) for said in item["a"] if "s" in said]
    assert (
        len(tries) == 12 and [one.get("k") for one in tries[0]] == [None, 1, None] and tries[0][1]["q"] == "rewrite 2"
    )
    assert "with their tries" not in page
    monkeypatch.setattr("recusa.report.listing.TRIES_BUDGET", 500)
    page = write_run(tmp_path, results, rows)
    some = sum("s" in said for item in listed(page) for said in item["a"])
    assert 0 < some < 12 and f"{some} of 12 answers are listed with their tries" in page


def test_redacted_pages_hold_no_answer_to_a_harmful_prompt(tmp_path: Path) -> None:
    found, items, _ = a_list(tmp_path, redact=True)
    assert found.redacted
    for item in items:
        for answer in item["a"]:
            assert set(answer) <= ({"o", "f", "h", "d"} if item["k"] == "harmful" else set("odftxyes"))
            assert ("t" in answer or "y" in answer) == (item["k"] != "harmful")


class Elements(HTMLParser):
    """How many of each element there are."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, int] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag] = self.found.get(tag, 0) + 1


def test_hostile_texts_stay_data_and_are_given_whole(tmp_path: Path) -> None:
    """The page with them has the elements of a page without, and the list has each text as it was, spelled out."""
    results, told = make_results(ARMS, n=len(HOSTILE))
    texts = list(HOSTILE.values())

    def page_of(name: str, *, hostile: bool) -> str:
        rows = make_answers(told, plain)
        for row in rows:
            text = texts[int(row["prompt_id"].rpartition("-")[2])]
            row.update(response=text if hostile else "plain", category="one", tries=[])
            row["verdicts"][JUDGE]["reason"] = text if hostile else "plain"
        return write_run(tmp_path / name, results, rows)

    bad, good = page_of("bad", hostile=True), page_of("good", hostile=False)
    assert clean(bad) == bad
    assert Elements(unscripted(bad)).found == Elements(unscripted(good)).found
    assert bad.lower().count("<script") == bad.lower().count("</script") == bad.count("<script type=") + 1
    for item in listed(bad):
        text = clean(texts[int(item["i"].rpartition("-")[2])])
        for answer in item["a"]:
            shown = answer.get("t", "")
            assert shown == text[: len(shown)] and len(shown) >= min(160, len(text))
