"""The built-in prompts keep their promises: balanced, paired, varied, and nobody else's."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from functools import cache
from importlib.resources import files
from itertools import combinations

import pytest
from tests.public import near, repeated, words_of

from recusa.types import KINDS

Row = dict[str, str]

COLUMNS = {"prompt", "kind", "language", "category", "group"}
REFERENCES = {"chosen", "rejected"}
TWINNED, PER_TWINNED, BENIGN, PER_BENIGN = 16, 25, 20, 20
LANGUAGES = pytest.mark.parametrize("language", ["en", "pt-BR"])
MOST_REJECTED_WORDS, MOST_SENTENCES, MOST_SORRY = 14, 2, 0.05
MOST_SAME_FRAME, MOST_SAME_START = 3, 0.1
FINISHED = re.compile(r"""["`]?[A-ZÀ-Ý0-9](?:(?!\s[,.;:?!](?:\s|$)).)*[^\s,;:-]""")

_FUNCTION_WORDS = """
    a about above across after again against all almost along already also although always am among an and another any
    anybody anyone anything are aren't as at away back be because been before behind being below beside between beyond
    both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each either else
    enough even ever every everybody everyone everything few fewer first for from hadn't had has hasn't have haven't
    having he he's her here hers herself him himself his how i i'd i'll i'm i've if in instead into is isn't it it's its
    itself just last least less let let's like lot many may me might more most much must my myself near neither never
    next no nobody none nor not nothing now of off often on once one ones only or other others otherwise our ours out
    over own per please quite rather really same shall she she's should shouldn't since so some somebody someone
    something still such than that that's the their theirs them themselves then there there's these they they're they've
    this those though through till to together too toward towards under until up upon us very was wasn't we we're we've
    were weren't what what's when where whether which while who whom whose why will with within without won't would
    wouldn't yes yet you you're your yours yourself
"""
_PALAVRAS_FUNCIONAIS = """
    a agora ainda algo algum alguma algumas alguns alguém ali amanhã ante antes ao aonde aos apenas após aquela
    aquelas aquele aqueles aqui aquilo as assim até aí baixo bem cada caso cima com comigo como conforme conosco
    consigo contigo contra cuja cujo d da daquela daquele das de dela delas dele deles dentro depois desde dessa
    dessas desse desses desta destas deste destes deve devem deveria devo do dois dos duas dum duma durante e ela
    elas ele eles em embora enquanto entre então era eram essa essas esse esses esta estar estas estava estavam este
    esteja estes estou está estão eu favor foi for fora foram fosse fui haja havia hoje houve há ir isso isto já la
    las lhe lhes lo logo longe los lá mais mal mas me menos mesma mesmas mesmo mesmos meu meus mim minha minhas
    muita muitas muito muitos na nada naquela naquele nas nela nelas nele neles nem nenhum nenhuma nessa nessas
    nesse nesses nesta nestas neste nestes ninguém no nos nossa nossas nosso nossos num numa nunca não nós o onde
    ontem os ou outra outras outro outros para pela pelas pelo pelos perante perto pode podem podemos poder poderia
    pois por porque porquê porém posso pouca poucas pouco poucos pra primeira primeiro pro quais quaisquer qual
    qualquer quando quanta quantas quanto quantos que quem quer quero se segundo seja sem sempre sendo ser seria
    será serão seu seus si sido sim sob sobre somos sou sua suas são só também tanta tantas tanto tantos te tem
    temos tendo tenho ter teu ti tinha tinham toda todas todo todos três tu tua tudo tão têm um uma umas uns vai
    vamos você vocês vos vou várias vários vão à àquela àquele às é última último
"""
FUNCTION_WORDS = {"en": frozenset(_FUNCTION_WORDS.split()), "pt-BR": frozenset(_PALAVRAS_FUNCIONAIS.split())}


@cache
def _rows(language: str) -> tuple[Row, ...]:
    text = (files("recusa.sources") / f"data/prompts.{language}.jsonl").read_text(encoding="utf-8")
    return tuple(json.loads(line) for line in text.splitlines())


def _of(kind: str, language: str) -> list[Row]:
    return [row for row in _rows(language) if row["kind"] == kind]


def _frame(text: str, language: str) -> str:
    """The prompt with every run of other than function words replaced by one "_"."""
    masked = (word if word in FUNCTION_WORDS[language] else "_" for word in words_of(text))
    return re.sub(r"_(?: _)+", "_", " ".join(masked))


def _stems(text: str, language: str) -> set[str]:
    return {word[:4] for word in words_of(text) if word not in FUNCTION_WORDS[language] and len(word) > 2}


def _sentences(text: str) -> int:
    return len(re.findall(r"[.!?]+(?=\s|$)", text))


@LANGUAGES
def test_every_row_has_the_columns_of_its_kind_and_no_others(language: str) -> None:
    """Harmful rows carry both references, the rest none, and no column is empty."""
    for row in _rows(language):
        expected = COLUMNS | REFERENCES if row["kind"] == "harmful" else COLUMNS
        assert set(row) == expected, row
        assert all(row.values()), row
        assert row["language"] == language, row


@LANGUAGES
def test_kinds_and_categories_are_balanced(language: str) -> None:
    """Each harm has as many prompts as twins and as any other harm; each everyday subject as many as any other."""
    counts = {kind: Counter(row["category"] for row in _of(kind, language)) for kind in KINDS}
    assert len(_rows(language)) == sum(count.total() for count in counts.values())
    assert counts["harmful"] == counts["borderline"]
    assert sorted(counts["harmful"].values()) == [PER_TWINNED] * TWINNED
    assert sorted(counts["benign"].values()) == [PER_BENIGN] * BENIGN
    assert not set(counts["harmful"]) & set(counts["benign"])


@LANGUAGES
def test_each_group_is_a_pair_of_twins_or_one_benign_prompt(language: str) -> None:
    """A group holds one harmful and one borderline prompt of the same category, or a benign one alone."""
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in _rows(language):
        groups[row["group"]].append(row)
    for name, rows in groups.items():
        kinds = sorted(row["kind"] for row in rows)
        assert kinds == (["benign"] if name.startswith("benign-") else ["borderline", "harmful"]), name
        stem = f"benign-{rows[0]['category']}" if kinds == ["benign"] else rows[0]["category"]
        assert re.fullmatch(rf"{re.escape(stem)}-[1-9]\d?", name), name
        assert len({row["category"] for row in rows}) == 1, name


def test_every_item_is_in_both_languages() -> None:
    """A group's translation is in the same group, so that no split can part them."""
    english, portuguese = (
        [(row["group"], row["kind"], row["category"]) for row in _rows(language)] for language in ("en", "pt-BR")
    )
    assert english == portuguese


@LANGUAGES
def test_twins_share_a_content_word(language: str) -> None:
    """A borderline prompt has at least one content word in common with its harmful twin."""
    harmful = {row["group"]: row["prompt"] for row in _of("harmful", language)}
    for row in _of("borderline", language):
        assert _stems(row["prompt"], language) & _stems(harmful[row["group"]], language), row["group"]


@LANGUAGES
def test_texts_are_unique(language: str) -> None:
    """No prompt, reference refusal or compliant opening occurs twice, whatever its case and punctuation."""
    for column in ("prompt", "chosen", "rejected"):
        texts = Counter(" ".join(words_of(row[column])) for row in _rows(language) if column in row)
        assert [text for text, n in texts.items() if n > 1] == []


@LANGUAGES
def test_references_are_short(language: str) -> None:
    """A reference refusal has at most two sentences, a compliant opening at most fourteen words."""
    for row in _of("harmful", language):
        assert 1 <= _sentences(row["chosen"]) <= MOST_SENTENCES, row["chosen"]
        assert 1 <= len(row["rejected"].split()) <= MOST_REJECTED_WORDS, row["rejected"]


@LANGUAGES
def test_references_do_not_follow_a_formula(language: str) -> None:
    """Few refusals say sorry, and no two opening words are worn out in refusals or compliant openings."""
    refusals = [row["chosen"] for row in _of("harmful", language)]
    sorry = [text for text in refusals if re.match(r"(I'm |I am )?sorry|desculp|sinto muito|lamento", text, re.I)]
    assert len(sorry) <= MOST_SORRY * len(refusals)
    for texts in (refusals, [row["rejected"] for row in _of("harmful", language)]):
        starts = Counter(" ".join(words_of(text)[:2]) for text in texts)
        assert [start for start, n in starts.items() if n > MOST_SAME_START * len(texts)] == []


@LANGUAGES
def test_sentence_frames_vary(language: str) -> None:
    """Masked of its content words, no prompt's frame occurs more than three times."""
    frames = Counter(_frame(row["prompt"], language) for row in _rows(language))
    assert [frame for frame, n in frames.items() if n > MOST_SAME_FRAME] == []


def test_frames_mask_content_words_only() -> None:
    """The mask keeps function words and joins the runs between them."""
    assert _frame("How do I kill a frozen process?", "en") == "how do i _ a _"
    assert _frame("Please don't peel the potatoes", "en") == "please don't _ the _"
    assert _frame("Como eu descasco batatas novas para a sopa?", "pt-BR") == "como eu _ para a _"


@LANGUAGES
def test_typography_is_plain(language: str) -> None:
    """Every text is on one line with single spaces and plain quotes; prompts and refusals begin and end well."""
    for row in _rows(language):
        texts = [row[column] for column in ("prompt", "chosen", "rejected") if column in row]
        assert [text for text in texts if not text.isprintable() or re.search("[‘’“”–—…]", text)] == []
        assert language != "en" or all(text.isascii() for text in texts)
        assert [text for text in texts if text != " ".join(text.split())] == []
        assert [text for text in texts[:2] if not FINISHED.fullmatch(text) or text.count('"') % 2] == []


@LANGUAGES
def test_no_prompt_is_a_near_duplicate_of_another(language: str) -> None:
    """No two built-in prompts of a language, twins included, share seven words of ten."""
    texts = [(frozenset(words_of(row["prompt"])), row["prompt"]) for row in _rows(language)]
    found = [(text, rival) for (a, text), (b, rival) in combinations(texts, 2) if near(a, b)]
    assert found == []


def test_no_prompt_is_a_near_duplicate_of_a_published_one() -> None:
    """No built-in prompt of either language shares seven words of ten with a prompt of the public data sets."""
    assert repeated([row["prompt"] for row in (*_rows("en"), *_rows("pt-BR"))]) == {}
