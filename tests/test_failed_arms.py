"""An arm that could not make its variants is shown as failed; the others keep their results."""

from __future__ import annotations

import json

import pytest
from tests.study import Study

from recusa import api
from recusa.errors import TooManyFailures
from recusa.jobs.conclude import too_many_failed
from recusa.results import Results

SOME = '''
class Some(Making):
    """Gives no variant of texts that hold one of some words, and one only of those that hold another."""
    name: ClassVar[str] = "some"
    never: tuple[str, ...] = ()
    single: tuple[str, ...] = ()

    def vary(self, draws, given):
        return [self.one(d) for d in draws]

    def one(self, draw):
        if any(word in draw.text for word in self.never):
            return Variant(None, "NothingMade")
        if any(word in draw.text for word in self.single):
            return Variant(f"{draw.text} quietly", claim="letters")
        return Variant(f"{draw.text} {draw.rng.random()}", claim="letters")
'''


def with_some(study: Study, never: list[str], single: list[str], alone: bool = False) -> str:
    """The study with an operator that varies some of the prompts only."""
    mine = study.folder / "mine.py"
    if "class Some" not in mine.read_text():
        mine.write_text(mine.read_text() + SOME)
    settings = f'{{ name = "{mine}:Some", never = {json.dumps(never)}, single = {json.dumps(single)} }}'
    text = study.text().replace(f'"{mine}:Op"', settings)
    head, plain, reminded, varied = text.split("[[arms]]")
    return "[[arms]]".join([head, varied] if alone else [head, plain, reminded, varied])


def run(study: Study, text: str) -> Results:
    (study.folder / "study.toml").write_text(text)
    return api.run(study.folder / "study.toml", out=study.folder / "out", workspace=study.folder / "ws")


def test_below_four_fifths_an_arm_fails_and_the_others_stand(study: Study) -> None:
    """3 of 12 prompts lack their second variant: no rate, no comparison, no exit code 3, and the reason is written."""
    results = run(study, with_some(study, [], ["Knit", "Bake", "Fold"]))
    (failed,) = results.failed_arms
    assert failed.arm == "varied"
    assert failed.reason.startswith("only 9 of 12 prompts had all 2 of their variants, fewer than 80%")
    assert "30 x SameAsAnother" in failed.reason
    rates = {(r.arm, r.kind): (r.n, r.failed, r.rate) for r in results.rates}
    assert {rates["varied", kind] for kind in ("harmful", "borderline", "benign")} == {(0, 4, None)}
    assert rates["plain", "harmful"] == (4, 0, 1.0)
    by_arm = {(c.arm, c.kind): (c.n, c.left_out, c.difference) for c in results.comparisons}
    assert by_arm["varied", "harmful"] == (0, 4, None)
    assert by_arm["reminded", "harmful"] == (4, 0, 0.0)
    assert all(c.p_holm is None for c in results.comparisons if c.arm == "varied")
    lines = [line for line in study.lines() if line["arm"] == "varied"]
    assert len(lines) == 12 and all(len(line["tries"]) == 3 and line["response"] for line in lines)


def test_at_four_fifths_it_counts_and_says_what_is_missing(study: Study) -> None:
    """2 of 12 prompts lack a variant: the rows stand, the note tells how many were asked less."""
    results = run(study, with_some(study, [], ["Knit", "Bake"]))
    assert results.failed_arms == ()
    assert [r.n for r in results.rates if r.arm == "varied"] == [4, 4, 4]
    assert results.warnings == ("arm varied: 2 of 12 prompts were asked in fewer variants than the arm says",)
    cost = results.cost[2]
    assert (cost.whole, cost.variants_wanted, cost.variants_valid) == (10, 24, 22)
    assert cost.rejected == {"SameAsAnother": 20}


def test_a_kind_without_variants_fails_the_arm(study: Study) -> None:
    """10 of 12 have all, but half of the benign prompts have none: their rate would be another method's."""
    results = run(study, with_some(study, ["Knit", "Bake"], []))
    (failed,) = results.failed_arms
    assert failed.reason.startswith("2 of 4 benign prompts had no variant at all, more than 20%")
    assert too_many_failed(study.experiment(), results) is None


def test_all_arms_failed_concludes_nothing(study: Study) -> None:
    """Exit code 3, with the results written to look into."""
    with pytest.raises(TooManyFailures, match="every arm failed; `varied`: only 9 of 12") as caught:
        run(study, with_some(study, [], ["Knit", "Bake", "Fold"], alone=True))
    assert caught.value.exit_code == 3
    assert (study.folder / "out" / "report.html").is_file()


def test_the_report_shows_the_failed_arm_and_why(study: Study) -> None:
    """In the finding, in the list of arms and in the table, and not as if it had not been asked."""
    run(study, with_some(study, [], ["Knit", "Bake", "Fold"]))
    page = (study.folder / "out" / "report.html").read_text()
    assert "Failed arms, 1: varied." in page
    assert "<strong>Failed arm: only 9 of 12 prompts had all 2 of their variants" in page
    assert '<span class="mark">failed arm</span>' in page
    assert "not asked" not in page
