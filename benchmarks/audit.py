"""How well the audit finds planted copies: python benchmarks/audit.py PUBLIC_FOLDER

Plants 100 written paraphrases among 3,000 prompts (the built-in ones and public ones) and prints recall and precision
at every threshold. With --fit, it fits the weights of `recusa.meaning` instead, on other paraphrases among the other
half of the public prompts. Pairs of the base are true or false as people read them (tests/data/near_labels.tsv).
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from recusa.meaning import FEATURES, WEIGHTS, pair_features, scores
from recusa.models.vectors import kept_vectors
from recusa.near import SURE, near_copies
from recusa.sources.builtin import Builtin
from recusa.types import Prompt

DATA = Path(__file__).parents[1] / "tests" / "data"
TOTAL = 3000
ALL_OF = ("harmful/advbench.csv", "harmful/harmbench_standard.jsonl", "harmful/jailbreakbench.jsonl",
          "harmful/simple_safety_tests.jsonl", "harmful/catqa.jsonl", "borderline/xstest_prompts.jsonl")  # fmt: skip
SOME_OF = {"training/safety_tuned_llamas.jsonl": 300, "benign/alpaca_instructions.jsonl": TOTAL}
HARMLESS = ("plant", "builtin", "alpaca_instructions")  # such prompts ask the same only by chance
RIDGE = 20.0
AT = {
    "mpnet-base-v2": 0.15,
    "minilm-l6-v2": 0.2,
}  # fitted probability that becomes a score of 0.5, chosen on the fitting half
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts with where they are from, and the ids of the pairs that were planted."""

    texts: list[str]
    sources: list[str]
    kinds: list[str]
    planted: set[Pair]


def id_of(text: str) -> str:
    return Prompt(text, "benign").id


def pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def read(path: Path) -> Iterator[str]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as lines:
            yield from (row["goal"] for row in csv.DictReader(lines))
    else:
        yield from (json.loads(line)["prompt"] for line in path.read_text("utf-8").splitlines())


def corpus(public: Path, plants: Path, half: int, language: str = "en") -> Corpus:
    """Copies and originals, the built-in prompts, and one half of each public set, until there are TOTAL."""
    rows = [json.loads(line) for line in plants.read_text("utf-8").splitlines()]
    known = {id_of(text): (text, Path(file).stem) for file in (*ALL_OF, *SOME_OF) for text in read(public / file)}
    found: dict[str, str] = {row["copy"]: "plant" for row in rows}
    planted = set()
    for row in rows:
        original, source = (row["original"], "builtin") if "original" in row else known[row["original_id"]]
        found.setdefault(original, source)
        planted.add(pair(id_of(original), id_of(row["copy"])))
    for prompt in Builtin(languages=(language,)).prompts():
        found.setdefault(prompt.text, "builtin")
    for file in (*ALL_OF, *SOME_OF):
        texts = [text for text in read(public / file) if int(sha256(text.encode()).hexdigest()[:8], 16) % 2 == half]
        if file in SOME_OF:
            Random(half).shuffle(texts)
        for text in texts[: SOME_OF.get(file)]:
            if len(found) < TOTAL:
                found.setdefault(text, Path(file).stem)
    kinds = {**dict(_kinds(public)), **{row["copy"]: row["kind"] for row in rows}}
    return Corpus(list(found), list(found.values()), [kinds.get(text) or "harmful" for text in found], planted)


def _kinds(public: Path) -> Iterator[tuple[str, str]]:
    for file in (*ALL_OF, *SOME_OF):
        if not file.endswith(".csv"):  # AdvBench says no kind; all of it is harmful
            rows = map(json.loads, (public / file).read_text("utf-8").splitlines())
            yield from ((row["prompt"], row["kind"]) for row in rows)
    yield from ((prompt.text, prompt.kind) for prompt in Builtin().prompts())


def read_labels(path: Path = DATA / "near_labels.tsv") -> dict[Pair, bool]:
    with path.open(encoding="utf-8", newline="") as lines:
        return {pair(row["one"], row["other"]): row["same"] == "1" for row in csv.DictReader(lines, delimiter="\t")}


def fit(base: Corpus, encoder: Any) -> list[float]:
    """Logistic regression over pairs with a planted copy and harmless pairs, unlike unless labelled alike."""
    labels = read_labels()
    pairs, values = pair_features(base.texts, kept_vectors(base.texts, encoder))
    ids = [id_of(text) for text in base.texts]
    kept, same = [], []
    for row, (one, other) in enumerate(pairs):
        key = pair(ids[one], ids[other])
        sides = {base.sources[one], base.sources[other]}
        if "plant" in sides or sides <= set(HARMLESS):
            kept.append(row)
            same.append(key in base.planted or labels.get(key, False))
    x, y = values[kept], np.array(same, dtype=float)
    mean, spread = x.mean(0), x.std(0) + 1e-9
    z = np.column_stack([(x - mean) / spread, np.ones(len(x))])

    def loss(b: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        score = z @ b
        own = np.r_[b[:-1], 0]
        gradient = z.T @ (1 / (1 + np.exp(-score)) - y) + RIDGE * own
        return float((np.logaddexp(0, score) - y * score).sum() + RIDGE / 2 * own @ own), gradient

    b = minimize(loss, np.zeros(z.shape[1]), jac=True, method="L-BFGS-B").x
    weights = b[:-1] / spread
    print(f"fitted on {int(y.sum())} same and {int((1 - y).sum())} other pairs, {encoder}")
    shift = float(np.log((1 - AT[encoder]) / AT[encoder]))
    return [round(float(w), 4) for w in (*weights, b[-1] - weights @ mean + shift)]


def scored(base: Corpus, encoder: Any, weights: Sequence[float]) -> dict[Pair, tuple[float, int, int]]:
    """Every candidate pair with its probability and places; near-copies by words count as certain."""
    pairs, values = pair_features(base.texts, kept_vectors(base.texts, encoder))
    ids = [id_of(text) for text in base.texts]
    sure = scores(values, encoder, weights)
    harmful = [kind == "harmful" for kind in base.kinds]
    found = {
        pair(ids[a], ids[b]): (float(p), a, b)
        for (a, b), p in zip(pairs, sure, strict=True)
        if harmful[a] == harmful[b]
    }
    found.update({pair(ids[a], ids[b]): (1.0, a, b) for a, b, _ in near_copies(base.texts)})
    return found


def measure(base: Corpus, encoder: Any, weights: Sequence[float], out: Path | None) -> None:
    """Print recall of the planted pairs and precision of what is reported, by threshold."""
    labels, found = read_labels(), scored(base, encoder, weights)
    words = {pair(id_of(base.texts[a]), id_of(base.texts[b])) for a, b, _ in near_copies(base.texts)}
    print(f"{encoder}: words alone find {len(words & base.planted)} of {len(base.planted)} planted, {len(words)} pairs")
    print("| sure | recall | with a planted copy: reported, true, precision | base pairs | read | of them true |")
    print("| --- " * 6 + "|")
    for sure in (0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9):
        hits = {key for key, (p, _, _) in found.items() if p >= sure}
        touching = {k for k in hits if "plant" in (base.sources[found[k][1]], base.sources[found[k][2]])}
        true = {k for k in touching if k in base.planted or labels.get(k, False)}
        rest = hits - touching
        seen = [labels[k] for k in rest if k in labels]
        recall = len(hits & base.planted) / len(base.planted)
        precision = len(true) / max(1, len(touching))
        print(f"| {sure:.2f} | {recall:.2f} | {len(touching)}, {len(true)}, {precision:.3f} | {len(rest)} "
              f"| {len(seen)} | {sum(seen) / max(1, len(seen)):.2f} |")  # fmt: skip
    if out is not None:
        lines = (
            {"one": base.texts[a], "other": base.texts[b], "sources": [base.sources[a], base.sources[b]], "sure": p,
             "planted": key in base.planted, "label": labels.get(key)}
            for key, (p, a, b) in sorted(found.items(), key=lambda item: -item[1][0])
            if p >= 0.05 or key in base.planted
        )  # fmt: skip
        out.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("public", type=Path, help="folder with the public sets")
    parser.add_argument("--encoder", choices=sorted(WEIGHTS), default="mpnet-base-v2")
    parser.add_argument("--fit", action="store_true", help="fit the weights and print them")
    parser.add_argument("--out", type=Path, help="write every likely pair here, to be read")
    options = parser.parse_args()
    start = time.perf_counter()
    if options.fit:
        base = corpus(options.public, DATA / "paraphrases.fitting.en.jsonl", half=0)
        weights = fit(base, options.encoder)
        print(dict(zip((*FEATURES, "bias"), weights, strict=True)))
        measure(base, options.encoder, weights, options.out)
    else:
        base = corpus(options.public, DATA / "paraphrases.en.jsonl", half=1)
        measure(base, options.encoder, WEIGHTS[options.encoder], options.out)
    print(f"{len(base.texts)} texts, default threshold {SURE}, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
