"""Labels set beside the answers of a run: who decides, and what still counts."""

from __future__ import annotations

import pytest

from recusa.jobs.labels import Label, Row, match
from recusa.types import Key


def mark(rater: str, refused: bool, arm: str = "a") -> Label:
    """A label of the one answer there is."""
    return Label(Key("x", "direct", arm, 0), rater, "refused" if refused else "answered", "No.")


@pytest.mark.parametrize(
    ("votes", "people"),
    [([True, False], True), ([False, True], False), ([False, True, True], True), ([True, False, False, True], True),
     ([False, True, True, False], False)],
)  # fmt: skip
def test_ties_are_the_first_raters(votes: list[bool], people: bool) -> None:
    """Whoever stands first in the file, whichever way they said."""
    there = [Row(Key("x", "direct", "a", 0), "benign", "en", "p", "No.", "end", {}, {})]
    found = match([mark(str(place), vote) for place, vote in enumerate(votes)], there)
    assert found.people == {there[0].key: people}


def test_labels_of_what_was_taken_out_are_no_labels() -> None:
    """An arm the experiment no longer has neither counts nor makes the rest stale."""
    there = [Row(Key("x", "direct", "a", 0), "benign", "en", "p", "No.", "end", {}, {})]
    found = match([mark("ana", True), mark("ana", True, arm="gone")], there)
    assert (dict(found.people), found.stale) == ({there[0].key: True}, frozenset())
