"""English and Brazilian Portuguese: the same sentences, none left untranslated, numbers as each writes them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.report_full import everything
from tests.report_run import ARMS, write_run

from recusa import console, console_gate
from recusa.errors import ConfigError
from recusa.gating import Case, Gate, Limit
from recusa.report import gate as gate_texts
from recusa.report.data_files import as_json
from recusa.report.format import Locale
from recusa.report.junit import junit
from recusa.report.languages import LOCALES, locale_of
from recusa.report.markdown import markdown
from recusa.report.page import environment, render, script
from recusa.report.pictures import draw
from recusa.report.summary import summarise
from recusa.report.text import ENGLISH
from recusa.report.text_pt import PORTUGUESE
from recusa.report.text_pt_told import TOLD_PT
from recusa.report.told import retell
from recusa.stats.margin import GROUPED_TEST

# sentences that are the same in both: only marks, numbers, or words that Portuguese has too
ALIKE = {
    "list_one", "said_outcome", "described_heat", "whole_base_said", "whole_p", "column_tokens", "column_kl",
    "whole_arrow", "column_kappa", "frontier_rate", "column_p", "column_p_plain", "column_p_holm", "moved",
    "column_prompts", "row_n", "gate_title",
}  # fmt: skip
FIELD = re.compile(r"\{(\w+)\}")
MARKED = re.compile(r"⟦[^⟦⟧]*⟧")
# a language in which everything that is said stands in marks: what stands outside was never given to a translator
MARKS = Locale(
    {name: f"⟦{text}⟧" for name, text in ENGLISH.items()}, "en", told=tuple((a, f"⟦{a}⟧") for a, _ in TOLD_PT)
)
# names, units and symbols, which no language changes
NAMES = {
    *ARMS,
    "same-prompt-",
    "control",
    "expressions",
    "rubric",
    "r1",
    "r2",
    "recusa",
    "s1",
    "s2",
    "prefill-10",
    "direct",
    "en",
    "built-in paired experiment",
    "built-in",
    "t.csv",
    "x1",
    "x2",
    "b952a5dc7613712a",
    "fraud",
    "privacy",
    "chemistry",
    "balanced",
    "python",
    "torch",
    "threads",
    "NoVariants: none was left",
    "t1, acc",
    "min",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("run")
    results, rows = everything()
    write_run(place, results, rows)
    return place


class Seen(HTMLParser):
    """What a person or a screen reader gets: texts and labels; no style, script, or preformatted settings."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.inside: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("style", "script", "pre"):
            self.inside.append(tag)
        self.texts += [
            value for name, value in attrs if value and name in ("aria-label", "title", "placeholder", "alt")
        ]

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.texts.append(data)


def bare(texts: list[str]) -> Iterator[str]:
    """Words that stand outside all marks, names aside."""
    names = re.compile("|".join(re.escape(name) for name in sorted(NAMES, key=len, reverse=True)))
    for text in texts:
        rest = text
        while MARKED.search(rest):
            rest = MARKED.sub(" ", rest)
        rest = names.sub(" ", rest)
        if re.search(r"[^\W\d_]{2,}", rest):
            yield text


def test_both_languages_have_the_same_sentences_with_the_same_fields() -> None:
    assert set(ENGLISH) == set(PORTUGUESE)
    assert [n for n in ENGLISH if sorted(FIELD.findall(ENGLISH[n])) != sorted(FIELD.findall(PORTUGUESE[n]))] == []
    assert {name for name in ENGLISH if ENGLISH[name] == PORTUGUESE[name]} == ALIKE
    for english, portuguese in TOLD_PT:
        assert sorted(FIELD.findall(english)) == sorted(FIELD.findall(portuguese))


def test_page_and_pictures_say_nothing_that_no_translator_was_given(folder: Path) -> None:
    results, _ = everything()
    summary = summarise(results, folder, MARKS)
    figures = draw(summary, MARKS, results.alpha)
    seen = Seen(render(summary, figures, MARKS)).texts
    assert len(seen) > 1000
    assert list(bare(seen)) == []
    for figure in figures:
        found = [*Seen(figure.inline()).texts, figure.title, figure.note]  # a file's title and note are cut into lines
        assert list(bare(found)) == [], figure.name


def test_what_the_list_says_comes_from_the_table() -> None:
    """The script has no words of its own: every text it shows is one of the page's or an answer."""
    code = re.sub(r"//.*", "", script())
    texts = re.findall(r'"([^"]*)"|`([^`]*)`', code)
    phrases = [one or other for one, other in texts if re.search(r"[A-Za-z]{2,}[ ,.][A-Za-z]{2,}", one or other)]
    named = {"use strict", "said soft", "script.answers-piece", "way ${way > 0 ? ", "who ${what.name}"}
    assert {phrase for phrase in phrases if "${words." not in phrase} <= named


def test_markdown_and_junit_say_nothing_that_no_translator_was_given(folder: Path) -> None:
    results, _ = everything()
    summary = summarise(results, folder, MARKS)
    text = markdown(summary, MARKS).replace("\\", "").replace("&lt;", "<").replace("&gt;", ">")
    assert list(bare(text.splitlines())) == []
    attributes = re.findall(r'(?:classname|message)="([^"]*)"|<system-out>(.*?)<', junit(summary, MARKS).decode())
    assert attributes and list(bare([one or other for one, other in attributes])) == []
    assert "⟦" in as_json(summary, results, MARKS)  # the finding; names of fields stay English


def a_gate() -> Gate:
    """A verdict with everything that a gate can say."""
    case = Case(worse=0.1, decision="broken")
    bare_limit = Limit(
        kind="harmful", limit=0.05, n=80, groups=40, left_out=0, unclear=3, baseline_refused=60, candidate_refused=55,
        lost=(), gained=(), worse=0.06, low=-0.01, high=0.12, p_held=0.6, p_broken=0.0004,
    )  # fmt: skip
    changes: tuple[dict[str, object], ...] = (
        {"decision": "open", "needed": 1733, "against": case, "favour": Case(worse=0.0, decision="held")},
        {"decision": "open", "kind": "borderline", "needed": None},
        {"decision": "open", "kind": "benign", "why": "failed rows", "left_out": 3},
        {"decision": "held", "kind": "benign", "left_out": 2},
        {"decision": "broken"},
        {"decision": "open", "why": "no pairs", "worse": None, "low": None, "high": None, "p_held": None},
    )
    return Gate(
        baseline="s1", candidate="s2", judge="rubric", judge_error=None, alpha=0.05, prompts="s1", unpaired=1234,
        limits=tuple(bare_limit.model_copy(update=change) for change in changes), test=GROUPED_TEST, environment={},
    )  # fmt: skip


@pytest.mark.parametrize("error", [None, {"n": 400}])
def test_a_gate_says_nothing_that_no_translator_was_given(
    error: dict[str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its Markdown, its JUnit messages, and every line of the terminal."""
    found = a_gate().model_copy(update={"judge_error": error})
    assert list(bare(gate_texts.markdown(found, MARKS).splitlines())) == []
    attributes = re.findall(r'\b(?:name|message)="([^"]*)"', gate_texts.junit(found, MARKS))
    assert attributes and list(bare([text for text in attributes if text not in ("recusa gate", "verdict")])) == []
    lines: list[str] = []
    monkeypatch.setattr(console_gate, "_print", lambda text, bold=False: lines.append(text))
    console_gate.told(found, MARKS)
    assert len(lines) > 15 and list(bare(lines)) == []


def test_a_gate_in_portuguese_has_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decimal commas, thousands with points, and still 80 columns of plain letters."""
    locale, found = locale_of("pt-BR"), a_gate()
    lines: list[str] = []
    monkeypatch.setattr(console.out, "print", lambda text, **more: lines.append(text))
    console_gate.told(found, locale)
    whole = "\n".join([*lines, gate_texts.markdown(found, locale), gate_texts.junit(found, locale)])
    assert "+6,0" in whole and "-1,0 a +12,0" in whole and "1.733" in whole and "1.234" in whole and "<0,001" in whole
    assert re.findall(r"\d\.\d(?!\d\d)|\d,\d{3} ", whole.replace('version="1.0"', "").replace("<0,001 ", "")) == []
    assert max(map(len, lines)) <= 80


def test_portuguese_page_has_its_language_and_numbers(folder: Path) -> None:
    results, _ = everything()
    locale = locale_of("pt-BR")
    summary = summarise(results, folder, locale)
    page = render(summary, draw(summary, locale, results.alpha), locale)
    assert '<html lang="pt-BR">' in page
    assert "(37,5%, 25,2–51,6)" in page and "9.120" in page
    texts = [text for text in Seen(page).texts if re.search(r"\d\.\d+%|9,120", text)]
    assert texts == []  # no point before decimals, no comma before thousands


@pytest.mark.parametrize("asked", ["pt-BR", "pt", "PT_br", "pt-br"])
def test_languages_are_named_in_any_case(asked: str) -> None:
    assert locale_of(asked) is LOCALES["pt-BR"]


def test_another_language_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="no report language `fr`") as error:
        locale_of("fr")
    assert "en, pt-BR" in str(error.value.hint)


TOLD = {
    "McNemar mid-p, Holm over the judge's comparisons": "McNemar mid-p, Holm sobre as comparações do juiz",
    "arm refused: 3 of 9 rows failed and are left out": "braço refused: 3 de 9 linhas falharam e ficam fora",
    "arm x failed: 2 of 9 harmful prompts had no variant at all, more than 10% (drafts rejected: 3 x TooLong, 2 x Empty"
    "); its rows are in no rate and no comparison": "o braço x falhou: 2 de 9 prompts nocivos não tiveram variante "
    "alguma, mais de 10% (rascunhos rejeitados: 3 x longo demais, 2 x vazio); suas linhas não entram em taxa nem "
    "comparação alguma",
    "m, de-quantised from q.gguf; LoRA adapter, recipe balanced; defence s (k 4)": "m, dequantizado de q.gguf; "
    "adaptador LoRA, receita balanced; defesa s (k 4)",
    "a sentence of a judge that no table knows": "a sentence of a judge that no table knows",
}


@pytest.mark.parametrize("english", TOLD)
def test_what_results_say_in_english_is_retold(english: str) -> None:
    assert retell(english, locale_of("pt-BR")) == TOLD[english]
    assert retell(english, locale_of("en")) == english


def test_a_long_hostile_text_takes_no_time_and_stays_as_it_is() -> None:
    text = "1 of 2 " * 5_000 + "harmful prompts had"
    start = time.process_time()
    assert retell(text, locale_of("pt-BR")) == text and retell(text[:600], locale_of("pt-BR")) == text[:600]
    assert time.process_time() - start < 1


def test_every_sentence_is_used_somewhere() -> None:
    found = environment().loader.get_source(environment(), "page.html.j2")[1]  # type: ignore[union-attr]
    files = [
        p for p in Path(found or "").parent.iterdir() if p.suffix in (".py", ".j2") and not p.name.startswith("text")
    ]
    source = "".join(path.read_text() for path in files)
    built = ("kind_", "title_", "head_", "change_", "many_", "against_", "figure_", "panel_", "refuses_", "answers_",
             "filter_", "outcome_", "one_", "standing_", "gate_")  # fmt: skip
    assert [name for name in ENGLISH if not re.search(f"[\"']{name}[\"']", source) and not name.startswith(built)] == []
