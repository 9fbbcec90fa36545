"""Drawing by hand: a canvas of a few shapes, one palette for page and file, and the figure that holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from html import escape
from typing import Literal

from recusa.report.clean import clean

WIDTH = 640.0
TEXT = 12.0  # size of a label in pixels; `small` is 11
Anchor = Literal["start", "middle", "end"]

# Told apart by people with any colour vision and in grey; kinds also differ in shape.
LIGHT = {
    "paper": "#ffffff",
    "ink": "#1c2127",
    "soft": "#5b646e",
    "rule": "#d9dde1",
    "faint": "#eef0f2",
    "refused": "#1d5a8c",
    "answered": "#e5b567",
    "unclear": "#b4bac1",
    "on-refused": "#ffffff",
    "on-answered": "#33270f",
    "harmful": "#a8412b",
    "borderline": "#7a62ad",
    "benign": "#1f7a74",
    "accent": "#1d5a8c",
}
DARK = {
    "paper": "#14181c",
    "ink": "#e4e8ec",
    "soft": "#9aa4ae",
    "rule": "#323a42",
    "faint": "#20262c",
    "refused": "#6cb0e6",
    "answered": "#b98a3e",
    "unclear": "#6b747d",
    "on-refused": "#0b1a26",
    "on-answered": "#14100a",
    "harmful": "#ee8a70",
    "borderline": "#b7a1ea",
    "benign": "#5cc2b8",
    "accent": "#6cb0e6",
}
RULES = {
    "text": "font-family: FONT; font-size: 12px; fill: $ink; font-variant-numeric: tabular-nums",
    ".small": "font-size: 11px",
    ".soft": "fill: $soft",
    ".strong": "font-weight: 700",
    ".title": "font-size: 16px; font-weight: 700",
    ".num-mark": "font-size: 11px; font-weight: 700",
    ".halo": "stroke: $paper; stroke-width: 3; stroke-linejoin: round; paint-order: stroke",
    ".grid": "stroke: $rule; stroke-width: 1; fill: none",
    ".faint": "fill: $faint",
    ".zero": "stroke: $soft; stroke-width: 1.25; fill: none",
    ".guide": "stroke: $soft; stroke-width: 1; stroke-dasharray: 2 3; fill: none",
    ".refused": "fill: $refused",
    ".answered": "fill: $answered",
    ".unclear": "fill: $unclear",
    ".on-refused": "fill: $on-refused",
    ".on-answered": "fill: $on-answered",
    ".flow-stays": "fill: $unclear; fill-opacity: 0.22",
    ".flow-gained": "fill: $refused; fill-opacity: 0.55",
    ".flow-lost": "fill: $answered; fill-opacity: 0.7",
    ".flow-rest": "fill: $unclear; fill-opacity: 0.65",
    ".whisker": "stroke: $ink; stroke-width: 1.25; fill: none",
    ".whisker-halo": "stroke: $paper; stroke-width: 3; stroke-opacity: 0.8; fill: none",
    ".mark-harmful": "fill: $harmful; stroke: $harmful; stroke-width: 1.75",
    ".mark-borderline": "fill: $borderline; stroke: $borderline; stroke-width: 1.75",
    ".mark-benign": "fill: $benign; stroke: $benign; stroke-width: 1.75",
    ".line-harmful": "stroke: $harmful; stroke-width: 1.75; fill: none",
    ".line-borderline": "stroke: $borderline; stroke-width: 1.75; fill: none",
    ".line-benign": "stroke: $benign; stroke-width: 1.75; fill: none",
    ".mark-quiet": "fill: $paper; stroke: $soft; stroke-width: 1.75",
    ".line-quiet": "stroke: $soft; stroke-width: 1.5; fill: none",
    ".mark-accent": "fill: $accent; stroke: $accent; stroke-width: 1.75",
    ".line-accent": "stroke: $accent; stroke-width: 1.75; fill: none",
    ".line-thin": "stroke: $soft; stroke-width: 1; stroke-opacity: 0.45; fill: none",
    ".hollow": "fill: $paper",
    ".ring": "fill: none",
    ".ring-halo": "stroke: $paper; stroke-width: 5; fill: none",
}
FILE_FONT = "Lato, Helvetica, Arial, sans-serif"


def stylesheet(colours: Mapping[str, str] | None = None, font: str = FILE_FONT, scope: str = "") -> str:
    """The rules with the given colours, or with CSS variables of the same names when None."""

    def colour(found: re.Match[str]) -> str:
        name = found.group(1)
        return colours[name] if colours else f"var(--{name})"

    rules = (f"{scope}{selector} {{ {body} }}" for selector, body in RULES.items())
    return re.sub(r"\$([a-z-]+)", colour, "\n".join(rules).replace("FONT", font))


def variables(colours: Mapping[str, str]) -> str:
    """The palette as CSS variables."""
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


def text_width(text: str, size: float = TEXT) -> float:
    """About how wide a text is, a little on the safe side: fonts differ from reader to reader."""
    return size * sum(map(_advance, text))


def wrap(text: str, width: float, size: float = TEXT) -> list[str]:
    """Break a label into lines that fit, after a space or a `-_/.+:` where there is one; nothing is cut off."""
    lines = [""]
    for part in re.findall(r"[^\s\-_/.+:]*[\s\-_/.+:]?", clean(text).replace("\n", " ").strip()):
        if lines[-1] and text_width(lines[-1] + part.rstrip(), size) > width:
            lines.append("")
        for character in part:
            if lines[-1] and text_width(lines[-1] + character.rstrip(), size) > width:
                lines.append("")
            lines[-1] += character
    return [line.strip() for line in lines if line.strip()] or [""]


@dataclass(slots=True)
class Canvas:
    """Shapes drawn so far; `y` is where the next row begins."""

    y: float = 0.0
    parts: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, content: str, css: str = "", anchor: Anchor = "start") -> None:
        """A line of text on the baseline `y`."""
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        name = f' class="{css}"' if css else ""
        self.parts.append(f'<text x="{_n(x)}" y="{_n(y)}"{name}{where}>{escape(clean(content))}</text>')

    def rect(self, x: float, y: float, width: float, height: float, css: str, depth: float = 1.0) -> None:
        """A filled rectangle of an opacity; an empty one is not drawn."""
        if width > 0 and height > 0:
            size = f'width="{_n(width)}" height="{_n(height)}"'
            opacity = f' fill-opacity="{depth:.3f}"' if depth < 1 else ""
            self.parts.append(f'<rect x="{_n(x)}" y="{_n(y)}" {size} class="{css}"{opacity}/>')

    def ribbon(self, left: float, top: float, right: float, end: float, thick: float, css: str) -> None:
        """A band that bends from one height to another."""
        middle = _n((left + right) / 2)
        over = f"M{_n(left)} {_n(top)}C{middle} {_n(top)} {middle} {_n(end)} {_n(right)} {_n(end)}"
        under = f"C{middle} {_n(end + thick)} {middle} {_n(top + thick)} {_n(left)} {_n(top + thick)}Z"
        self.parts.append(f'<path d="{over}L{_n(right)} {_n(end + thick)}{under}" class="{css}"/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """A straight line."""
        ends = f'x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"'
        self.parts.append(f'<line {ends} class="{css}"/>')

    def path(self, points: list[tuple[float, float]], css: str) -> None:
        """A line through points."""
        steps = " ".join(f"{'L' if i else 'M'}{_n(x)} {_n(y)}" for i, (x, y) in enumerate(points))
        self.parts.append(f'<path d="{steps}" class="{css}"/>')

    def marker(self, kind: str, x: float, y: float, css: str, size: float = 4.5) -> None:
        """A kind's shape: harmful a circle, borderline a diamond, benign a square."""
        if kind == "borderline":
            r = size * 1.2
            d = f"M{_n(x)} {_n(y - r)}L{_n(x + r)} {_n(y)}L{_n(x)} {_n(y + r)}L{_n(x - r)} {_n(y)}Z"
            self.parts.append(f'<path d="{d}" class="{css}"/>')
        elif kind == "benign":
            self.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8, css)
        else:
            self.parts.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(size)}" class="{css}"/>')

    def whisker(self, low: float, high: float, y: float, css: str, cap: float = 3.5) -> None:
        """A horizontal interval with end caps."""
        self.line(low, y, high, y, css)
        for x in (low, high):
            self.line(x, y - cap, x, y + cap, css)


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with its title, its note, a description in words, and its data as a table."""

    name: str
    title: str
    note: str
    description: str
    height: float
    body: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    def inline(self) -> str:
        """For a page, which gives the colours and prints title and note itself."""
        return self._svg(self.height, self.body)

    def file(self) -> str:
        """For a file: light colours, title above, note below."""
        titles, notes = wrap(self.title, WIDTH - 40, 16), wrap(self.note, WIDTH - 20, 11)
        head = 14 + 21 * len(titles)
        total = head + self.height + 18 + 15 * len(notes)
        canvas = Canvas()
        canvas.parts.append(f'<rect width="{_n(WIDTH + 32)}" height="{_n(total + 16)}" fill="{LIGHT["paper"]}"/>')
        canvas.parts.append('<g transform="translate(16 8)">')
        for place, line in enumerate(titles):
            canvas.text(0, 16 + 21 * place, line, "title")
        canvas.parts.append(f'<g transform="translate(0 {_n(head)})">{self.body}</g>')
        for place, line in enumerate(notes):
            canvas.text(0, head + self.height + 16 + 15 * place, line, "small soft")
        canvas.parts.append("</g>")
        style = f"<style>{stylesheet(LIGHT)}</style>"
        return self._svg(total + 16, style + "".join(canvas.parts), WIDTH + 32)

    def _svg(self, height: float, body: str, width: float = WIDTH) -> str:
        label = f"{self.name}-title {self.name}-desc"
        size = f'viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} class="chart" role="img" aria-labelledby="{label}">'
            f'<title id="{self.name}-title">{escape(clean(self.title))}</title>'
            f'<desc id="{self.name}-desc">{escape(clean(self.description))}</desc>{body}</svg>'
        )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


@cache
def _advance(character: str) -> float:
    if character in "iljtfI.,:;|!'()[]- ":
        return 0.34
    if character in "mwMW%@\N{EM DASH}":
        return 0.9
    if ord(character) >= 0x1100:
        return 1.05
    return 0.68 if character.isupper() else 0.58
