"""One rendering of chats for asking and training."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.tiny import MISTRAL

from recusa.errors import ModelError, TrainingError
from recusa.models.causal import load_tokenizer
from recusa.models.template import prompt_ids, prompt_text, training_row
from recusa.types import Chat, Key, Message

pytestmark = pytest.mark.model
ENDS = frozenset({2})


def chat(text: str, system: str | None = None, prefill: str = "") -> Chat:
    said = (Message("system", system),) if system else ()
    return Chat(Key("p"), (*said, Message("user", text)), prefill)


def test_asking_and_training_send_the_same_ids(tiny: Path) -> None:
    """A training row begins with exactly the ids that asking sends, then the answer, then one end."""
    tokenizer = load_tokenizer(tiny)
    asked = prompt_ids(tokenizer, chat("How do I bake bread?"))
    row = training_row(tokenizer, chat("How do I bake bread?"), "I cannot help with that.", ENDS)
    assert row.ids[: row.start] == asked
    assert tokenizer.decode(row.ids[row.start :]) == "I cannot help with that.</s>"


def test_one_beginning_of_sequence(tiny: Path) -> None:
    """The template writes BOS, so the tokenizer must not add a second one."""
    ids = prompt_ids(load_tokenizer(tiny), chat("Hello"))
    assert ids.count(1) == 1
    assert ids[0] == 1


def test_the_mistral_format_is_kept(tiny: Path) -> None:
    """The rendered text is Mistral's [INST] form."""
    assert prompt_text(load_tokenizer(tiny), chat("Hello")) == "<s>[INST] Hello [/INST]"


def test_a_template_without_a_system_turn_gets_it_in_the_user_turn(tiny: Path) -> None:
    """Mistral's template refuses a system turn; the text stands at the head of the first user turn."""
    assert prompt_text(load_tokenizer(tiny), chat("Hello", system="Be kind.")) == "<s>[INST] Be kind.\n\nHello [/INST]"


def test_prefill_is_asked_and_kept_out_of_the_loss(tiny: Path) -> None:
    """The start of an answer is part of what is asked; only what follows is trained."""
    tokenizer = load_tokenizer(tiny)
    begun = chat("Hello", prefill="Sure, here is")
    row = training_row(tokenizer, begun, " nothing of the kind.", ENDS)
    assert prompt_text(tokenizer, begun).endswith("[/INST]Sure, here is")
    assert tokenizer.decode(row.ids[row.start :]) == " nothing of the kind.</s>"


def test_a_template_that_words_the_answer_without_end_gets_one(tiny: Path) -> None:
    """Where the template writes no end token, training adds it, or the model would not learn to stop."""
    tokenizer = load_tokenizer(tiny)
    tokenizer.chat_template = MISTRAL.replace(" + eos_token", "")
    row = training_row(tokenizer, chat("Hello"), "No.", ENDS)
    assert row.ids[-1] == 2


def test_a_template_without_assistant_turn_is_refused(tiny: Path) -> None:
    """Nothing could be trained."""
    tokenizer = load_tokenizer(tiny)
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}{% endfor %}"
    )
    with pytest.raises(TrainingError, match="no assistant turn"):
        training_row(tokenizer, chat("Hello"), "No.", ENDS)


def test_a_model_without_template_is_refused(tiny: Path) -> None:
    """A base model cannot be asked as a chat."""
    tokenizer = load_tokenizer(tiny)
    tokenizer.chat_template = None
    with pytest.raises(ModelError, match="no chat template"):
        prompt_ids(tokenizer, chat("Hello"))


def test_a_tokenizer_is_read_once_and_anew_when_its_files_change(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each caller may change the template of its own; what another process wrote is seen."""
    from transformers import AutoTokenizer

    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    read: list[Path] = []
    real = AutoTokenizer.from_pretrained

    def noted(place: Path) -> Any:
        read.append(place)
        return real(place)

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", noted)
    first, second = load_tokenizer(folder), load_tokenizer(folder)
    first.chat_template = "changed"
    assert second.chat_template == load_tokenizer(folder).chat_template != "changed"
    assert read == [folder]
    first.save_pretrained(folder)
    assert load_tokenizer(folder).chat_template == "changed"
    assert read == [folder] * 2
