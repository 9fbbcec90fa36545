"""How a number is written: once, here, so that the table, the picture and the sentence agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
ABSENT = "\N{EM DASH}"
LEAST_P = 0.001


@dataclass(frozen=True, slots=True)
class Locale:
    """A language of the report: its words and how it writes numbers."""

    words: Mapping[str, str]
    code: str = "en"
    decimal: str = "."
    thousands: str = ","
    told: tuple[tuple[str, str], ...] = ()  # what results say in English, and how this language says it

    def say(self, name: str, /, **fields: object) -> str:
        """One of the report's sentences with its fields filled in; an unknown name or a missing field is a KeyError."""
        text = self.words[name]
        return text.format_map(fields) if "{" in text else text

    def kind(self, kind: str) -> str:
        """A kind of prompt as a word in a sentence; the results' own word where the language has none."""
        return self.words.get(f"kind_{kind}", kind)

    def kind_title(self, kind: str) -> str:
        """A kind of prompt as a heading."""
        return self.words.get(f"title_{kind}", kind)

    def listed(self, items: Iterable[str]) -> str:
        """`a, b and c`."""
        *first, last = list(items) or [ABSENT]
        both = self.say("and")
        return f"{', '.join(first)} {both} {last}" if first else last

    def number(self, value: float, digits: int = 0) -> str:
        """`12,345.6`, with a real minus sign."""
        text = f"{value:,.{digits}f}"
        if float(text.replace(",", "")) == 0:
            text = text.lstrip("-")
        marks = {",": self.thousands, ".": self.decimal, "-": MINUS}
        return "".join(marks.get(character, character) for character in text)

    def short(self, value: float) -> str:
        """A number of unknown size with about three digits."""
        size = abs(value)
        return self.number(value, 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 4)

    def plain(self, value: float) -> str:
        """A setting as it was given: `0.05`, `30`."""
        return f"{value:g}".replace("-", MINUS).replace(".", self.decimal)

    def percent(self, share: float | None) -> str:
        """`77.1%`."""
        return ABSENT if share is None else f"{self.number(100 * share, 1)}%"

    def count(self, part: int, whole: int) -> str:
        """`37/96`."""
        return f"{self.number(part)}/{self.number(whole)}"

    def interval(self, low: float | None, high: float | None) -> str:
        """`28.1-47.2` with an en dash, in percent."""
        if low is None or high is None:
            return ABSENT
        return f"{self.number(100 * low, 1)}{DASH}{self.number(100 * high, 1)}"

    def points(self, difference: float | None) -> str:
        """`+39.6`: a difference of two shares in percentage points."""
        if difference is None:
            return ABSENT
        text = self.number(100 * difference, 1)
        return text if text.startswith(MINUS) or not text.strip(f"0{self.decimal}") else f"+{text}"

    def spread(self, low: float | None, high: float | None) -> str:
        """`-3.2 to 12.4`: the interval of a difference, in percentage points."""
        if low is None or high is None:
            return ABSENT
        return self.say("spread", low=self.number(100 * low, 1), high=self.number(100 * high, 1))

    def p(self, value: float | None) -> str:
        """`p = 0.034`, `p < 0.001` or `p > 0.999`."""
        if value is None:
            return ABSENT
        if value < LEAST_P:
            return f"p < {self.number(LEAST_P, 3)}"
        if value > 1 - LEAST_P:
            return f"p > {self.number(1 - LEAST_P, 3)}"
        return f"p = {self.number(value, 3)}"

    def p_cell(self, value: float | None) -> str:
        """The same under a heading that says p: `0.034`, `<0.001`."""
        return self.p(value).removeprefix("p = ").removeprefix("p ").replace(" ", "")

    def duration(self, seconds: float) -> str:
        """`0.42 s`, `12.3 s`, `4 min 10 s`, `2 h 5 min`."""
        if seconds < 60:
            return f"{self.number(seconds, 2 if seconds < 10 else 1)} s"
        minutes, rest = divmod(round(seconds), 60)
        if minutes < 60:
            return f"{minutes} min {rest} s"
        return f"{minutes // 60} h {minutes % 60} min"
