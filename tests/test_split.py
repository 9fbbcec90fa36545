"""Near-copies, groups and the division, against brute force and by hand."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random

import pytest

from recusa.errors import InputError
from recusa.near import near_copies
from recusa.split import Copies, divide, join_groups, merge_repeated
from recusa.types import KINDS, Kind, Prompt

WORDS = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay", "kite", "lynx")


def distinct(count: int, kind: Kind = "benign", category: str = "", first: int = 0) -> list[Prompt]:
    """Prompts that share no word."""
    return [Prompt(f"left{i} right{i}", kind, category=category) for i in range(first, first + count)]


def ids(prompts: tuple[Prompt, ...]) -> set[str]:
    return {prompt.id for prompt in prompts}


def test_groups_are_joined_along_a_chain() -> None:
    """A is like B and B like C, so all three share a group though A and C are not alike."""
    a, b, c = (" ".join(WORDS[start : start + 10]) for start in range(3))
    assert len(list(near_copies([a, c]))) == 0
    joined, count, _ = join_groups([Prompt(text, "benign") for text in (a, c, b, "zebra yak")])
    assert [prompt.group == joined[0].group for prompt in joined] == [True, True, True, False]
    assert count == 2


def test_a_near_copy_joins_whole_groups_that_a_file_gave() -> None:
    """Members that resemble nothing follow their group into the joined one."""
    prompts = [
        Prompt("bake a cake today", "benign", group="cakes"),
        Prompt("quite unlike", "benign", group="cakes"),
        Prompt("bake a cake today !", "benign", group="twins"),
        Prompt("another thing", "harmful", group="twins"),
    ]
    joined, count, _ = join_groups(prompts)
    assert ([prompt.group for prompt in joined], count) == (["cakes"] * 4, 1)
    assert {p.group for p in join_groups(prompts[::-1])[0]} == {"cakes"}


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.8, 1.0])
def test_the_share_is_kept_over_many_small_strata(share: float) -> None:
    """Rounding in strata of three does not add up: the whole is within one of its share."""
    prompts = [p for i in range(34) for p in distinct(3, category=f"c{i}", first=3 * i)]
    divided = divide(prompts, {}, test_share=share, seed=1)
    assert abs(len(divided.test) - share * 102) <= 1
    assert ids(divided.test) | ids(divided.train) == ids(tuple(prompts))
    assert len(divided.test) + len(divided.train) == 102


def test_every_kind_and_category_keeps_the_share() -> None:
    """Each of six strata of twenty gives exactly half to the test."""
    strata = [(kind, category) for kind in KINDS for category in ("x", "y")]
    prompts = [p for i, (kind, name) in enumerate(strata) for p in distinct(20, kind, name, first=20 * i)]
    divided = divide(prompts, {}, test_share=0.5, seed=3)
    assert Counter((p.kind, p.category) for p in divided.test) == dict.fromkeys(strata, 10)


@pytest.mark.parametrize("seed", range(5))
def test_the_division_does_not_depend_on_the_order(seed: int) -> None:
    """A shuffled file is divided into the same sides, near-copies included."""
    rng = Random(seed)
    texts = dict.fromkeys(" ".join(rng.sample(WORDS, 5)) for _ in range(60))
    prompts = [Prompt(text, rng.choice(KINDS)) for text in texts]
    straight = divide(prompts, {}, test_share=0.5, seed=seed)
    rng.shuffle(prompts)
    shuffled = divide(prompts, {}, test_share=0.5, seed=seed)
    assert ids(straight.test) == ids(shuffled.test)
    assert (straight.groups, straight.joined) == (shuffled.groups, shuffled.joined)


def test_the_seed_decides_who_is_tested() -> None:
    """Another seed gives another division of the same size, the same seed the same one."""
    one, again, other = (divide(distinct(40), {}, test_share=0.5, seed=seed) for seed in (0, 0, 1))
    assert ids(one.test) == ids(again.test) != ids(other.test)
    assert len(one.test) == len(other.test) == 20


@pytest.mark.parametrize("seed", range(8))
def test_no_group_is_divided_and_nothing_leaks(seed: int) -> None:
    """Given groups and near-copies end on one side, so that the audit finds no leak."""
    rng = Random(seed)
    drawn = {" ".join(rng.sample(WORDS, rng.randint(4, 8))): rng.choice(["", "g1", "g2", "g3"]) for _ in range(40)}
    divided = divide([Prompt(t, "benign", group=g) for t, g in drawn.items()], {}, test_share=0.5, seed=seed)
    given: dict[str, set[str]] = defaultdict(set)
    for side, prompts in (("train", divided.train), ("test", divided.test)):
        for prompt in prompts:
            if drawn[prompt.text]:
                given[drawn[prompt.text]].add(side)
    assert all(len(sides) == 1 for sides in given.values())
    assert divided.leaks() == []


@pytest.mark.parametrize("side", ["train", "test"])
def test_a_fixed_prompt_takes_its_group_along(side: str) -> None:
    """What a source fixes to one side goes there, with its twin, whatever the seed."""
    prompts = distinct(20)
    twin = Prompt("quite other words", "harmful", group=prompts[0].id)
    for seed in range(6):
        divided = divide([*prompts, twin], {prompts[0].id: side}, test_share=0.5, seed=seed)
        there = ids(divided.train if side == "train" else divided.test)
        assert {prompts[0].id, twin.id} <= there


def test_copies_fixed_to_both_sides_stay_there_and_are_listed() -> None:
    """The user's word holds, and the audit says what it costs: training id, test id, similarity."""
    train, test = Prompt("bake a nice cake", "benign"), Prompt("bake a very nice cake", "benign")
    fixed = {train.id: "train", test.id: "test"}
    divided = divide([*distinct(4), train, test], fixed, test_share=0.5, seed=0)
    assert train.id in ids(divided.train)
    assert test.id in ids(divided.test)
    assert divided.leaks() == [Copies(train.id, test.id, "words", 0.8)]


def test_repeated_prompts_are_merged_counted_and_complete_one_another() -> None:
    """The first of equal prompts stays in its place; later ones add only what it does not know."""
    first = Prompt("bake", "benign", chosen="no", source="a.csv", source_id="1")
    later = Prompt("bake", "benign", "pt-BR", "food", "g", "NO", "yes", "ok", "never", "b.csv", "2")
    last = Prompt("bake", "benign", category="other", rejected="other")
    merged, repeated = merge_repeated([first, Prompt("knit", "benign"), later, last])
    assert [prompt.text for prompt in merged] == ["bake", "knit"]
    assert repeated == 2
    assert merged[0] == Prompt("bake", "benign", "en", "food", "g", "no", "yes", "ok", "never", "a.csv", "1")


def test_the_very_same_row_given_twice_is_counted() -> None:
    """A prompt held twice in a list is repeated like an equal one."""
    prompt = Prompt("bake", "benign")
    assert merge_repeated([prompt, prompt]) == ([prompt], 1)


def test_one_prompt_of_two_kinds_is_an_error_that_says_where() -> None:
    """The message names both files, both kinds and the column."""
    prompts = [Prompt("bake", "benign", source="a.csv"), Prompt("bake", "harmful", source="b.csv")]
    with pytest.raises(InputError, match=r"b\.csv, column `kind`: .*benign in a\.csv and harmful here") as caught:
        merge_repeated(prompts)
    assert caught.value.column == "kind"
    assert caught.value.hint
