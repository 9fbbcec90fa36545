"""The report as data: one JSON object, or one CSV table; numbers in full precision, names in English."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from recusa.report.answers import OUTCOMES
from recusa.report.clean import clean
from recusa.report.format import Locale
from recusa.report.summary import Summary
from recusa.results import Results
from recusa.stats import wilson

COLUMNS = (
    "measure", "arm", "baseline", "attack", "kind", "language", "judge", "n", "refused", "answered", "unclear",
    "failed", "left_out", "gained", "lost", "value", "low", "high", "least", "most", "p", "p_holm", "shown",
)  # fmt: skip


def as_csv(results: Results) -> str:
    """One row per rate and per difference, of every attack, kind, language and judge; shares are 0..1."""
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in (*_rates(results), *_differences(results)):
        writer.writerow({name: clean(value) if isinstance(value, str) else value for name, value in row.items()})
    return table.getvalue()


def as_json(summary: Summary, results: Results, locale: Locale) -> str:
    """The finding in words, then every table of the page as numbers, and the prompts that moved; no answers."""
    content = {
        "name": results.name,
        "digest": results.digest,
        "language": locale.code,
        "finding": summary.finding.text,
        "judge_error": summary.judge_error,
        "warnings": summary.warnings,
        "failed_arms": dict(summary.fallen),
        "view": {"attack": summary.view.attack, "language": summary.view.language, "judge": summary.view.judge},
        "baseline": results.baseline,
        "alpha": results.alpha,
        "rates": [{name: v for name, v in row.items() if name != "measure"} for row in _rates(results)],
        "differences": [{name: v for name, v in row.items() if name != "measure"} for row in _differences(results)],
        "four_way": [row.model_dump(mode="json") for row in results.four_way],
        "transitions": list(_transitions(summary)),
        "moved": list(_moved(summary)),
        "categories": list(_categories(summary, results.alpha)),
        "cost": [row.model_dump(mode="json") for row in results.cost],
        "prevented": [{"arm": row.arm, **row.raw} for row in summary.prevented],
        "frontier": results.frontier.model_dump(mode="json") if results.frontier else None,
        "failures": [{"arm": arm, "error": error, "rows": count} for arm, error, count in summary.told.failures],
        "redacted": summary.listing.redacted,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _rates(results: Results) -> Iterator[dict[str, Any]]:
    for rate in results.rates:
        values = rate.model_dump()
        yield {"measure": "refusal_rate", **{n: v for n, v in values.items() if n in COLUMNS}, "value": rate.rate}


def _differences(results: Results) -> Iterator[dict[str, Any]]:
    for row in results.comparisons:
        values = {name: value for name, value in row.model_dump().items() if name in COLUMNS}
        yield {
            "measure": "difference", **values, "gained": len(row.gained), "lost": len(row.lost),
            "value": row.difference, "shown": row.is_real(results.alpha),
        }  # fmt: skip


def _transitions(summary: Summary) -> Iterator[dict[str, Any]]:
    for (arm, kind), moved in summary.moves.items():
        for before in OUTCOMES:
            for after in OUTCOMES:
                yield {"arm": arm, "kind": kind, "before": before, "after": after, "count": moved[before, after]}


def _moved(summary: Summary) -> Iterator[dict[str, Any]]:
    for change in summary.changes:
        for ids, way in ((change.raw.gained, "gained"), (change.raw.lost, "lost")):
            for prompt_id in ids:
                one = summary.told.asked.get(prompt_id)
                yield {"prompt_id": prompt_id, "arm": change.raw.arm, "kind": change.raw.kind, "refusal": way,
                       "category": one.category if one else "", "language": one.language if one else ""}  # fmt: skip


def _categories(summary: Summary, alpha: float) -> Iterator[dict[str, Any]]:
    for (kind, category), cells in summary.categories.items():
        for arm, (refused, n) in cells.items():
            low, high = wilson(refused, n, alpha)
            yield {"kind": kind, "category": category, "arm": arm, "refused": refused, "n": n, "low": low, "high": high}
