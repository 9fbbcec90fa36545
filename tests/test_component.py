"""Digests of settings and results."""

from __future__ import annotations

import pytest

from recusa.component import digest, digest_each


@pytest.mark.parametrize("values", [[], [1], [{"b": "é", "a": None}, [2.5, "x"], "\ud800"]], ids=str)
def test_a_list_has_one_digest_whole_or_value_by_value(values: list[object]) -> None:
    """And another list another one."""
    assert digest_each(iter(values)) == digest(values)
    assert digest_each([*values, 1]) != digest(values)
