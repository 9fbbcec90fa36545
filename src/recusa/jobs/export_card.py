"""The card of an exported model: what it is made of, what was measured, and what it is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recusa.models.adapters import MADE
from recusa.models.weights import folder_digest
from recusa.results import Rate, Results

ALL = "all"


@dataclass(frozen=True, slots=True)
class Sample:
    """The merged model beside its adapter on a sample: same answers, and refusals by kind as (adapter, merged, n)."""

    judge: str
    n: int
    tokens: int
    differ: int
    refused: dict[str, tuple[int, int, int]]


def card(base: str, origin: str, dtype: str, adapter: Path, sample: Sample, results: Results | None) -> str:
    """The text of README.md, with the metadata the hub reads."""
    parts = [
        f"---\nbase_model: {base}\nbase_model_relation: finetune\nlibrary_name: transformers\n"
        "pipeline_tag: text-generation\ntags: [refusal, safety, recusa]\n---",
        f"# {base.rpartition('/')[2]}, trained to refuse harmful prompts\n\n"
        f"`{base}` ({origin}) with a LoRA adapter merged into its weights by recusa, in {dtype}. It opens in plain "
        "transformers with its own chat template.",
        *_made_of(adapter),
        "\n".join(_rescored(sample, dtype)),
    ]
    if results is not None:
        parts += [part for part in _measured(results, adapter) if part]
    parts.append(
        "## What it is not\n"
        "A guarantee. Trained refusals can be undone by more training and got round by attacks, and a model that "
        "refuses harm may refuse harmless prompts too: measure both on prompts of your own use with `recusa run`. "
        "The refusals it learned are in the languages of its training rows; others were not trained."
    )
    return "\n\n".join(parts) + "\n"


def _made_of(adapter: Path) -> Iterator[str]:
    """Data and recipe as the adapter's own card has them; what its configuration says where it has none."""
    readme = adapter / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    found = dict(re.findall(r"^## (Data|Recipe)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    for name in ("Data", "Recipe"):
        if name in found:
            yield f"## {name}\n{found[name].strip()}"
    if "Recipe" not in found:
        config: dict[str, Any] = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
        rows = "\n".join(f"| `{name}` | {config.get(name)} |" for name in ("r", "lora_alpha", "target_modules"))
        head = "## Recipe\nThe adapter's folder says no more than its shape."
        yield f"{head}\n\n| setting | value |\n| --- | --- |\n{rows}"
    manifest = adapter / MADE
    left = json.loads(manifest.read_text(encoding="utf-8")).get("left_out") if manifest.is_file() else None
    if left:
        yield "Rows left out of the training: " + ", ".join(f"{count} {reason}" for reason, count in left.items()) + "."


def _rescored(sample: Sample, dtype: str) -> Iterator[str]:
    yield "## Re-scored"
    same = f"{sample.n - sample.differ} of {sample.n}"
    yield (
        f"On {sample.n} prompts, greedy, at most {sample.tokens} tokens, the merged model in {dtype} gave the same "
        f"answer as the adapter beside its base in float32, token for token, to {same}."
    )
    if sample.differ:
        yield f"The other {sample.differ} ({sample.differ / sample.n:.0%}) differ by the rounding of {dtype}."
    yield f"\nRefused, by judge `{sample.judge}`:\n\n| kind | adapter | merged | n |\n| --- | --- | --- | --- |"
    for kind, (before, after, n) in sample.refused.items():
        yield f"| {kind} | {before} | {after} | {n} |"


def _measured(results: Results, adapter: Path) -> Iterator[str]:
    """What a run found: rates, frontier, wholeness and the audit of its split."""
    own = _arm_of(results, adapter)
    mark = f"This model is arm `{own}`." if own else "No arm of that run has this very adapter."
    rates = [r for r in results.rates if r.judge == results.primary_judge and r.language == ALL]
    lines = "\n".join(_rate(r) for r in rates)
    yield (
        f"## Measured\nRun `{results.name}`, digest {results.digest}, judge `{results.primary_judge}`, baseline "
        f"`{results.baseline}`; Wilson intervals at {1 - results.alpha:.0%}. {mark}\n\n"
        f"| arm | asked | kind | refused | interval | answered | unclear |\n|{' --- |' * 7}\n{lines}"
    )
    if results.frontier is not None:
        yield _frontier(results)
    for whole in results.whole:
        if whole.arm == own or own is None:
            yield _whole(whole)
    audit = results.audit
    yield (
        f"## Audit\n{sum(audit.split.train.values())} training and {sum(audit.split.test.values())} test prompts, "
        f"divided by group; near-copies were looked for by {audit.near}. Across the split: {len(audit.leaks)} "
        f"near-copies, {audit.withdrawn} test prompts taken out of the training."
    )
    if results.warnings:
        yield "Warnings of the run:\n\n" + "\n".join(f"- {warning}" for warning in results.warnings)


def _arm_of(results: Results, adapter: Path) -> str | None:
    """The arm of a run that answered with this very adapter."""
    digest = folder_digest(adapter)
    engines = results.environment.get("engines", {})
    return next((arm for arm, made in engines.items() if _holds(made, digest)), None)


def _holds(identity: Any, digest: str) -> bool:
    if not isinstance(identity, dict):
        return False
    return identity.get("adapter") == digest or _holds(identity.get("inner"), digest)


def _rate(r: Rate) -> str:
    if r.rate is None or r.low is None or r.high is None:
        return f"| {r.arm} | {r.attack} | {r.kind} | - | all {r.failed} failed | - | - |"
    return (
        f"| {r.arm} | {r.attack} | {r.kind} | {r.refused}/{r.n} = {r.rate:.1%} | {r.low:.1%} to {r.high:.1%} "
        f"| {r.answered} | {r.unclear} |"
    )


def _frontier(results: Results) -> str:
    found = results.frontier
    assert found is not None
    kinds = list(dict.fromkeys(kind for point in found.points for kind in point.sides))
    head = f"| arm | {' | '.join(kinds)} | |\n|{' --- |' * (len(kinds) + 2)}"
    lines = []
    for point in found.points:
        cells = [f"{side.rate:.1%}" if (side := point.sides.get(k)) and side.rate is not None else "-" for k in kinds]
        beaten = ", ".join(one.by for one in point.beaten)
        said = "failed" if point.failed else f"dominated by {beaten}" if beaten else ""
        said = "recommended" if point.arm == found.recommended else said
        lines.append(f"| {point.arm} | {' | '.join(cells)} | {said} |")
    return f"## Frontier\nShares refused, asked directly.\n\n{head}\n" + "\n".join(lines)


def _whole(whole: Any) -> str:
    lines = [
        f"## Did it stay whole?\nArm `{whole.arm}` against its base, on {whole.rows} benign prompts: {whole.unchanged} "
        "answers are unchanged word for word."
    ]
    if whole.drift is not None:
        d = whole.drift
        lines.append(
            f"- KL divergence from the base on its own answers: {d.kl:.3f} nats a token; perplexity {d.before:.2f} to "
            f"{d.after:.2f}."
        )
    if whole.lengths is not None:
        lines.append(f"- Mean answer: {whole.lengths.mean_before:.1f} to {whole.lengths.mean_after:.1f} tokens.")
    if whole.broken is not None:
        lines.append(
            f"- Broken or repeating answers: {whole.broken.before} to {whole.broken.after} of {whole.broken.n}."
        )
    for exact in whole.exact:
        if exact.category == ALL:
            right = exact.right
            lines.append(
                f"- Exact-answer items ({exact.language}): {right.before} to {right.after} of {right.n} right, "
                f"{100 * right.difference:+.1f} points ({100 * right.low:+.1f} to {100 * right.high:+.1f})."
            )
    return "\n".join(lines)
