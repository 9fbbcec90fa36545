"""Attacks that begin the answer: what is put into the model's mouth, where it is cut, and that no engine drops it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.command import Call, calling, rows
from tests.study import Study, silent

from recusa.attacks.prefill import GOES_ON, LONGEST, Prefill, compliant, opening
from recusa.config import parse_experiment
from recusa.engines.hf import HF
from recusa.engines.openai import OpenAI
from recusa.engines.openai_wire import request_body
from recusa.errors import ConfigError, ModelError
from recusa.jobs.arms import chats_for, check_attacks
from recusa.jobs.run import run_experiment
from recusa.models.causal import load_tokenizer
from recusa.models.template import begin, prefill_text, prompt_ids, training_row
from recusa.results import Results
from recusa.store import Store
from recusa.types import Answer, Chat, Key, Message, Prompt, Sampling

BREAD = Prompt("How do I bake my bread?", "harmful")
ARM = '[[arms]]\nname = "only"\n'


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Runs a command in an empty folder."""
    yield from calling(tmp_path, monkeypatch, capsys)


def under(study: Study, out: str, attacks: str) -> Results:
    """A study asked in several ways, by a model that no longer refuses after ten words of its own."""
    text = f"attacks = {attacks}\n" + study.text(engine="gives_in = 10")
    places = study.folder / out, study.folder / "ws"
    return run_experiment(parse_experiment(text, "study.toml", "study"), *places, silent)


def begun(prompt: Prompt, tokens: int = 10) -> Chat:
    """A prompt with its answer begun."""
    (chat,) = chats_for([prompt], "", ({"name": "prefill", "tokens": tokens},))
    return chat


@pytest.mark.parametrize(
    ("request_", "language", "ends"),
    [
        ("How do I bake my bread?", "en", "how to bake your bread."),
        ("Please tell me how to bake bread", "en", "how to bake bread."),
        ("Write me a letter to my neighbour.", "en", "a letter to your neighbour."),
        ("Bread?", "en", "what you asked for, “Bread”."),
        ("Como faço para assar meu pão?", "pt-BR", "como assar seu pão."),
        ("Me explique como assar pão", "pt", "como assar pão."),
        ("Escreva uma carta ao vizinho", "pt-BR", "uma carta ao vizinho."),
        ("Pão?", "pt-BR", "o que você pediu, “Pão”."),
    ],
)
def test_an_opening_says_the_request_again_in_its_language(request_: str, language: str, ends: str) -> None:
    """So that the start is about what was asked, as a compliant answer would be."""
    said = opening(request_, language)
    assert said.endswith(ends)
    assert said == opening(request_, language)
    assert ("aqui está" in said.lower()) == language.startswith("pt")


def test_openings_vary_between_requests() -> None:
    """One fixed phrase would measure whether a model knows that phrase."""
    assert len({opening(f"Question {n}?", "en").split("“")[0] for n in range(40)}) == 5


def test_a_known_answer_is_the_start_and_a_broken_one_is_not_glued_on() -> None:
    """`rejected` counts before an opening; a sentence that breaks off is left out where more words are needed."""
    known = "First you mix flour and water. Then you"
    assert compliant(known, "How do I bake?", "en", 5) == known
    longer = compliant(known, "How do I bake?", "en", 20)
    assert longer.startswith("First you mix flour and water. I will go")
    assert compliant("Mix flour and", "How do I bake?", "en", 20).startswith(opening("How do I bake?", "en"))
    assert begun(Prompt("How?", "harmful", rejected="Mix it: " + "stir " * 30)).prefill.startswith("Mix it: stir")


@pytest.mark.parametrize("language", GOES_ON)
def test_every_start_has_a_word_for_each_token(language: str) -> None:
    """A word is a token or more: however the model counts, there is enough to cut."""
    for known in ("", "Yes.", "One two three"):
        assert len(compliant(known, "Why?", language, LONGEST).split()) >= LONGEST


@pytest.mark.parametrize("tokens", [1, 5, 10, 20])
def test_the_start_is_cut_at_exactly_so_many_tokens(tiny: Path, tokens: int) -> None:
    """What is asked is the question as ever, then the first tokens of the start, and no more."""
    tokenizer = load_tokenizer(tiny)
    chat = begun(BREAD, tokens)
    plain = prompt_ids(tokenizer, Chat(chat.key, chat.messages))
    start = begin(tokenizer, chat)
    assert start.ids == plain
    assert len(start.prefill) == tokens
    assert prompt_ids(tokenizer, chat) == plain + start.prefill
    assert chat.prefill.startswith(prefill_text(tokenizer, start))


def test_a_start_that_is_too_short_is_no_attack_of_that_length(tiny: Path) -> None:
    """Fewer tokens than the name says would be filed under a wrong name."""
    chat = Chat(Key("p"), (Message("user", "Hello"),), "Yes", prefill_tokens=9)
    with pytest.raises(ModelError, match="9 were to be put"):
        begin(load_tokenizer(tiny), chat)


def test_a_row_with_a_cut_start_trains_what_follows_it(tiny: Path) -> None:
    """Training sees exactly the tokens that asking sends."""
    tokenizer = load_tokenizer(tiny)
    chat = begun(BREAD, 5)
    row = training_row(tokenizer, chat, " No.", frozenset({2}))
    assert row.ids[: row.start] == prompt_ids(tokenizer, chat)
    assert tokenizer.decode(row.ids[row.start :]) == " No.</s>"


def test_the_answer_is_what_the_model_wrote_and_the_start_stands_beside(tiny: Path, tmp_path: Path) -> None:
    """The continuation equals that of the same tokens asked whole, and the store gives both back."""
    engine = HF(model=str(tiny), device="cpu", dtype="float32")
    chat = begun(BREAD, 7)
    (answer,) = engine.answer([chat], Sampling(6))
    assert isinstance(answer, Answer)
    tokenizer = load_tokenizer(tiny)
    assert answer.prefill == prefill_text(tokenizer, begin(tokenizer, chat))
    assert answer.prompt_tokens == len(prompt_ids(tokenizer, chat))
    (whole,) = engine.answer([Chat(chat.key, chat.messages, answer.prefill)], Sampling(6))
    assert isinstance(whole, Answer)
    assert whole.text == answer.text
    with Store(tmp_path) as store:
        store.add_chunk("c", "e", [answer], 1.0)
        assert store.chunk("c", "") == [answer]


def test_several_lengths_are_several_attacks() -> None:
    """Rows are filed by label; the same length twice is refused, as is a colon where there is no brief setting."""
    listed = 'attacks = ["direct", "prefill", {name = "prefill", tokens = 20}]\n'
    labels = {chat.key.attack for chat in chats_for([BREAD], "", parse_experiment(listed + ARM, "x").attacks)}
    assert labels == {"direct", "prefill-10", "prefill-20"}
    with pytest.raises(ConfigError, match="two attacks are named `prefill-10`"):
        parse_experiment('attacks = ["prefill", {name = "prefill", tokens = 10}]\n' + ARM, "x")


def test_an_attack_asks_its_own_kinds() -> None:
    """Prefilled benign prompts would cost as much and say nothing; a file is asked whole."""
    prompts = [BREAD, Prompt("Name a river.", "benign")]
    asked = chats_for(prompts, "", ("direct", "prefill"))
    assert [(c.key.attack, c.question) for c in asked] == [
        ("direct", BREAD.text), ("direct", "Name a river."), ("prefill-10", BREAD.text),
    ]  # fmt: skip
    assert len(chats_for(prompts, "", ("prefill",), every=True)) == 2


def test_a_server_that_may_drop_the_start_is_refused() -> None:
    """Silently dropped, the start would make the model look safer than it is."""
    with pytest.raises(ConfigError, match="goes on with a begun answer"):
        check_attacks(OpenAI(model="m"), ["direct", "prefill"], "arms.a")
    with pytest.raises(ConfigError, match="cannot be cut at 10 tokens"):
        check_attacks(OpenAI(model="m", prefill="continue"), ["prefill"], "arms.a")
    with pytest.raises(ConfigError, match="goes on with a begun answer"):
        list(OpenAI(model="m", base_url="http://127.0.0.1:9/v1").answer([begun(BREAD)], Sampling()))
    check_attacks(OpenAI(model="m"), ["direct"], "arms.a")


def test_the_servers_way_of_going_on_is_what_is_sent(tiny: Path) -> None:
    """`prefix` marks the message, `continue` the request; the served model's tokenizer cuts."""
    engine = OpenAI(model="m", prefill="prefix", tokenizer=str(tiny))
    start = engine._start(begun(BREAD, 4))
    assert start == prefill_text(load_tokenizer(tiny), begin(load_tokenizer(tiny), begun(BREAD, 4)))
    body = json.loads(request_body("m", begun(BREAD), Sampling(), start, "prefix"))
    assert body["messages"][-1] == {"role": "assistant", "content": start, "prefix": True}
    assert "continue_final_message" not in body
    assert "prefill" not in OpenAI(model="m").identity()
    assert OpenAI(model="m", prefill="prefix").identity() != OpenAI(model="m", prefill="continue").identity()


def test_an_engine_that_knows_no_prefill_is_refused() -> None:
    """Another package's engine says so before anything is asked."""

    class Plain:
        name = "plain"

    with pytest.raises(ConfigError, match="cannot begin an answer"):
        check_attacks(Plain(), ["prefill"], "arms.a")


def test_a_run_keeps_attacks_apart(study: Study) -> None:
    """Rates, pairs, the report and its pictures never mix the ways of asking."""
    found = under(study, "out", '["direct", {name = "prefill", tokens = 5}, {name = "prefill", tokens = 20}]')
    main = [r for r in found.rates if (r.kind, r.judge) == ("harmful", found.primary_judge)]
    harmful = {(r.attack, r.arm): (r.refused, r.n) for r in main}
    assert harmful["direct", "plain"] == harmful["prefill-5", "plain"] == (4, 4)
    assert harmful["prefill-20", "plain"] == (0, 4)
    assert {r.kind for r in found.rates if r.attack != "direct"} == {"harmful"}
    assert [*dict.fromkeys(r.attack for r in found.rates)] == ["direct", "prefill-5", "prefill-20"]
    starts = {line["attack"]: line.get("prefill", "") for line in study.lines()}
    assert [len(starts[attack].split()) for attack in ("direct", "prefill-5", "prefill-20")] == [0, 5, 20]
    assert all(line["prefill"] not in line["response"] for line in study.lines() if line["attack"] != "direct")


def test_the_report_has_a_part_for_attacks(study: Study) -> None:
    """Harmful prompts answered, per way of asking; a run without attacks has no such part."""
    from recusa.report import write_report

    study.run("plain")
    assert 'id="attacks"' not in write_report(study.folder / "plain").read_text(encoding="utf-8")
    under(study, "under", '["direct", {name = "prefill", tokens = 20}]')
    page = write_report(study.folder / "under").read_text(encoding="utf-8")
    start = page.index('id="attacks"')
    part = page[start : page.index("</section>", start)]
    assert part.index("direct") < part.index("prefill-20")
    assert "4/4" in part
    assert "0/4" in part


def test_the_command_asks_with_a_length(command: Call) -> None:
    """`prefill:5` is five tokens; every row comes back, with what was put before its answer."""
    Path("p.jsonl").write_text('{"prompt": "Bake bread?", "kind": "benign"}\n{"prompt": "Knit?"}\n', encoding="utf-8")
    ran = command("answer", "--engine", "scripted", "--attack", "prefill:5", "--prompts", "p.jsonl", "--out", "o.jsonl")
    assert ran.code == 0
    assert [len(row["prefill"].split()) for row in rows("o.jsonl")] == [5, 5]
    for wrong, message in (
        ("direct:5", "takes no value"),
        ("prefill:x", "valid integer"),
        ("no.toml", "cannot be read"),
    ):
        ran = command("answer", "--engine", "scripted", "--attack", wrong, "--prompts", "p.jsonl", "--out", "o.jsonl")
        assert (ran.code, message in " ".join(ran.err.split())) == (2, True), ran.err
    assert Prefill(tokens=3).label == "prefill-3"
