"""`recusa audit` on made files, leaks in a run, and planted paraphrases among the built-in prompts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.command import Call, calling, write

from recusa.config import parse_experiment
from recusa.errors import ConfigError
from recusa.jobs.audit import audit_files, best_search
from recusa.jobs.prompts import load_prompts
from recusa.models.encoders import Encoder, encoder_at_hand
from recusa.near import Search
from recusa.report import write_report
from recusa.sources.builtin import Builtin

DATA = Path(__file__).with_name("data")
WORDS = Search()


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """A function that runs commands in an empty folder."""
    yield from calling(tmp_path, monkeypatch, capsys)


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """A listener that does nothing."""


def jsonl(name: str, *texts: str, **more: str) -> str:
    return write(name, "".join(json.dumps({"prompt": text, **more}) + "\n" for text in texts))


def two_files() -> tuple[str, str]:
    """Training and test files: one prompt equal, one equal but for form, one alike in words, others unlike."""
    train = jsonl("train.jsonl", "Bake a cake.", "knit a sock", "Paint the old garden fence green today.", "Sing.")
    goals = '"Bake a cake."\n"Knit a SOCK!"\n"Paint the old garden fence green."\n"Fold a boat."\n"fold a boat"\n'
    return train, write("test.csv", "goal\n" + goals)


def test_counts_within_and_across(call: Call) -> None:
    """Each pair stands under its strongest evidence, and prompts are counted once a file."""
    files = [Path(name) for name in two_files()]
    found = audit_files(files, silent, columns=("prompt", "goal"), search=WORDS)
    assert found.files == {"train.jsonl": 4, "test.csv": 5}
    assert [part.pairs for part in found.within] == [{}, {"form": 1}]
    assert found.across[0].pairs == {"exact": 1, "form": 1, "words": 1}
    assert found.across[0].prompts == {name: {"exact": 1, "form": 1, "words": 1} for name in found.files}
    assert (found.crossing, found.clusters, found.largest[0].size) == (3, 4, 2)
    assert [(pair.one, pair.other) for pair in found.pairs[:2]] == [
        (("train.jsonl", 1), ("test.csv", 1)),
        (("train.jsonl", 2), ("test.csv", 2)),
    ]


def test_repeated_rows_are_counted_and_clusters_hang_together(call: Call) -> None:
    """Rows that repeat an earlier one are `exact` within the file; a chain of near-copies is one cluster."""
    name = jsonl("a.jsonl", *["same text here"] * 3, "one two three four five six", "two three four five six seven",
                 "three four five six seven eight")  # fmt: skip
    found = audit_files([Path(name)], silent, search=WORDS)
    assert found.within[0].pairs == {"exact": 2, "words": 2}
    assert [cluster.size for cluster in found.largest] == [3, 3]
    assert found.across == ()


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 1)])
def test_strict_exits_with_one_where_files_share(call: Call, strict: tuple[str, ...], code: int) -> None:
    """Everything is printed and written either way."""
    names = two_files()
    columns = ("--prompt-column", "prompt", "--prompt-column", "goal")
    ran = call("audit", *names, *columns, "--method", "words", "--out", "audit.json", *strict)
    assert ran.code == code
    assert "knit a sock" in ran.out
    written = json.loads(Path("audit.json").read_text(encoding="utf-8"))
    assert {pair["how"] for pair in written["pairs"]} == {"exact", "form", "words"}
    assert ("cross files" in ran.err) == bool(strict)


def test_strict_is_content_with_files_that_share_nothing(call: Call) -> None:
    """What is alike within one file is no leak."""
    one, other = jsonl("a.jsonl", "bake a cake", "Bake a cake!"), jsonl("b.jsonl", "knit a sock")
    assert call("audit", one, other, "--method", "words", "--strict").code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("gone.jsonl",), "no such file"),
        (("a.jsonl", "a.jsonl"), "named twice"),
        (("a.jsonl", "--prompt-column", "goal"), "column `goal`: is missing"),
        (("a.jsonl", "--out", "gone/x.json", "--method", "sound"), "--method"),
    ],
    ids=["no file", "same file", "no column", "no such method"],
)
def test_mistakes_are_said(call: Call, arguments: tuple[str, ...], says: str) -> None:
    """One line, exit 2."""
    jsonl("a.jsonl", "bake a cake")
    ran = call("audit", *arguments)
    assert (ran.code, says in ran.err) == (2, True), ran.err


def test_text_of_a_file_cannot_steer_the_terminal(call: Call) -> None:
    """Markup, control characters and long texts come out as plain short lines."""
    text = "[bold]bake[/bold] \x1b[31m a cake " + "very " * 50 + "big"
    ran = call("audit", jsonl("a.jsonl", text), jsonl("b.jsonl", text), "--method", "words")
    assert "[bold]bake[/bold]" in ran.out
    assert "\x1b" not in ran.out
    assert max(map(len, ran.out.splitlines())) <= 100


def test_without_models_words_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The best method at hand is the better encoder, then the other, then words."""
    at_hand: set[str] = {"mpnet-base-v2", "minilm-l6-v2"}
    monkeypatch.setattr("recusa.jobs.audit.encoder_at_hand", lambda name: name in at_hand)
    assert best_search() == Search("meaning", "mpnet-base-v2")
    at_hand.discard("mpnet-base-v2")
    assert best_search(sure=0.3) == Search("meaning", "minilm-l6-v2", sure=0.3)
    at_hand.clear()
    assert (best_search().method, best_search("meaning").method) == ("words", "meaning")


LEAKING = """
sources = [
  {{ name = "file", path = "{folder}/train.jsonl", kind = "benign", use = "train" }},
  {{ name = "file", path = "{folder}/test.jsonl", kind = "benign", use = "test" }},
]
engine = "scripted"
[split]
strict = {strict}
[[arms]]
name = "original"
"""


def leaking(folder: Path, strict: bool) -> str:
    texts = {
        "train": ("Bake a nice cake.", "Knit a sock.", "Sing a song."),
        "test": ("bake a nice cake", "Knit a sock."),
    }
    for name, prompts in texts.items():
        rows = "".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts)
        (folder / f"{name}.jsonl").write_text(rows, encoding="utf-8")
    return LEAKING.format(folder=folder, strict=str(strict).lower())


def test_leaks_between_sources_are_in_the_audit(tmp_path: Path) -> None:
    """The near-copy stays and is listed with both texts; the equal prompt is tested, not trained on, and counted."""
    audit = load_prompts(parse_experiment(leaking(tmp_path, False), "x.toml")).audit
    assert [(leak.how, leak.train_text, leak.test_text) for leak in audit.leaks] == [
        ("form", "Bake a nice cake.", "bake a nice cake")
    ]
    assert (audit.withdrawn, audit.copies, audit.near) == (1, {"form": 1}, "words")
    assert (audit.split.train, audit.split.test) == ({"benign": 2}, {"benign": 2})


def test_a_strict_experiment_stops_and_names_the_pairs(tmp_path: Path) -> None:
    """Counts, both texts and both files, before anything is computed."""
    with pytest.raises(ConfigError, match=r"1 training prompts .*, 1 are .*'Bake a nice cake.'.*train.jsonl") as stop:
        load_prompts(parse_experiment(leaking(tmp_path, True), "x.toml"))
    assert "'Knit a sock.'" in stop.value.message
    assert stop.value.exit_code == 2


def test_run_strict_exits_with_two_and_without_it_reports_the_leak(call: Call, tmp_path: Path) -> None:
    """The option does what the setting does; the page shows both texts."""
    file = write("x.toml", leaking(tmp_path, False))
    stopped = call("run", file, "--strict", "--out", "out")
    assert (stopped.code, "bake a nice cake" in stopped.err) == (2, True)
    assert not Path("out").exists()
    assert call("run", file, "--out", "out").code == 0
    page = write_report(Path("out")).read_text(encoding="utf-8")
    assert '<td class="words">Bake a nice cake.</td><td class="words">bake a nice cake</td>' in page
    assert "train.jsonl / test.jsonl" in page


def test_the_paraphrases_are_of_built_in_prompts() -> None:
    """Each original is a built-in prompt as it stands, no copy equals any other text, and none is found by words."""
    rows = [json.loads(line) for line in (DATA / "paraphrases.en.jsonl").read_text("utf-8").splitlines()]
    texts = {prompt.text: prompt.kind for prompt in Builtin(languages=("en",)).prompts()}
    assert len(rows) == 100
    assert all(texts[row["original"]] == row["kind"] for row in rows)
    copies = [row["copy"] for row in rows]
    assert len({*copies, *texts}) == 100 + len(texts)
    assert not [pair for pair in WORDS.find([*copies, *texts]) if pair.one < 100]


@pytest.mark.model
@pytest.mark.parametrize(("encoder", "least"), [("minilm-l6-v2", 0.75), ("mpnet-base-v2", 0.85)])
def test_planted_paraphrases_are_found_and_twins_are_not(encoder: Encoder, least: float) -> None:
    """Among the English built-in prompts: recall, and precision over the pairs that hold a planted copy."""
    if not encoder_at_hand(encoder):
        pytest.skip(f"the weights of {encoder} are not on this machine")
    rows = [json.loads(line) for line in (DATA / "paraphrases.en.jsonl").read_text("utf-8").splitlines()]
    kinds = {prompt.text: str(prompt.kind) for prompt in Builtin(languages=("en",)).prompts()}
    kinds.update((row["copy"], row["kind"]) for row in rows)
    texts = list(kinds)
    found = {(texts[a], texts[b]) for a, b, _, _ in Search("meaning", encoder).find(texts, list(kinds.values()))}
    planted = {(row["original"], row["copy"]) for row in rows}
    touching = {pair for pair in found if {*pair} & {row["copy"] for row in rows}}
    assert len(found & planted) / len(planted) >= least
    assert len(found & planted) / len(touching) >= 0.95
    assert len(found - touching) <= 0.01 * len(texts)
