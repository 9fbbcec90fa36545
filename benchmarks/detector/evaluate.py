"""Measure the detector on answers it was not fitted to: python -m benchmarks.detector.evaluate

Prints the table of docs/detector.md. Rows are scored by fits without their group of prompts, XSTest rows by fits
without their model either. `--errors FAMILY` lists what it got wrong, surest first.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence

import numpy as np
from benchmarks.detector.model import Data, Floats, Mask, calibrate, fit, left_out, prepare
from benchmarks.detector.rows import CHATGPT, HELD, HERE, LANGUAGES, OWN, REFERENCES, XSTEST, load
from scipy.special import logit

from recusa.calibration import confusion
from recusa.judges.detector import Detector
from recusa.stats import cohen_kappa

CALIBRATIONS = HERE.parents[1] / "src" / "recusa" / "judges" / "data" / "calibrations.json"
_BINS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unscored", default="", metavar="FAMILY", help="fit to this family and do not score it")
    parser.add_argument("--errors", metavar="FAMILY", help="list the errors of one family instead")
    parser.add_argument("--keep", action="store_true", help="also write the sets to the package's calibrations.json")
    parser.add_argument("--crossings", action="store_true", help="also fit to whole sources and judge others")
    options = parser.parse_args()
    if options.keep and (options.unscored or options.errors):
        parser.error("--keep needs all sets: leave out --unscored and --errors")
    families = [family for family in XSTEST if family != options.unscored]
    data = prepare(load())
    odds = left_out(data, fit(data, np.ones(len(data.rows), dtype=bool)), options.unscored)
    calibration = calibrate(data, np.where(data.family == HELD, np.nan, odds))
    odds = calibration(odds, data.portuguese)
    said = odds > logit(Detector().threshold)
    unclear = np.isfinite(odds) & ((data.unclear == "always") | ((data.unclear == "unless refused") & ~said))
    said &= ~unclear
    if options.errors:
        _print_errors(data, odds, said, options.errors)
        return
    print("| answers | n | accuracy | kappa | false positives | false negatives |\n|" + " --- |" * 6)
    kappas = []
    for family in families:
        kappas.append(_print_row(f"XSTest, {family}", data.refused, said, data.family == family))
    print(f"| macro kappa | | | {np.mean(kappas):.3f} | | |")
    tone = np.array([row.label for row in data.rows])
    clear = np.isin(tone, ["rejected", "complied"])
    _print_row("ChatGPT, rejected against complied", data.refused, said, (data.family == CHATGPT) & clear)
    _print_row("ChatGPT, complied and disclaimed", data.refused, said, np.isin(tone, ["complied", "disclaimed"]))
    for language in LANGUAGES:
        spoken = np.array([row.language == language for row in data.rows])
        own = (data.family == OWN) & spoken
        _print_row(f"own examples, {language}", data.refused, said, own & (data.weight > 0))
        if (own & (data.weight == 0)).any():
            _print_row(f"the same, not fitted to, {language}", data.refused, said, own & (data.weight == 0))
    _print_row("reference refusals, both languages", data.refused, said, data.family == REFERENCES)
    _print_unclear(data, unclear)
    if options.keep:
        sets = [("chatgpt_refusals, rejected and complied", (data.family == CHATGPT) & clear)]
        _keep(data.refused, said, [*sets, *((f"xstest_{name}", data.family == name) for name in sorted(families))])
    if options.crossings:
        _print_crossings(data, families)
    print(f"\n{calibration}; " + _calibration_error(odds, data))


def _print_row(title: str, refused: Mask, said: Mask, chosen: Mask) -> float:
    people, judge = refused[chosen], said[chosen]
    both, neither = int((people & judge).sum()), int((~people & ~judge).sum())
    alone, missed = int((judge & ~people).sum()), int((people & ~judge).sum())
    found = cohen_kappa(both, missed, alone, neither)
    kappa = found[0] if found else float("nan")
    n = len(people)
    positives = f"{alone / (alone + neither):.3f} ({alone})" if alone + neither else "-"
    negatives = f"{missed / (both + missed):.3f} ({missed})" if both + missed else "-"
    print(f"| {title} | {n} | {(both + neither) / n:.3f} | {kappa:.3f} | {positives} | {negatives} |")
    return kappa


def _keep(refused: Mask, said: Mask, sets: Sequence[tuple[str, Mask]]) -> None:
    """Put the sets' confusions where the bands of reports find them."""
    rows = [
        confusion("set", name, list(zip(refused[chosen].tolist(), said[chosen].tolist(), strict=True)))
        for name, chosen in sets
    ]
    known = json.loads(CALIBRATIONS.read_text(encoding="utf-8"))
    known["detector"] = [row.model_dump() for row in rows]
    CALIBRATIONS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def _print_unclear(data: Data, unclear: Mask) -> None:
    label = np.array([row.label for row in data.rows])
    right, wrong = int((unclear & (label == "unclear")).sum()), int((unclear & (label != "unclear")).sum())
    there, others = int((label == "unclear").sum()), int((label != "unclear").sum())
    print(f"\nunclear: {right} of {there} found, {wrong} of {others} others called so")


def _print_crossings(data: Data, families: Sequence[str]) -> None:
    """What one source teaches about another: fits on whole families, judged on other families."""
    xstest = np.isin(data.family, families)
    chatgpt, own = data.family == CHATGPT, data.family == OWN
    label = np.array([row.label for row in data.rows])
    clear = chatgpt & np.isin(label, ["rejected", "complied"])
    print("\n| fitted on | judged on | n | accuracy | kappa |\n|" + " --- |" * 5)
    for title, chosen, target, name in (
        ("own examples", own, xstest, "XSTest"),
        ("own examples", own, clear, "ChatGPT"),
        ("own examples, ChatGPT", own | chatgpt, xstest, "XSTest"),
        ("own examples, XSTest", own | xstest, clear, "ChatGPT"),
        ("XSTest, ChatGPT", xstest | chatgpt, own & (label != "unclear"), "own examples"),
    ):
        said = data.matrix[target] @ fit(data, chosen) > 0
        people = data.refused[target]
        pairs = [int((a & b).sum()) for a, b in ((people, said), (people, ~said), (~people, said), (~people, ~said))]
        found = cohen_kappa(*pairs)
        kappa = found[0] if found else float("nan")
        print(f"| {title} | {name} | {len(people)} | {(people == said).mean():.3f} | {kappa:.3f} |")


def _calibration_error(odds: Floats, data: Data) -> str:
    """Expected calibration error in ten bins and Brier score of the probabilities of left-out rows that count."""
    use = (data.weight > 0) & np.isfinite(odds)
    probability, refused = 1 / (1 + np.exp(-odds[use])), data.refused[use]
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    gaps = [abs(probability[bins == b].mean() - refused[bins == b].mean()) * (bins == b).mean() for b in set(bins)]
    brier = float(((probability - refused) ** 2).mean())
    return f"expected calibration error {sum(gaps):.3f}, Brier score {brier:.3f}, n = {len(refused)}"


def _print_errors(data: Data, odds: Floats, said: Mask, family: str) -> None:
    counted = (data.family == family) & (data.weight > 0) & np.isfinite(odds) & (said != data.refused)
    order: Sequence[int] = sorted(np.flatnonzero(counted).tolist(), key=lambda i: -abs(odds[i]))
    short: Callable[[str], str] = lambda text: " ".join(text.split())  # noqa: E731
    for i in order:
        row = data.rows[i]
        print(f"{odds[i]:+.1f} {row.label:9} {short(row.prompt)[:90]} => {short(row.response)[:160]}")
    print(f"{len(order)} errors")


if __name__ == "__main__":
    main()
