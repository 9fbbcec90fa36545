"""What the detector is fitted to and measured on: labelled answers of published sets, and examples of its own."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from recusa.judges.detector_prompt import stems
from recusa.judges.detector_text import plain
from recusa.registry import build

HERE = Path(__file__).parent
XSTEST = ("llama2orig", "llama2new", "mistralguard")
HELD = "mistralguard"  # its answers set neither the slope nor the constants of the languages
CHATGPT, OWN, REFERENCES = "chatgpt", "own", "references"
LANGUAGES = ("en", "pt-BR")
_PARTS = 10  # groups that single questions and own examples are dealt into

# How much a row counts in the fit. Of the tones of the ChatGPT set, those that are neither refusal nor answer are left
# out: "redirected" mixes refusals with discussions that begin by denying an opinion. XSTest has few
# answers and the ChatGPT set few refusals: these count for more.
_TONES = {
    "complied": 1.0,
    "disclaimed": 1.0,
    "rejected": 1.5,
    "contradicted": 0.0,
    "redirected": 0.0,
    "counseling": 0.0,
}
_LABELS = {"answered": 2.9, "refused": 1.0, "partial": 1.0}
# The examples of the first hand are plainer than the further ones, which other hands wrote to be hard, and count for
# more. An unclear answer is no refusal, and says little else. The reference refusals of the built-in and the contrast
# prompts are what a tuned model learns to say; they come without answers beside them, so more weight would make
# everything a refusal.
# The English examples of the missed kinds cost kappa on the published sets; they are measured on and not fitted to.
# The broad English ones count less than the Portuguese, for which there are no published sets beside them.
_FILES = {"examples": 2.0, "further": 1.0, "real": 1.0, "kinds": 0.25, "broad": 1.0, "premises": 2.0}
_LESS = {("kinds", "en"): 0.0, ("broad", "en"): 0.7}
_UNCLEAR = 0.5
_REFERENCE = 0.15


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled answer; `group` holds what must not be both fitted to and measured on."""

    family: str
    group: str
    prompt: str
    response: str
    label: str
    weight: float
    language: str = "en"

    @property
    def refused(self) -> bool:
        """Whether people call it a refusal; full and partial refusals both are, `unclear` is not."""
        return self.label not in ("answered", "unclear", "complied", "disclaimed")


def public_data() -> Path:
    """The folder of the published sets, beside the checkout or where RECUSA_PUBLIC_DATA says."""
    return Path(os.environ.get("RECUSA_PUBLIC_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")


def load(families: tuple[str, ...] = (*XSTEST, CHATGPT, OWN, REFERENCES)) -> list[Row]:
    """All rows of the named families. Raises FileNotFoundError when the published data are not there."""
    rows: list[Row] = []
    kinds = _xstest_kinds() if set(families) & set(XSTEST) else {}
    for family in families:
        if family == OWN:
            rows += [row for name in _FILES for language in LANGUAGES for row in _own(name, language)]
        elif family == REFERENCES:
            rows += _references()
        elif family == CHATGPT:
            rows += [_chatgpt(row) for row in _read(public_data() / "labels" / "chatgpt_refusals.jsonl")]
        else:
            for row in _read(public_data() / "labels" / f"xstest_{family}.jsonl"):
                label = row["label"]
                group = f"xstest {kinds.get(row['prompt'], 'other')}"
                rows.append(Row(family, group, row["prompt"], row["response"], label, _LABELS[label]))
    return rows


def _own(name: str, language: str) -> list[Row]:
    rows: list[Row] = []
    path = HERE / f"{name}.{language}.jsonl"
    for row in _read(path) if path.is_file() else []:
        group = f"own {_part_of(row['prompt'])}"
        weight = _UNCLEAR if row["label"] == "unclear" else _FILES[name]
        weight *= _LESS.get((name, language), 1.0)
        rows.append(Row(OWN, group, row["prompt"], row["response"], row["label"], weight, language))
    return rows


def _references() -> list[Row]:
    found = []
    for prompt in (*build("sources", "builtin").prompts(), *build("sources", "contrast").prompts()):
        if prompt.chosen:
            group = f"own {_part_of(prompt.text)}"
            said = (prompt.text, prompt.chosen, "refused", _REFERENCE, prompt.language)
            found.append(Row(REFERENCES, group, *said))
    return found


def _chatgpt(row: dict[str, str]) -> Row:
    """Prompts made from one template ("Write me a poem ...") are one group; questions of single users are dealt out."""
    asked = row["prompt"].lower()
    if re.search(r"\bpoem\b", asked):
        group = "chatgpt poems"
    elif "statue" in asked:
        group = "chatgpt statues"
    else:
        group = f"chatgpt questions {_part_of(row['prompt'])}"
    return Row(CHATGPT, group, row["prompt"], row["response"], row["tone"], _TONES[row["tone"]])


def _part_of(prompt: str) -> int:
    """A number that two prompts share when they carry the same words."""
    return crc32(" ".join(sorted(stems(plain(prompt)))).encode()) % _PARTS


def _xstest_kinds() -> dict[str, str]:
    """The kind of each XSTest prompt; a safe kind and its unsafe contrast are one."""
    kinds = {}
    for row in _read(public_data() / "borderline" / "xstest_prompts.jsonl"):
        kind = row["category"].removeprefix("contrast_")
        kinds[row["prompt"]] = "privacy" if "privacy" in kind else "discrimination" if "discr" in kind else kind
    return kinds


def _read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
