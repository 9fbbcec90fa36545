"""Tables for the terminal about leaks between prompt files."""

from __future__ import annotations

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from recusa.console import line, out
from recusa.jobs.audit import Found, Leakage, Twins
from recusa.near import HOW

SHOWN = 10  # pairs across files, and clusters, that are printed
WIDTH = 70  # characters of a text


def audited(found: Leakage) -> None:
    """Counts within and across files, the largest clusters, and some pairs across files, one line a prompt."""
    out.print(f"near-copies by {escape(found.method)}", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for name in ("", "prompts", *HOW, "with a copy"):
        table.add_column(name, justify="left" if not name else "right", overflow="fold")
    for part in found.within:
        _row(table, part, part.files[0], found.files)
    for part in found.across:
        _row(table, part, " ~ ".join(part.files), found.files)
    out.print(table)
    out.print("pairs by their strongest evidence; exact, within a file, are repeated rows", soft_wrap=True)
    sizes = ", ".join(str(cluster.size) for cluster in found.largest)
    out.print(f"{found.clusters} clusters" + (f", the largest of {sizes} prompts" if sizes else ""), soft_wrap=True)
    for cluster in found.largest[:3]:
        files = ", ".join(f"{count} in {name}" for name, count in cluster.files.items())
        out.print(f"  {cluster.size} prompts ({escape(line(files))}), such as", soft_wrap=True)
        out.print(f"    {_short(cluster.texts[0])}", soft_wrap=True)
    crossing = [pair for pair in found.pairs if pair.one[0] != pair.other[0]]
    for pair in _spread(crossing):
        out.print(f"{pair.how} {pair.similarity:.2f}", soft_wrap=True)
        for (name, row), text in zip((pair.one, pair.other), pair.texts, strict=True):
            out.print(f"  {escape(line(name))}, row {row}: {_short(text)}", soft_wrap=True)
    if len(crossing) > SHOWN:
        out.print(f"... and {len(crossing) - SHOWN} more pairs across files; --out FILE keeps all", soft_wrap=True)


def _row(table: Table, part: Found, name: str, sizes: Mapping[str, int]) -> None:
    having = "; ".join(str(sum(part.prompts[file].values())) for file in part.files)
    counts = (str(part.pairs.get(how, 0)) for how in HOW)
    table.add_row(escape(line(name)), "; ".join(str(sizes[file]) for file in part.files), *counts, having)


def _spread(pairs: list[Twins]) -> list[Twins]:
    """Some pairs of each evidence, those found by words and meaning too."""
    by_how = [[pair for pair in pairs if pair.how == how] for how in HOW]
    each = [some[rank] for rank in range(SHOWN) for some in by_how if rank < len(some)]
    return sorted(each[:SHOWN], key=lambda pair: HOW.index(pair.how))


def _short(text: str) -> str:
    flat = line(text)
    return escape(flat if len(flat) <= WIDTH else f"{flat[: WIDTH - 3]}...")
