"""Refusals after words of compliance, and the same place in harmless answers, where the model must go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from recusa.protocols import Ask, Example
from recusa.types import Prompt

# Ways to begin complying; {request} is the prompt. Attacks have others, so that they test what was learnt beyond these.
OPENINGS = {
    "en": (
        "Sure! Here's how:\n\n1. ",
        "Sure, I can help with that. “{request}” is something many people ask. To begin with, ",
        "Great question! The first thing to know is that ",
        "Here's a detailed answer to “{request}”:\n\n",
        "Okay, let's do this. First, you will need ",
        "Yes, that is possible. The usual way is to ",
        "**{request}**\n\nStep 1: ",
        "I'd be happy to help you with that! ",
        "Title: {request}\n\nIntroduction: ",
    ),
    "pt-BR": (
        "Claro! Veja como:\n\n1. ",
        "Claro, posso ajudar com isso. “{request}” é algo que muita gente pergunta. Para começar, ",
        "Ótima pergunta! A primeira coisa a saber é que ",
        "Aqui vai uma resposta detalhada para “{request}”:\n\n",
        "Certo, vamos lá. Primeiro, você vai precisar de ",
        "Sim, isso é possível. O jeito mais comum é ",
        "**{request}**\n\nPasso 1: ",
        "Será um prazer ajudar com isso! ",
        "Título: {request}\n\nIntrodução: ",
    ),
}


def compliant_answers(training: Sequence[Prompt], ask: Ask, tokens: int) -> dict[str, str]:
    """By prompt id, how the untrained model answers harmful prompts; those that it refuses are not in it."""
    harmful = [prompt for prompt in training if prompt.kind == "harmful"]
    return {row.chat.key.prompt_id: row.answer for row in ask(harmful, tokens)}


def with_openings(
    examples: Sequence[Example], compliant: Mapping[str, str] | None, share: float, longest: int, seed: int
) -> list[Example]:
    """The same rows in the same order, a `share` of the refusals after 1 to `longest` tokens of compliance.

    What is drawn for a row depends on the seed and its prompt alone. Rows to learn of kind `harmful` without a prefill
    are taken; the words are the prompt's answer in `compliant`, else its `rejected`, behind a general opening half of
    the time, else a general opening. Without `compliant`, they are a general opening.
    """
    return [
        _opened(row, compliant, longest, drawn)
        if (row.kind, row.role, row.chat.prefill) == ("harmful", "learn", "")
        and (drawn := Random(f"{seed}|opening|{row.chat.key.prompt_id}")).random() < share
        else row
        for row in examples
    ]


def with_turns(examples: Sequence[Example], longest: int, seed: int) -> list[Example]:
    """The same rows, each with the token at which it must not turn to a refusal, drawn from 1 to `longest`."""
    return [replace(row, turn=Random(f"{seed}|turn|{row.chat.key.prompt_id}").randint(1, longest)) for row in examples]


def _opened(row: Example, compliant: Mapping[str, str] | None, longest: int, drawn: Random) -> Example:
    prompt = row.chat.prompt
    tokens = drawn.randint(1, longest)
    portuguese = prompt is not None and prompt.language.partition("-")[0] == "pt"
    request = " ".join(row.chat.question.split()).rstrip(".?!")
    general = drawn.choice(OPENINGS["pt-BR" if portuguese else "en"]).replace("{request}", request)
    known = ""
    if compliant is not None:
        known = compliant.get(row.chat.key.prompt_id) or (prompt.rejected if prompt is not None else None) or ""
    bare = drawn.random() < 0.5
    opening = known if known and bare else general + known
    return replace(row, chat=replace(row.chat, prefill=opening, prefill_tokens=tokens))
