"""From outcomes to rates and comparisons, on rows small enough to count on fingers."""

from __future__ import annotations

import pytest

from recusa.jobs.compare import Judged, comparisons, four_way, judged_rows, rates
from recusa.results import Comparison, Counts
from recusa.stats import mcnemar_p, paired_difference, wilson
from recusa.types import Failure, Key, Kind, Outcome, Prompt, Verdict

LETTERS: dict[str, Outcome | None] = {"R": "refused", "A": "answered", "U": "unclear", "F": None}


def rows(
    arm: str,
    outcomes: str,
    kind: Kind = "harmful",
    *,
    judge: str = "j",
    language: str = "en",
    attack: str = "direct",
    sample: int = 0,
) -> list[Judged]:
    """A row per letter: R refused, A answered, U unclear, F failed; equal places are equal prompts."""
    prompts = [Prompt(f"{kind} {language} {place}", kind, language) for place in range(len(outcomes))]
    return [
        Judged(Key(prompt.id, attack, arm, sample), prompt, judge, LETTERS[letter])
        for prompt, letter in zip(prompts, outcomes, strict=True)
    ]


def names(places: str, kind: Kind = "harmful") -> tuple[str, ...]:
    return tuple(Prompt(f"{kind} en {place}", kind).id for place in places)


def only(found: list[Comparison]) -> Comparison:
    assert len(found) == 1
    return found[0]


def test_a_verdict_that_failed_or_is_missing_is_a_failed_row() -> None:
    """Every key that was asked gives a row; only a verdict gives it an outcome."""
    prompt = Prompt("knit", "benign")
    keys = [Key(prompt.id, arm="a", sample=sample) for sample in range(3)]
    verdicts: dict[Key, Verdict | Failure] = {
        keys[0]: Verdict(keys[0], "j", "unclear"),
        keys[1]: Failure(keys[1], "judge", "UnreadableReply"),
    }
    found = judged_rows(keys, {prompt.id: prompt}, "j", verdicts)
    assert found == [
        Judged(keys[0], prompt, "j", "unclear"),
        Judged(keys[1], prompt, "j", None),
        Judged(keys[2], prompt, "j", None),
    ]


def test_a_rate_leaves_failed_rows_out_and_counts_them() -> None:
    """Three refused of nine judged, one failed; the bounds count two unclear each way."""
    rate = rates(rows("a", "RRRAAAAUUF"), ["a"], 0.1)[0]
    assert (rate.n, rate.refused, rate.answered, rate.unclear, rate.failed) == (9, 3, 4, 2, 1)
    assert (rate.rate, rate.least, rate.most) == (3 / 9, 3 / 9, 5 / 9)
    assert (rate.low, rate.high) == wilson(3, 9, 0.1)
    assert (rate.arm, rate.attack, rate.kind, rate.language, rate.judge) == ("a", "direct", "harmful", "all", "j")


def test_a_rate_of_failed_rows_only_is_none() -> None:
    """Nothing is concluded from nothing, and the rows are still counted."""
    rate = rates(rows("a", "FF"), ["a"], 0.05)[0]
    assert (rate.n, rate.failed) == (0, 2)
    assert (rate.rate, rate.low, rate.high, rate.least, rate.most) == (None,) * 5


def test_rates_are_given_per_arm_kind_attack_and_judge() -> None:
    """Each cell counts its own rows, and cells without rows are left out."""
    given = [
        *rows("a", "RA"),
        *rows("a", "RRA", attack="other"),
        *rows("a", "AAAA", judge="k"),
        *rows("b", "R", "benign"),
        *rows("b", "U", "borderline"),
    ]
    found = {(r.judge, r.attack, r.arm, r.kind): (r.refused, r.n) for r in rates(given, ["a", "b"], 0.05)}
    assert found == {
        ("j", "direct", "a", "harmful"): (1, 2),
        ("j", "other", "a", "harmful"): (2, 3),
        ("k", "direct", "a", "harmful"): (0, 4),
        ("j", "direct", "b", "benign"): (1, 1),
        ("j", "direct", "b", "borderline"): (0, 1),
    }


def test_languages_are_given_apart_where_there_are_several() -> None:
    """`all` counts every row; each language counts its own; one language alone is not repeated."""
    given = [*rows("a", "RRA"), *rows("a", "AA", language="pt-BR")]
    assert [(r.language, r.refused, r.n) for r in rates(given, ["a"], 0.05)] == [
        ("all", 2, 5),
        ("en", 2, 3),
        ("pt-BR", 0, 2),
    ]
    assert [r.language for r in rates(given[:3], ["a"], 0.05)] == ["all"]


def test_the_four_way_table_counts_borderline_with_benign_and_apart() -> None:
    """Borderline prompts are harmless: their counts are part of `benign` and shown beside it."""
    given = [*rows("a", "RRAUF"), *rows("a", "RAA", "benign"), *rows("a", "RU", "borderline")]
    first, second = four_way(given, ["a", "b"])
    assert first.harmful == Counts(refused=2, answered=1, unclear=1, failed=1)
    assert first.benign == Counts(refused=2, answered=2, unclear=1)
    assert first.borderline == Counts(refused=1, unclear=1)
    assert (second.arm, second.harmful, second.benign) == ("b", Counts(), Counts())


def test_a_comparison_pairs_the_same_prompts() -> None:
    """Gained and lost refusals by prompt, rates and difference over whole pairs, however the rows are ordered."""
    before, after = rows("a", "RRAAUA"), rows("b", "RARRRA")
    one = only(comparisons([*before, *after[::-1]], ["a", "b"], "a", 0.05))
    assert (one.baseline, one.arm, one.n, one.left_out) == ("a", "b", 6, 0)
    assert (one.gained, one.lost) == (names("234"), names("1"))
    assert (one.baseline_rate, one.rate, one.difference) == (2 / 6, 4 / 6, 2 / 6)
    assert (one.low, one.high) == paired_difference(1, 1, 3, 1, 0.05)
    assert one.p == mcnemar_p(3, 1) == one.p_holm


def test_unclear_is_no_refusal_in_a_pair() -> None:
    """From unclear to answered nothing is gained or lost."""
    one = only(comparisons([*rows("a", "UA"), *rows("b", "AU")], ["a", "b"], "a", 0.05))
    assert (one.gained, one.lost, one.n, one.difference, one.p) == ((), (), 2, 0, 1.0)


def test_a_pair_with_a_failed_row_is_left_out_and_counted() -> None:
    """A failure on either side is never a change, nor part of either rate."""
    one = only(comparisons([*rows("a", "RRFFA"), *rows("b", "RFRFR")], ["a", "b"], "a", 0.05))
    assert (one.n, one.left_out) == (2, 3)
    assert (one.baseline_rate, one.rate, one.gained, one.lost) == (1 / 2, 1.0, names("4"), ())


def test_pairs_that_all_failed_conclude_nothing() -> None:
    """The comparison is there with its count, without numbers, and takes no part in Holm's family."""
    given = [*rows("a", "FF"), *rows("b", "RR"), *rows("a", "AAAA", "benign"), *rows("b", "RRRR", "benign")]
    broken, whole = comparisons(given, ["a", "b"], "a", 0.05)
    assert (broken.n, broken.left_out) == (0, 2)
    assert (broken.difference, broken.low, broken.p, broken.p_holm) == (None,) * 4
    assert whole.p_holm == whole.p == pytest.approx(2 / 2**4)


def test_the_baseline_need_not_come_first_and_is_not_compared_with_itself() -> None:
    """The difference is always the arm minus the baseline."""
    given = [*rows("a", "RRR"), *rows("b", "AAA"), *rows("c", "RAA")]
    found = comparisons(given, ["a", "b", "c"], "b", 0.05)
    assert [(c.baseline, c.arm, c.difference) for c in found] == [("b", "a", 1.0), ("b", "c", 1 / 3)]


def test_holm_is_over_each_judges_own_comparisons() -> None:
    """Two comparisons of one judge form a family of two, one of another judge a family of one."""
    given = [
        *(rows("a", "A" * 8) + rows("b", "R" * 6 + "AA") + rows("c", "R" + "A" * 7)),
        *(rows("a", "AAAA", judge="k") + rows("b", "RRAA", judge="k")),
    ]
    found = comparisons(given, ["a", "b", "c"], "a", 0.05)
    assert [(c.judge, c.arm) for c in found] == [("j", "b"), ("j", "c"), ("k", "b")]
    # the exact p of n gained and none lost is 2 / 2**n: 1/32 is doubled, 1 stays, and judge k's 1/2 is alone
    assert [c.p for c in found] == pytest.approx([1 / 32, 1, 1 / 2])
    assert [c.p_holm for c in found] == pytest.approx([2 / 32, 1, 1 / 2])


def test_single_languages_are_compared_outside_the_family() -> None:
    """A language apart has a p-value and no adjusted one, and does not make the family larger."""
    given = [
        *(rows("a", "AAA") + rows("b", "RRR")),
        *(rows("a", "AA", language="pt-BR") + rows("b", "RR", language="pt-BR")),
    ]
    found = comparisons(given, ["a", "b"], "a", 0.05)
    assert [(c.language, c.n) for c in found] == [("all", 5), ("en", 3), ("pt-BR", 2)]
    assert [c.p for c in found] == pytest.approx([1 / 16, 1 / 4, 1 / 2])
    assert [c.p_holm for c in found] == [found[0].p, None, None]


def test_samples_of_a_prompt_are_paired_by_number() -> None:
    """The second sample of one arm meets the second of the other."""
    given = [
        *(rows("a", "R") + rows("a", "A", sample=1)),
        *(rows("b", "A", sample=1) + rows("b", "R")),
    ]
    one = only(comparisons(given, ["a", "b"], "a", 0.05))
    assert (one.n, one.gained, one.lost) == (2, (), ())


def test_prompts_that_share_a_group_are_taken_together() -> None:
    """Each prompt twice, as translations: rates and differences say so, and count groups where single rows mislead."""
    prompts = [Prompt(f"{place} {language}", "benign", language, group=str(place)) for place in range(24)
               for language in ("en", "pt-BR")]  # fmt: skip
    given = [
        Judged(Key(p.id, "direct", arm, 0), p, "j", "refused" if arm == "b" and int(p.group) < 7 else "answered")
        for arm in ("a", "b")
        for p in prompts
    ]
    both, english, _ = comparisons(given, ["a", "b"], "a", 0.05)
    assert (both.n, both.groups, len(both.gained)) == (48, 24, 14)
    assert (english.n, english.groups, len(english.gained)) == (24, 24, 7)
    assert both.p == pytest.approx(english.p) == pytest.approx(2 / 2**7)
    assert both.p is not None and both.p > mcnemar_p(14, 0)
    assert "whole groups" in both.test and "effective" in both.interval
    assert "McNemar exact" in english.test and english.interval == "Tango 1998, score"
    rate = next(r for r in rates(given, ["b"], 0.05) if r.language == "all")
    assert (rate.n, rate.groups, rate.refused) == (48, 24, 14)
    assert rate.low is not None and rate.low < wilson(14, 48).low
    assert "effective" in rate.interval


def test_samples_of_one_prompt_are_one_group() -> None:
    """Four samples a prompt that all do the same are no more than one."""
    given = [row for s in range(4) for row in (*rows("a", "A" * 12, sample=s), *rows("b", "R" * 6 + "A" * 6, sample=s))]
    one = only(comparisons(given, ["a", "b"], "a", 0.05))
    assert (one.n, one.groups) == (48, 12)
    assert one.p == pytest.approx(2 / 2**6)


@pytest.mark.parametrize("alpha", [0.01, 0.2])
def test_alpha_is_the_level_of_every_interval(alpha: float) -> None:
    """Rates and differences are given at the level the experiment asks for."""
    given = [*rows("a", "RRAA"), *rows("b", "RRRA")]
    assert (rates(given, ["b"], alpha)[0].low, rates(given, ["b"], alpha)[0].high) == wilson(3, 4, alpha)
    one = only(comparisons(given, ["a", "b"], "a", alpha))
    assert (one.low, one.high) == paired_difference(2, 0, 1, 1, alpha)
