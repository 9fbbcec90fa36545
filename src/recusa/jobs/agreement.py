"""How far judges agree with each other and with people's labels, on this run's answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Literal

from recusa.jobs.compare import ALL
from recusa.jobs.labels import Labelled, Row
from recusa.judging import Agreement
from recusa.stats import cohen_kappa, wilson
from recusa.types import Key

PEOPLE = "people"
About = Literal["refusal", "harm"]
Said = Mapping[Key, bool]
Speaker = tuple[str, Said]


def agreements(rows: Sequence[Row], labelled: Labelled, alpha: float) -> list[Agreement]:
    """Every two judges of one question, each refusal judge with people, and every two raters: pooled, then per arm."""
    found: list[Agreement] = []
    questions: tuple[About, ...] = ("refusal", "harm")
    for about in questions:
        judges: dict[str, dict[Key, bool]] = {}
        for row in rows:
            for judge, said in (row.refused if about == "refusal" else row.harmful).items():
                judges.setdefault(judge, {})[row.key] = said
        pairs: list[tuple[Speaker, Speaker]] = list(combinations(judges.items(), 2))
        if about == "refusal" and labelled.people:
            pairs += [((judge, said), (PEOPLE, labelled.people)) for judge, said in judges.items()]
            raters = {f"rater {name}": said for name, said in labelled.raters.items()}
            pairs += list(combinations(raters.items(), 2))
        for (first, one), (second, two) in pairs:
            found += _compared(about, first, second, one, two, rows, alpha)
    return found


def _compared(
    about: About, first: str, second: str, one: Said, two: Said, rows: Sequence[Row], alpha: float
) -> Iterator[Agreement]:
    shared = [row.key for row in rows if row.key in one and row.key in two]
    arms = list(dict.fromkeys(key.arm for key in shared))
    for arm in [ALL, *(arms if len(arms) > 1 else [])]:
        count = Counter((one[key], two[key]) for key in shared if arm in (ALL, key.arm))
        cells = [count[pair] for pair in ((True, True), (True, False), (False, True), (False, False))]
        if not sum(cells):
            continue
        both, first_only, second_only, neither = cells
        ends = wilson(both + neither, sum(cells), alpha)
        kappa = cohen_kappa(both, first_only, second_only, neither, alpha)
        yield Agreement(
            about=about,
            first=first,
            second=second,
            arm=arm,
            n=sum(cells),
            both=both,
            first_only=first_only,
            second_only=second_only,
            neither=neither,
            agreement=(both + neither) / sum(cells),
            agreement_low=ends.low,
            agreement_high=ends.high,
            kappa=kappa[0] if kappa else None,
            kappa_low=kappa[1].low if kappa else None,
            kappa_high=kappa[1].high if kappa else None,
        )
