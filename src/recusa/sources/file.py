"""`file`: prompts from JSONL, JSON, CSV, TSV or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from recusa.errors import InputError, MissingPackage
from recusa.sources.rows import RowSource
from recusa.types import Prompt

LONGEST_CELL = 64 << 20  # csv's own limit of 128 KiB would hide which row is too long


class File(RowSource):
    """Rows of a local file; the ending says the format."""

    name: ClassVar[str] = "file"

    path: Path = Field(description="file ending in .jsonl, .json, .csv, .tsv or .parquet")

    def prompts(self) -> Iterator[Prompt]:
        """Prompts in file order; raises InputError naming file, row and column."""
        return self.checked(self.rows(), str(self.path))

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Raw rows; raises InputError when the file cannot be read."""
        return read_rows(self.path)


def read_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Raw rows of a file, each a mapping from column to value; raises InputError when it cannot be read."""
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".json": _json, ".csv": _csv, ".tsv": _csv, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"unknown file ending `{path.suffix}`", file=path, hint=f"known: {', '.join(readers)}")
    if not path.is_file():
        raise InputError("no such file", file=path, hint="a path is looked up from the folder the command runs in")
    if path.stat().st_size == 0:
        raise InputError("is empty", file=path)
    try:
        yield from reader(path)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or str(error)[:120]}", file=path) from None


def _lines(path: Path) -> Iterator[str]:
    """Lines decoded one by one, so that an error can name the line."""
    with path.open("rb") as raw:
        for number, line in enumerate(raw, start=1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"is not UTF-8 (byte {error.start + 1} of the line)", file=path, row=number, hint="save it as UTF-8"
                ) from None


def _jsonl(path: Path) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate((line for line in _lines(path) if line.strip()), start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"is not JSON ({error})", file=path, row=number) from None
        yield _object(row, path, number)


def _json(path: Path) -> Iterator[Mapping[str, Any]]:
    text = "".join(_lines(path))
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON ({error})", file=path) from None
    if not isinstance(rows, list):
        raise InputError("does not hold a list of rows", file=path, hint="one object a row, in a list")
    for number, row in enumerate(rows, start=1):
        yield _object(row, path, number)


def _object(row: object, path: Path, number: int) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise InputError(f"is {type(row).__name__}, not an object", file=path, row=number)
    return row


def _csv(path: Path) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.DictReader(_lines(path), delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
    number = 0
    try:
        header = reader.fieldnames or []
        twice = next((name for name in header if header.count(name) > 1), None)
        if twice is not None:
            raise InputError("stands twice in the header", file=path, column=twice)
        for number, row in enumerate(reader, start=1):
            if None in row:
                raise InputError("has more cells than the header", file=path, row=number)
            yield {column: value or None for column, value in row.items()}
    except csv.Error as error:
        raise InputError(f"is not CSV ({error})", file=path, row=number + 1) from None


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingPackage(
            "Parquet needs a package that is not installed: `pyarrow`", "pip install 'recusa[local]'"
        ) from None
    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            for batch in table.iter_batches():
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"is not Parquet ({str(error)[:120]})", file=path) from None
