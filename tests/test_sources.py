"""Every format in, and every broken row named with its file, row and column."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from recusa.errors import InputError
from recusa.sources import hub
from recusa.sources.builtin import Builtin
from recusa.sources.file import File
from recusa.sources.hub import Hub
from recusa.sources.rows import LONGEST
from recusa.types import KINDS, Prompt

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROWS: list[dict[str, Any]] = [
    {
        "prompt": 'Say "hi",\nthen go: ção 😀',
        "kind": "harmful",
        "language": "pt",
        "category": "food",
        "group": "g1",
        "chosen": "No.",
        "rejected": "Sure,\tdone",
        "response": None,
        "refusal": None,
        "id": "a-1",
    },
    {
        "prompt": "  knit a sock ",
        "kind": "benign",
        "language": None,
        "category": None,
        "group": None,
        "chosen": None,
        "rejected": None,
        "response": "Cast on.",
        "refusal": "I would rather not.",
        "id": "a-2",
    },
]


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


def read(path: Path, content: str | bytes, **settings: Any) -> list[Prompt]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(File(path=path, **settings).prompts())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", as_jsonl(ROWS)),
        ("a.ndjson", as_jsonl(ROWS)),
        ("a.json", json.dumps(ROWS, indent=2).encode()),
        ("a.csv", as_csv(ROWS)),
        ("A.CSV", as_csv(ROWS)),
        ("a.tsv", as_csv(ROWS, "\t")),
        ("a.parquet", as_parquet(ROWS)),
        ("bom.csv", b"\xef\xbb\xbf" + as_csv(ROWS)),
        ("bom.jsonl", b"\xef\xbb\xbf" + as_jsonl(ROWS)),
        ("bom.json", b"\xef\xbb\xbf" + json.dumps(ROWS).encode()),
        ("blank.jsonl", b"\n" + as_jsonl(ROWS).replace(b"\n", b"\r\n\n")),
    ],
)
def test_every_format_gives_the_same_prompts(tmp_path: Path, name: str, content: bytes) -> None:
    """Quotes, commas, line breaks, accents, a byte order mark and empty cells come through in every format."""
    path = tmp_path / name
    first = Prompt(ROWS[0]["prompt"], "harmful", "pt-BR", "food", "g1", "No.", "Sure,\tdone", None, None)
    second = Prompt("  knit a sock ", "benign", response="Cast on.", refusal="I would rather not.")
    found = read(path, content)
    assert [(p.source, p.source_id) for p in found] == [(str(path), "a-1"), (str(path), "a-2")]
    assert [Prompt(*(getattr(p, f) for f in Prompt.__slots__[:9])) for p in found] == [first, second]


def test_an_advbench_file_is_read_by_its_own_column(tmp_path: Path) -> None:
    """`goal,target` needs the column's name and a kind; the other column is left alone."""
    content = 'goal,target\n"Steal the show, twice","Sure, here is"\nSteal a base,Sure\n'
    found = read(tmp_path / "advbench.csv", content, prompt_column="goal", kind="harmful")
    assert [(p.text, p.kind, p.chosen) for p in found] == [
        ("Steal the show, twice", "harmful", None),
        ("Steal a base", "harmful", None),
    ]


@pytest.mark.parametrize(
    ("row", "settings", "field", "value"),
    [
        ({"id": 7}, {}, "source_id", "7"),
        ({"id": 0}, {}, "source_id", "0"),
        ({}, {}, "source_id", None),
        ({"language": "pt"}, {}, "language", "pt-BR"),
        ({}, {"language": "pt"}, "language", "pt-BR"),
        ({"language": "pt-PT"}, {"language": "pt"}, "language", "pt-PT"),
        ({}, {}, "language", "en"),
        ({"kind": "borderline"}, {"kind": "harmful"}, "kind", "borderline"),
        ({"kind": None}, {"kind": "harmful"}, "kind", "harmful"),
        ({"category": float("nan")}, {}, "category", ""),
        ({"chosen": float("nan")}, {}, "chosen", None),
        ({"prompt": "x" * LONGEST}, {}, "text", "x" * LONGEST),
    ],
)
def test_what_a_row_says_and_what_its_source_says(
    tmp_path: Path, row: dict[str, Any], settings: dict[str, Any], field: str, value: object
) -> None:
    """A row's own word comes first, then the source's, then the default."""
    content = as_jsonl([{"prompt": "knit", "kind": "benign"} | row])
    assert getattr(read(tmp_path / "a.jsonl", content, **settings)[0], field) == value


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (2, 2), (9, 2)])
def test_a_limit_reads_no_further(tmp_path: Path, limit: int, count: int) -> None:
    """Rows beyond the limit are not even checked."""
    content = as_jsonl(ROWS) + (b"broken" if limit <= 2 else b"")
    assert len(read(tmp_path / "a.jsonl", content, limit=limit)) == count


BAD: dict[str, tuple[str, str | bytes, int | None, str | None, str]] = {
    "missing column": ("a.jsonl", '{"prompt": "a"}\n{"goal": "b"}', 2, "prompt", "columns here: goal"),
    "missing csv column": ("a.csv", "goal\nsteal", 1, "prompt", "columns here: goal"),
    "no columns": ("a.jsonl", "{}", 1, "prompt", "columns here: none"),
    "empty prompt": ("a.csv", "prompt,x\na,1\n,2", 2, "prompt", "is empty"),
    "blank prompt": ("a.json", '[{"prompt": " \\n\\u00a0"}]', 1, "prompt", "is empty"),
    "null prompt": ("a.jsonl", '{"prompt": null}', 1, "prompt", "is empty"),
    "number": ("a.jsonl", '{"prompt": "a"}\n{"prompt": 7}', 2, "prompt", "holds int, not text"),
    "list": ("a.parquet", as_parquet([{"prompt": ["a"]}]), 1, "prompt", "holds list, not text"),
    "object as reference": ("a.jsonl", '{"prompt": "a", "chosen": {}}', 1, "chosen", "holds dict, not text"),
    "number as kind": ("a.jsonl", '{"prompt": "a", "kind": 1}', 1, "kind", "holds int, not text"),
    "unknown kind": ("a.csv", "prompt,kind\na,benign\nb,evil", 2, "kind", "`evil` is not one of harmful, benign"),
    "surrogate": ("a.jsonl", '{"prompt": "a\\ud800"}', 1, "prompt", "half a surrogate pair"),
    "surrogate in group": ("a.jsonl", '{"prompt": "a", "group": "\\udc00"}', 1, "group", "half a surrogate pair"),
    "10 MB prompt": ("a.csv", "prompt\nsmall\n" + "x" * 10_000_000, 2, "prompt", "10,000,000 characters"),
    "not UTF-8": ("a.jsonl", b'{"prompt": "a"}\n{"prompt": "\xe9"}', 2, None, "not UTF-8 (byte 13 of the line)"),
    "not UTF-8, csv": ("a.csv", b"prompt\nb\xe9b\n", 2, None, "not UTF-8 (byte 2 of the line)"),
    "not UTF-8, json": ("a.json", b'[\n{"prompt":\n"\xff"}]', 3, None, "not UTF-8 (byte 2 of the line)"),
    "empty file": ("a.jsonl", "", None, None, "is empty"),
    "blank file": ("a.jsonl", "\n\n", None, None, "holds no rows"),
    "header only": ("a.csv", "prompt,kind\n", None, None, "holds no rows"),
    "empty list": ("a.json", "[]", None, None, "holds no rows"),
    "empty parquet": ("a.parquet", as_parquet([]), None, None, "holds no rows"),
    "cut json": ("a.json", '[{"prompt": "a"}, {"pro', None, None, "is not JSON"),
    "cut jsonl": ("a.jsonl", '{"prompt": "a"}\n{"pro', 2, None, "is not JSON"),
    "deep json": ("a.jsonl", "[" * 100_000, 1, None, "is not JSON"),
    "json object": ("a.json", '{"prompt": "a"}', None, None, "does not hold a list"),
    "json text": ("a.json", '["a"]', 1, None, "is str, not an object"),
    "jsonl list": ("a.jsonl", '{"prompt": "a"}\n["b"]', 2, None, "is list, not an object"),
    "extra cell": ("a.csv", "prompt\na\nb,c", 2, None, "more cells than the header"),
    "open quote": ("a.csv", 'prompt\na\n"b', 2, None, "is not CSV"),
    "unknown ending": ("a.xlsx", "prompt", None, None, "unknown file ending `.xlsx`"),
    "no ending": ("prompts", "prompt", None, None, "unknown file ending ``"),
    "broken parquet": ("a.parquet", b"PAR1 but not really PAR1", None, None, "is not Parquet"),
    "cut parquet": ("a.parquet", as_parquet(ROWS)[:-9], None, None, "is not Parquet"),
}


@pytest.mark.parametrize(("name", "content", "row", "column", "words"), BAD.values(), ids=BAD)
def test_a_bad_file_is_named_with_row_and_column(
    tmp_path: Path, name: str, content: str | bytes, row: int | None, column: str | None, words: str
) -> None:
    """The error says which file, which row, which column and what is wrong with it."""
    with pytest.raises(InputError) as caught:
        read(tmp_path / name, content, kind="benign")
    error = caught.value
    assert (error.row, error.column) == (row, column)
    place = str(tmp_path / name) + (f", row {row}" if row else "") + (f", column `{column}`" if column else "")
    assert error.message.startswith(f"{place}: ")
    assert words in error.message + error.hint


def test_a_parquet_file_with_damaged_pages_says_what_is_wrong(tmp_path: Path) -> None:
    """A whole footer over broken pages is an error with a reason, not with the word None."""
    whole = as_parquet([{"prompt": f"prompt number {i}"} for i in range(2000)])
    with pytest.raises(InputError, match=r"a\.parquet") as caught:
        read(tmp_path / "a.parquet", whole[:4] + bytes(len(whole) // 2) + whole[4 + len(whole) // 2 :], kind="benign")
    assert "None" not in caught.value.message


@pytest.mark.parametrize("name", ["absent.csv", "folder.csv"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    """A missing file and a folder are errors in a line."""
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=f"{name}: no such file"):
        list(File(path=tmp_path / name, kind="benign").prompts())


def test_a_kind_that_nobody_says_is_an_error(tmp_path: Path) -> None:
    """Without a `kind` column the source must say the kind, and the hint tells how."""
    with pytest.raises(InputError, match="row 1, column `kind`: is missing") as caught:
        read(tmp_path / "a.csv", "prompt\nknit")
    assert all(kind in caught.value.hint for kind in KINDS)


def test_the_built_in_prompts_can_be_taken_by_kind() -> None:
    """One kind is a part of the whole, and the parts make it up."""
    whole = list(Builtin().prompts())
    parts = [p for kind in KINDS for p in Builtin(kind=kind).prompts()]
    assert {p.kind for p in Builtin(kind="harmful").prompts()} == {"harmful"}
    assert len(whole) == len(parts) > 0


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `datasets` library with an empty cache and no network."""
    config = pytest.importorskip("datasets.config")
    for name, value in (("HF_DATASETS_CACHE", tmp_path / "cache"), ("HF_HUB_OFFLINE", True)):
        monkeypatch.setenv(name, str(int(value) if value is True else value))
        monkeypatch.setattr(config, name, value)


LATS = {
    "harmful": {"prompt": "Steal the show", "rejected": "Sure, here is", "chosen": "I'd rather not."},
    "benign": {"prompt": "Knit a sock", "response": "Cast on.", "refusal": "I can't help with that."},
}


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("kind", LATS)
def test_both_lat_layouts_load_without_saying_their_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    """The data set's name tells the kind, and each layout's references arrive under their own names."""
    folder = tmp_path / "copy"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "train-00000-of-00001.parquet").write_bytes(as_parquet([LATS[kind]] * 2))
    monkeypatch.setitem(hub.KINDS_OF, str(folder), kind)
    found = list(Hub(dataset=str(folder), limit=1).prompts())
    known: dict[str, Any] = {**LATS[kind], "text": LATS[kind]["prompt"], "source": str(folder)}
    known.pop("prompt")
    assert found == [Prompt(kind=kind, **known)]
    assert hub.KINDS_OF[f"LLM-LAT/{kind}-dataset"] == kind


@pytest.mark.usefixtures("offline")
def test_a_data_set_that_cannot_be_had_is_one_line_with_a_way_out(tmp_path: Path) -> None:
    """The library's own error is wrapped, and the hint names the `file` source."""
    with pytest.raises(InputError, match="absent: could not be loaded") as caught:
        list(Hub(dataset=str(tmp_path / "absent"), kind="benign").prompts())
    assert "\n" not in caught.value.message
    assert 'name = "file"' in caught.value.hint
