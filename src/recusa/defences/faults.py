"""What is wrong with a draft of a variant: each fault has a name, under which it is counted."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from recusa.defences.language import language_of, script_of, tokens
from recusa.models.embedder import embed
from recusa.protocols import Variant

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

WINDOW = 150  # words the embedding model surely sees whole; longer texts are compared window by window
WHITE = re.compile(r"\s+")
ECHO = re.compile(
    r"\b(re(?:write|writing|written|word|phras)\w*|paraphras\w*|same meaning|synonyms?|other words"
    r"|original (?:text|prompt)"
    r"|rees[ck]r\w+|par[aá]fras\w*|mesmo (?:sentido|significado)|outras palavras)\b",
    re.IGNORECASE,
)
REFUSES = re.compile(
    r"\W*(i['’]?m sorry|i am sorry|sorry\b|i can['’]?t|i cannot|i can not|i won['’]?t|i['’]?m (?:unable|not able)"
    r"|i am (?:unable|not able)|as an ai\b|desculpe|sinto muito|lamento|n[aã]o posso)",
    re.IGNORECASE,
)
REPLIES = re.compile(
    r"\W*(sure|certainly|of course|absolutely|yes|no|okay|ok|here(?:['’]s| is| are)|great question|claro|com certeza"
    r"|aqui (?:est[aá]|v[aã]o|vai)|sim)\b[\s,.!:]",
    re.IGNORECASE,
)
ITEM = re.compile(r"^\s*(?:[-*•–]|\(?\d{1,2}[.)]|[a-z][.)])\s+\S", re.MULTILINE)
SENTENCE = re.compile(r"[.!?…。؟]+(?=\s|$)")
# Asking about the thing, and asking against it: an embedding hardly hears the difference.
AGAINST = frozenset(
    """not never no avoid avoids avoiding prevent prevents preventing prevention protect protects protecting protection
    stop stops stopping against without don't doesn't shouldn't can't cannot detect detecting report reporting
    não nao nunca evitar evite impedir impeça prevenir proteger contra sem denunciar""".split()  # noqa: SIM905
)
QUESTIONS = frozenset(
    """what what's how how's why when where who who's whom whose which can could would will should shall may might is
    are was were am do does did has have had isn't aren't don't doesn't""".split()  # noqa: SIM905
)
COMMANDS = frozenset(
    """act add advise analyse analyze answer argue arrange assess assist assume bake brainstorm break build calculate
    carry change check choose classify collect come compare compose compute conduct consider construct continue
    convert cook copy correct count create debate decide define demonstrate depict describe design detail determine
    develop devise discuss draft draw edit elaborate enumerate estimate evaluate examine explain explore express
    extract fetch figure fill find finish fix fold follow forge form formulate gather generate get give go group guess
    guide help identify illustrate imagine improve increase indicate infer inform insert instruct invent invite join
    justify keep knit lay lead let let's lift list locate look make match mend modify name offer open order organise
    organize outline paint pack pick plan play point predict prepare present produce promote propose prove provide
    pull push put quote rank rate read rearrange recite recommend reduce remove rename repair replace reply report
    research resolve respond revise rewrite run say schedule search select send sew share shorten show simplify sketch
    solve sort specify spell split start state steal stir submit suggest sum summarise summarize supply take talk
    teach tear tell think train transform translate try
    turn update use verify visit walk wash wrap write""".split()  # noqa: SIM905
)
WISHES = frozenset("i i'd i'm i've we my please kindly".split())  # noqa: SIM905
SUBJECTS = frozenset(
    "the a an this these those there it they he she one some many most such its their his her people you".split()  # noqa: SIM905
)
FRAMES = frozenset("in on at to as by with for from although while because since before after".split())  # noqa: SIM905
FINITE = frozenset("is are was were can will has have involves means includes requires refers does".split())  # noqa: SIM905


def plain(text: str) -> str:
    """What two variants must not share: the text but for case, white space and the marks at its ends."""
    return WHITE.sub(" ", text.casefold()).strip(" .!?\"'")


class Draft(NamedTuple):
    """A variant beside the text it was made of, and the variants that text has already."""

    original: str
    variant: Variant
    taken: Collection[str]


def faults(drafts: Sequence[Draft], similarity: float) -> list[str]:
    """The name of each draft's fault, empty where it has none; `similarity` is the cosine that keeps the meaning."""
    found = [_fault(draft) for draft in drafts]
    unsure = [
        place for place, draft in enumerate(drafts) if not found[place] and draft.variant.claim == "meaning"
    ]  # only those are embedded: it is the dear check
    if unsure:
        near = closeness([(drafts[place].original, drafts[place].variant.text or "") for place in unsure])
        for place, cosine in zip(unsure, near, strict=True):
            found[place] = "" if cosine >= similarity else "LostMeaning"
    return found


def _fault(draft: Draft) -> str:
    text, variant = draft.variant.text, draft.variant
    if text is None:
        return variant.why or "NothingMade"
    if variant.claim == "again":
        return "" if text == draft.original else "NotThePrompt"
    if not text.strip():
        return "Empty"
    if variant.claim == "letters":
        if text in (draft.original, *draft.taken):
            return "SameAsOriginal" if text == draft.original else "SameAsAnother"
        return "TooLong" if len(text) > 2 * len(draft.original) + 8 else ""
    if plain(text) == plain(draft.original):
        return "SameAsOriginal"
    if plain(text) in {plain(other) for other in draft.taken}:
        return "SameAsAnother"
    return _said_wrong(draft.original, text)


def _said_wrong(original: str, text: str) -> str:
    """Faults of a writer: it went on and on, spoke of its task, refused, answered, or changed side or language."""
    before, after = len(tokens(original)), len(tokens(text))
    if after > max(3 * before, before + 15) or len(text) > max(3 * len(original), len(original) + 120):
        return "TooLong"
    if ECHO.search(text) and not ECHO.search(original):
        return "EchoesInstruction"
    if REFUSES.match(text) and not REFUSES.match(original):
        return "Refuses"
    if answers(original, text):
        return "Answers"
    if script_of(text) != script_of(original):
        return "OtherLanguage"
    languages = {language_of(original), language_of(text)} - {""}
    if len(languages) > 1:
        return "OtherLanguage"
    if bool(AGAINST & set(tokens(original))) != bool(AGAINST & set(tokens(text))):
        return "TurnedRound"
    return ""


def answers(original: str, text: str) -> bool:
    """Whether a text answers the original: opens as a reply, lists, says far more, or states what was asked."""
    if REPLIES.match(text) and not REPLIES.match(original):
        return True
    if len(ITEM.findall(text)) > max(1, len(ITEM.findall(original))):
        return True
    if len(SENTENCE.findall(text)) > len(SENTENCE.findall(original)) + 2:
        return True
    if language_of(original) in ("en", ""):
        return act(original) == "request" and act(text) == "statement"
    return "?" in original and "?" not in text and original.rstrip().endswith("?")


def act(text: str) -> str:
    """`request` for a question, command or wish in English, `statement` for a sentence that tells, else empty."""
    words = tokens(text)
    if not words:
        return ""
    exclaims = words[0] == "what" and words[1:2] in (["a"], ["an"]) and "?" not in text
    if exclaims:
        return "statement"
    if "?" in text or words[0] in QUESTIONS | WISHES | COMMANDS or "please" in words:
        return "request"
    if words[0] in SUBJECTS or FINITE & set(words[1:4]):
        return "statement"
    if words[0] in FRAMES:  # `in two sentences, explain ...` asks all the same
        return "" if words[0] != "to" and (QUESTIONS | COMMANDS) & set(words[1:9]) else "statement"
    return ""


def closeness(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Cosine of the two texts of each pair; a long text is the mean of its windows, so that its end counts too."""
    pieces = [_windows(text) for pair in pairs for text in pair]
    vectors = iter(embed([piece for its in pieces for piece in its]))
    means = [_mean([next(vectors) for _ in its]) for its in pieces]
    return [float(means[place] @ means[place + 1]) for place in range(0, len(means), 2)]


def _windows(text: str) -> list[str]:
    words = text.split()
    if len(words) <= WINDOW:
        return [text]
    return [" ".join(words[start : start + WINDOW]) for start in range(0, len(words), WINDOW)]


def _mean(vectors: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    import numpy as np

    mean = np.mean(vectors, axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), dtype=np.float32)
