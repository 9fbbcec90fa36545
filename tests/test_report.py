"""The page: every rate with its count and interval, model text inert, whole or not written at all."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jinja2 import UndefinedError
from tests.report_run import (
    KINDS,
    LOCALE,
    a_comparison,
    a_rate,
    listed,
    make_answers,
    make_results,
    plain,
    unscripted,
    write_run,
)

from recusa.errors import InputError
from recusa.report import write_report
from recusa.report.clean import clean
from recusa.report.format import DASH
from recusa.report.page import environment
from recusa.report.summary import summarise
from recusa.report.text import ENGLISH
from recusa.results import ANSWERS


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    results, told = make_results()
    write_run(folder, results, make_answers(told, plain))
    return folder


class Reader(HTMLParser):
    """What a browser would make of the page: tags with attributes, and each text with the closed details round it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, int]] = []
        self.folds: list[bool] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "details":
            self.folds.append("open" not in dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag == "details":
            self.folds.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append((data, sum(self.folds)))


def test_every_rate_stands_with_its_count_and_interval(run: Path) -> None:
    page = " ".join(text for text, _ in Reader((run / "report.html").read_text()).texts)
    results, _ = make_results()
    for rate in results.rates:
        assert rate.rate is not None and rate.low is not None and rate.high is not None
        interval = f"{100 * rate.low:.1f}{DASH}{100 * rate.high:.1f}"
        assert re.search(f"{rate.refused}/{rate.n}\\s+{100 * rate.rate:.1f}%\\s+{interval}", page)


def test_page_is_self_contained_and_under_a_strict_policy(run: Path) -> None:
    page = (run / "report.html").read_text()
    read = Reader(page)
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    own = [text for attributes, text in scripts if 'type="application/json"' not in attributes]
    assert len(own) == 1  # the page's own, named by its hash; data is never run
    digest = b64encode(sha256(own[0].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}';" in page
    assert not {"link", "iframe", "img", "object", "form"} & {tag for tag, _ in read.tags}
    assert not re.search(
        r"\b(fetch|XMLHttpRequest|WebSocket|import|eval|innerHTML|outerHTML|document\.write)\b", own[0]
    )
    links = [value or "" for _, attrs in read.tags for name, value in attrs.items() if name in ("src", "href")]
    assert links and all(link.startswith("#") for link in links)
    ids = [attrs["id"] for _, attrs in read.tags if "id" in attrs]
    assert len(ids) == len(set(ids)) and {link[1:] for link in links} <= set(ids)
    assert ("html", {"lang": "en"}) in read.tags


def test_every_table_names_its_judge_or_says_that_none_spoke(run: Path) -> None:
    captions = re.findall(r"<caption><span>(.*?)</span>", (run / "report.html").read_text())
    assert len(captions) == (run / "report.html").read_text().count("<table>")
    assert all("judge" in caption.lower() for caption in captions)


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "handler": '"><img src=x onerror="alert(1)">',
    "closing": "</script></style></pre></p></details></body>",
    "template": "{{ s.name }}{% raw %}",
    "ansi": "\x1b[31mred\x1b]8;;http://evil\x07",
    "override": "\u202egnp.exe\u202c \u2066x\u2069",
    "hidden": "\u200b\ufeff\U000e0041\x00\ud800",
    "long": "W" * 10_000,
    "zalgo": "a" + "\u0301" * 500,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_model_said_is_only_ever_text(tmp_path: Path, name: str) -> None:
    text = HOSTILE[name]
    short = text[:60].replace("\ud800", "")
    results, told = make_results({short: (0.3, 0.1, 0.1), "tuned": (0.9, 0.5, 0.1)}, n=12, name=short)
    rows = make_answers(told, lambda outcome, kind: text)
    for row in rows:
        row.update(prompt=text, category=text, tries=[{"attempt": 1, "asked": text, "response": text, "chosen": True}])
    page = write_run(tmp_path, results.model_copy(update={"warnings": (short,)}), rows)
    read = Reader(page)
    harmless_results, harmless_told = make_results({"a": (0.3, 0.1, 0.1), "tuned": (0.9, 0.5, 0.1)}, n=12)
    rows = make_answers(harmless_told, plain)
    for row in rows:
        row["tries"] = [{"attempt": 1, "asked": "a", "response": "b", "chosen": True}]
    plain_page = write_run(tmp_path / "plain", harmless_results.model_copy(update={"warnings": ("w",)}), rows)
    assert {tag for tag, _ in read.tags} == {tag for tag, _ in Reader(plain_page).tags}
    assert not any(attribute.startswith("on") for _, attrs in read.tags for attribute in attrs)
    assert clean(page) == page
    assert len(max(re.split(r"\s", unscripted(page)), key=len)) < 5_000
    assert len(listed(page)) == 36 and all(len(item["p"]) <= 4000 for item in listed(page))
    for picture in (tmp_path / "figures").glob("*.svg"):
        ElementTree.parse(picture)


def test_answers_stand_only_in_the_data_of_the_list(tmp_path: Path) -> None:
    """The list's script folds those to harmful prompts; without it none is shown."""
    results, told = make_results(n=24)
    rows = make_answers(told, lambda outcome, kind: f"SECRET {kind}")
    for row in rows:
        row["tries"] = [
            {"attempt": 1, "asked": "x", "response": f"SECRET {row['kind']}", "score": None, "chosen": True}
        ]
    page = write_run(tmp_path, results, rows)
    assert "SECRET" in page and "SECRET" not in unscripted(page)
    for picture in (tmp_path / "figures").iterdir():
        assert b"SECRET" not in picture.read_bytes()


def test_a_judges_error_is_said_with_where_it_was_measured(tmp_path: Path) -> None:
    results, told = make_results(n=6)
    error = {"measured_on": "xstest", "n": 450, "accuracy": 0.9, "precision": 0.875, "recall": 0.8125, "kappa": 0.7891}
    rows = make_answers(told, plain)
    notes = tuple(note.model_copy(update={"error": error}) for note in results.judges)
    read = Reader(write_run(tmp_path, results.model_copy(update={"judges": notes}), rows))
    words = " ".join(text for text, _ in read.texts)
    wanted = "another model's answers (xstest, n = 450: recall of refusals 81.2%, precision 87.5%)"
    assert wanted in words and "may differ on these arms" in words and "was not measured" not in words
    items = [text for text, _ in read.texts]
    items = items[items.index("measured on") :]
    assert [items[items.index(name) + 1] for name in ("accuracy", "kappa", "n")] == ["90.0%", "0.79", "450"]
    old = tuple(note.model_copy(update={"error": None}) for note in results.judges)
    page = write_run(tmp_path, results.model_copy(update={"judges": old}), rows)
    assert "was not measured, so these rates carry an unknown bias" in page and "another model" not in page


OTHER = {"refused": "answered", "answered": "unclear", "unclear": "refused"}


def test_what_another_judge_saw_stands_in_the_finding(tmp_path: Path) -> None:
    results, told = make_results()
    theirs = [row.model_copy(update={"judge": "rubric"}) for row in results.comparisons]
    rows = make_answers(told, plain)
    for place, row in enumerate(rows):
        row["verdicts"]["rubric"] = {
            "outcome": row["verdicts"]["expressions"]["outcome"]
            if place % 4
            else OTHER[row["verdicts"]["expressions"]["outcome"]]
        }
    rows[1]["verdicts"].pop("expressions")  # an answer only one of them judged
    both = results.model_copy(update={"comparisons": (*results.comparisons, *theirs)})
    wanted = "Judge rubric shows the same changes; it agrees on 539 of 719 answers."
    page = write_run(tmp_path, both, rows)
    assert f"<p>{wanted}</p>" in page and wanted in summarise(both, tmp_path, LOCALE).finding.text
    blind = [row.model_copy(update={"p_holm": 1.0}) for row in theirs]
    unlike = results.model_copy(update={"comparisons": (*results.comparisons, *blind)})
    page = write_run(tmp_path, unlike, rows)
    real = [f"{row.arm} {row.kind}" for kind in KINDS for row in results.comparisons if row.kind == kind
            and row.is_real(results.alpha)]  # fmt: skip
    assert f"Judge rubric does not show: {', '.join(real)}; it agrees with expressions on 539 of 719 answers." in page


def test_one_arm_without_training_or_borderline_prompts_gets_a_page(tmp_path: Path) -> None:
    results, told = make_results({"original": (0.3, 0.1)}, kinds=("harmful", "benign"), n=10, judges=(), cost=())
    page = write_run(tmp_path, results, make_answers(told, plain))
    for sentence in ("finding_alone", "no_changes", "training_none"):
        assert ENGLISH[sentence] in page
    assert not (tmp_path / "figures" / "differences.svg").exists()


def test_kinds_nobody_could_judge_are_shown_as_not_asked(tmp_path: Path) -> None:
    results, told = make_results({"a": (0.3, 0.1, 0.1), "b": (0.9, 0.1, 0.1)}, n=10)
    empty = a_rate("b", "benign", 0, 0, failed=10)
    kept = tuple(rate for rate in results.rates if (rate.arm, rate.kind) != ("b", "benign"))
    nothing = a_comparison("b", "benign", 1, 1, 1.0, baseline="a", n=1).model_copy(
        update={"n": 0, "left_out": 10, "baseline_rate": None, "rate": None, "difference": None, "low": None,
                "high": None, "p": None, "p_holm": None})  # fmt: skip
    others = tuple(row for row in results.comparisons if row.kind != "benign")
    rows = make_answers(told, plain)
    for row in rows:
        if (row["arm"], row["kind"]) == ("b", "benign"):
            row.update(response=None, error="OutOfMemory: no room\nline two", verdicts={})
    changed = results.model_copy(update={"rates": (*kept, empty), "comparisons": (*others, nothing)})
    page = write_run(tmp_path, changed, rows)
    assert "all failed" in page and "not compared" in page
    assert "not asked" not in page
    assert "10 rows with benign prompts failed" in page and "OutOfMemory: no room" in page


def test_results_with_nothing_in_them_get_a_page(tmp_path: Path) -> None:
    results, _ = make_results({"a": (0.3,)}, kinds=("harmful",), n=4)
    empty = {"rates": (), "four_way": (), "comparisons": (), "training": (), "cost": (), "kinds": ()}
    assert ENGLISH["finding_nothing"] in write_run(tmp_path, results.model_copy(update=empty), [])


def test_another_report_leaves_no_picture_of_the_one_before(tmp_path: Path) -> None:
    results, told = make_results(n=6)
    write_run(tmp_path, results, make_answers(told, plain))
    (tmp_path / "figures" / "mine.svg").write_text("<svg/>")
    first = (tmp_path / "report.html").read_bytes()
    write_report(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == first
    write_run(tmp_path, results.model_copy(update={"training": ()}), make_answers(told, plain))
    left = {path.name for path in (tmp_path / "figures").iterdir()}
    assert "mine.svg" in left and "loss-1.svg" not in left and not [name for name in left if name.endswith(".part")]


def test_a_killed_write_leaves_the_old_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results, told = make_results({"a": (0.3, 0.1, 0.1)}, n=6)
    old = write_run(tmp_path, results, make_answers(told, plain))
    results.model_copy(update={"name": "another"}).save(tmp_path)

    def killed(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("recusa.report.whole_file.os.fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        write_report(tmp_path)
    assert (tmp_path / "report.html").read_text() == old


def test_answers_that_cannot_be_read_are_errors_with_a_place(tmp_path: Path) -> None:
    results, _ = make_results({"a": (0.3, 0.1, 0.1)}, n=4)
    results.save(tmp_path)
    with pytest.raises(InputError, match="no answers here"):
        write_report(tmp_path)
    (tmp_path / ANSWERS).write_text('{"arm": "a"}\n[1]\n')
    with pytest.raises(InputError, match=r"answers\.jsonl, row 2"):
        write_report(tmp_path)


def test_a_name_the_template_does_not_know_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ s.nmae }}").render(s=object())
    with pytest.raises(KeyError):
        LOCALE.say("no_such_sentence")
    with pytest.raises(KeyError):
        LOCALE.say("finding_baseline", arm="a")
