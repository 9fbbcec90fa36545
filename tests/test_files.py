"""`answer`, `judge` and `compare` on files: every row comes back, in its place, with all its columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from recusa.defences.system_prompt import REMINDER
from recusa.engines.scripted import ANSWER, REFUSAL, Scripted
from recusa.errors import ConfigError, InputError
from recusa.jobs.answer_file import answer_file
from recusa.jobs.judge_file import judge_file
from recusa.types import Answer, Chat, Failure, Prompt, Sampling

ENGINE: dict[str, Any] = {"name": "scripted", "fail": ["broken"]}
Row = dict[str, Any]


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """Hears nothing."""


def write(path: Path, rows: Sequence[Row] | str) -> Path:
    text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def answered(prompts: Path, **settings: Any) -> list[Row]:
    """The rows that `answer_file` writes beside the prompts."""
    out = prompts.parent / "new" / "answers.jsonl"
    engine = settings.pop("engine", ENGINE)
    answer_file(engine, prompts, out, prompts.parent / "ws", silent, **settings)
    return read(out)


def judged(answers: Path, judge: str = "expressions") -> list[Row]:
    """The rows that `judge_file` writes beside the answers."""
    out = answers.parent / "new" / "verdicts.jsonl"
    judge_file(judge, answers, out, silent)
    return read(out)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The messages of every chat the scripted engine is given."""
    given: list[tuple[str, ...]] = []
    real = Scripted.answer

    def answer(self: Scripted, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Answer | Failure]:
        given.extend(tuple(message.content for message in chat.messages) for chat in chats)
        return real(self, chats, sampling)

    monkeypatch.setattr(Scripted, "answer", answer)
    return given


def test_answers_keep_order_and_columns(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    """Long prompts are asked first, yet rows come back as they stood, repeated ones with the same answer."""
    rows: list[Row] = [
        {"prompt": "Knit a sock.", "mine": 1, "kind": "benign"},
        {"prompt": "How to steal the show in a school play?", "nested": {"a": [1, None]}, "id": "x"},
        {"mine": "é😀", "prompt": "Knit a sock."},
    ]
    found = answered(write(tmp_path / "p.jsonl", rows))
    assert [{name: row[name] for name in given} for row, given in zip(found, rows, strict=True)] == rows
    assert [row["response"] for row in found] == [ANSWER, REFUSAL, ANSWER]
    assert [row["prompt_id"] for row in found] == [Prompt(str(row["prompt"]), "benign").id for row in rows]
    assert [row["answer_tokens"] for row in found] == [len(str(row["response"]).split()) for row in found]
    assert {row["finish_reason"] for row in found} == {"end"}
    assert len(asked) == 2
    assert not any("error" in row for row in found)


def test_a_failed_row_is_null_with_its_error(tmp_path: Path) -> None:
    """The engine's failure stands in the row, the others are answered, and both are counted."""
    prompts = write(tmp_path / "p.csv", "goal,target\nbroken one,a\nknit,b\nbroken one,c\n")
    counts = answer_file(ENGINE, prompts, tmp_path / "o.jsonl", tmp_path / "ws", silent, prompt_column="goal")
    first, second, third = read(tmp_path / "o.jsonl")
    assert counts == {"failed": 2, "answered": 1}
    assert first.pop("prompt_id") == third.pop("prompt_id")
    assert first == {
        "goal": "broken one",
        "target": "a",
        "response": None,
        "finish_reason": None,
        "answer_tokens": None,
        "error": "Scripted: a word of `fail` was asked",
    }
    assert (second["response"], third["target"], third["response"]) == (ANSWER, "c", None)


def test_an_answer_replaces_an_old_error(tmp_path: Path) -> None:
    """A file answered before is answered afresh: no row says both an answer and why there is none."""
    row = {"prompt": "knit", "response": None, "error": "Timeout"}
    assert "error" not in answered(write(tmp_path / "p.jsonl", [row]))[0]


def test_any_text_survives_in_a_column_of_the_users_own(tmp_path: Path) -> None:
    """Half a surrogate pair in a column nobody reads is given back, not a crash after all was answered."""
    row = {"prompt": "knit", "note": "half \ud800 pair"}
    found = answered(write(tmp_path / "p.jsonl", [row]))
    assert (found[0]["note"], found[0]["response"]) == (row["note"], ANSWER)


def test_answers_are_not_asked_for_twice(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    """The workspace keeps them; another length, system prompt or limit asks what is new."""
    prompts = write(tmp_path / "p.jsonl", [{"prompt": "knit"}, {"prompt": "bake"}])
    steps: list[tuple[dict[str, Any], int, int]] = [
        ({}, 2, 2),
        ({}, 0, 2),
        ({"sampling": Sampling(max_new_tokens=3)}, 2, 2),
        ({"system": "Be kind."}, 2, 2),
        ({"limit": 1}, 1, 1),
        ({"limit": 9}, 0, 2),
    ]
    for settings, calls, rows in steps:
        before = len(asked)
        assert len(answered(prompts, **settings)) == rows
        assert len(asked) - before == calls


@pytest.mark.parametrize(
    ("settings", "messages"),
    [
        ({"system": "Be kind."}, ("Be kind.", "knit")),
        ({"defence": "system-prompt"}, (REMINDER, "knit")),
        ({"defence": "{folder}/d.toml"}, ("Take care.", "knit")),
        ({"defence": "{folder}/d.toml", "system": "Be kind."}, ("Be kind.\n\nTake care.", "knit")),
        ({"attack": "direct"}, ("knit",)),
        ({"adapter": "folder"}, ("knit",)),
    ],
    ids=["system", "defence", "defence file", "both", "attack", "adapter"],
)
def test_the_arm_is_what_the_settings_say(
    tmp_path: Path, asked: list[tuple[str, ...]], settings: dict[str, str], messages: tuple[str, ...]
) -> None:
    """System prompt, defence by name or from a file, attack and adapter reach the engine."""
    write(tmp_path / "d.toml", 'name = "system-prompt"\ntext = "Take care."\n')
    filled = {name: value.format(folder=tmp_path) for name, value in settings.items()}
    answered(write(tmp_path / "p.jsonl", [{"prompt": "knit"}]), **filled)
    assert asked == [messages]


@pytest.mark.parametrize(
    ("name", "content", "settings", "words"),
    [
        ("p.csv", "goal\nknit\n", {}, "p.csv, row 1, column `prompt`: is missing"),
        ("p.jsonl", '{"prompt": "a"}\n{"prompt": 3}\n', {}, "p.jsonl, row 2, column `prompt`: holds int"),
        ("p.csv", "prompt\n", {}, "p.csv: holds no rows"),
        ("p.jsonl", '{"prompt": "a"}\n', {"defence": "system-promt"}, "there is no defence `system-promt`"),
        ("p.jsonl", '{"prompt": "a"}\n', {"defence": "absent.toml"}, "`absent.toml` cannot be read"),
        ("p.jsonl", '{"prompt": "a"}\n', {"attack": "dirct"}, "there is no attack `dirct`"),
        ("p.jsonl", '{"prompt": "a"}\n', {"engine": "scriptd"}, "there is no engine `scriptd`"),
    ],
)
def test_mistakes_are_named_before_anything_is_asked(
    tmp_path: Path, asked: list[tuple[str, ...]], name: str, content: str, settings: dict[str, str], words: str
) -> None:
    """Broken rows, empty files and unknown names leave no output."""
    with pytest.raises((InputError, ConfigError)) as caught:
        answered(write(tmp_path / name, content), **settings)
    assert words in caught.value.message
    assert asked == []
    assert not (tmp_path / "new" / "answers.jsonl").exists()


def test_verdicts_keep_order_and_columns(tmp_path: Path) -> None:
    """Each row comes back with outcome, score and judge; what cannot be judged is null and says why."""
    rows: list[Row] = [
        {"prompt": "a", "response": ANSWER, "mine": [1]},
        {"prompt": "b", "response": 7},
        {"prompt": "c", "response": None, "error": "Timeout: gave up"},
        {"response": REFUSAL, "finish_reason": "length"},
        {"prompt": "d"},
        {"prompt": "e", "response": " "},
    ]
    found = judged(write(tmp_path / "a.jsonl", rows))
    kept = [{name: row[name] for name in given} for row, given in zip(found, rows, strict=True)]
    assert kept == rows
    assert [row["outcome"] for row in found] == ["answered", None, None, "refused", None, "unclear"]
    assert [row["score"] for row in found] == [0.0, None, None, 1.0, None, 0.0]
    assert {row["judge"] for row in found} == {"expressions"}
    assert [row.get("error") for row in found] == [
        None,
        "row 2: `response` holds int, not text",
        "Timeout: gave up",
        None,
        "row 5: `response` is null",
        None,
    ]


def test_verdicts_are_counted_over_many_batches(tmp_path: Path) -> None:
    """Beyond 512 rows the order stays, row numbers go on, and the counts are of the whole file."""
    rows: list[Row] = [{"response": REFUSAL if i % 3 else ANSWER} for i in range(1030)]
    rows[700] = {"response": []}
    counts = judge_file("expressions", write(tmp_path / "a.jsonl", rows), tmp_path / "v.jsonl", silent)
    found = read(tmp_path / "v.jsonl")
    expected: list[str | None] = ["refused" if i % 3 else "answered" for i in range(1030)]
    expected[700] = None
    assert [row["outcome"] for row in found] == expected
    assert found[700]["error"] == "row 701: `response` holds list, not text"
    assert counts == {"refused": 685, "answered": 344, "failed": 1}


def test_an_answer_with_half_a_character_is_judged(tmp_path: Path) -> None:
    """A server may cut an emoji in two; the row is judged and given back."""
    rows = [{"prompt": "a", "response": "I'm sorry, but I can't help with that. \ud83d"}]
    found = judged(write(tmp_path / "a.jsonl", rows))
    assert (found[0]["outcome"], found[0]["response"]) == ("refused", rows[0]["response"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"prompt": "a", "answer": "no"}\n', "column `response`: is in no row"),
        ("\n", "holds no rows"),
        ("", "is empty"),
        ("{", "row 1: is not JSON"),
    ],
)
def test_an_answer_file_without_answers_is_an_error(tmp_path: Path, content: str, words: str) -> None:
    """Nothing is written when there is nothing to judge."""
    with pytest.raises(InputError, match=words):
        judged(write(tmp_path / "a.jsonl", content))
    assert not (tmp_path / "new" / "verdicts.jsonl").exists()


def test_failed_rows_are_asked_again_by_the_same_command(tmp_path: Path) -> None:
    """A server that was down for a while does not leave failures behind for good."""
    prompts, out = write(tmp_path / "p.jsonl", [{"prompt": "plant a tree"}]), tmp_path / "o.jsonl"
    engine = {"name": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1", "retries": 0}
    heard: list[str] = []

    def listen(stage: str, done: int, total: int, note: str = "") -> None:
        heard.append(f"{done}/{total}")

    for _ in range(2):
        assert answer_file(engine, prompts, out, tmp_path / "ws", listen)["failed"] == 1
    assert heard.count("0/1") == 2, "the second call begins with nothing done"
