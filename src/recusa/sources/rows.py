"""From a raw row to a Prompt: what a prompt file may hold, checked, with file, row and column in every error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field

from recusa.component import Component
from recusa.errors import InputError
from recusa.types import Kind, Prompt

LONGEST = 100_000  # characters; a longer prompt is a broken file, and no model here could read it
TEXTS = ("chosen", "rejected", "response", "refusal")
Use = Literal["both", "train", "test"]


class RowSource(Component):
    """What every source of prompts can be told."""

    cosmetic: ClassVar[frozenset[str]] = frozenset()

    kind: Kind | None = Field(None, description="kind of all rows that do not say their own")
    language: str = Field("en", description="language of rows that do not say their own (BCP 47)")
    prompt_column: str = Field("prompt", description="column that holds the prompt")
    limit: int | None = Field(None, ge=1, description="read at most this many rows")
    use: Use = Field("both", description="split these prompts, or keep all of them for training or for the test")

    def checked(self, rows: Iterable[Mapping[str, Any]], place: str) -> Iterator[Prompt]:
        """Prompts from raw rows; raises InputError naming place, row and column. An empty source is an error too."""
        number = 0
        for number, row in enumerate(rows, start=1):
            yield to_prompt(row, self, place, number)
            if self.limit is not None and number == self.limit:
                return
        if number == 0:
            raise InputError("holds no rows", file=place, hint="each row is one prompt")


def to_prompt(row: Mapping[str, Any], source: RowSource, place: str, number: int) -> Prompt:
    """One checked prompt; `place` and `number` are what an error names."""

    def fail(problem: str, column: str | None = None, hint: str = "") -> InputError:
        return InputError(problem, file=place, row=number, column=column, hint=hint)

    def text(column: str) -> str | None:
        value = row.get(column)
        if value is None or (isinstance(value, float) and value != value):  # NaN is how tables say nothing
            return None
        if not isinstance(value, str):
            raise fail(f"holds {type(value).__name__}, not text", column)
        try:
            value.encode()
        except UnicodeEncodeError:
            raise fail("holds half a surrogate pair, which is no text", column, "save the file as UTF-8") from None
        return value

    if source.prompt_column not in row:
        columns = ", ".join(map(str, row)) or "none"
        raise fail(
            "is missing", source.prompt_column, f"columns here: {columns}; name the right one with prompt_column"
        )
    prompt = text(source.prompt_column)
    if prompt is None or not prompt.strip():
        raise fail("is empty", source.prompt_column)
    if len(prompt) > LONGEST:
        raise fail(f"holds {len(prompt):,} characters, at most {LONGEST:,} are read", source.prompt_column)
    kind = text("kind") or source.kind
    if kind is None:
        raise fail("is missing and the source names none", "kind", f"say kind = one of {', '.join(get_args(Kind))}")
    if kind not in get_args(Kind):
        raise fail(f"`{kind[:40]}` is not one of {', '.join(get_args(Kind))}", "kind")
    language = text("language") or source.language
    number_or_text = row.get("id")
    return Prompt(
        text=prompt,
        kind=kind,  # type: ignore[arg-type]
        language="pt-BR" if language == "pt" else language,
        category=text("category") or "",
        group=text("group") or "",
        source=place,
        source_id=None if number_or_text is None else str(number_or_text),
        row=number,
        **{column: text(column) for column in TEXTS},
    )
