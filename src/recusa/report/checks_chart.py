"""What a model refused of held-out prompts while it was trained."""

from __future__ import annotations

from recusa.choosing import Choosing, Tallies
from recusa.report.layout import QUARTERS, Axis, Frame, percent_ticks
from recusa.report.svg import WIDTH, Canvas, Figure
from recusa.results import Training
from recusa.types import KINDS

TOP, TALL, RIGHT = 14.0, 150.0, 96.0
APART = 13.0  # least distance of two labels


def checks(training: Training, number: int, frame: Frame) -> Figure | None:
    """Refused of each kind from check to check, with the kept step; None for a training without checks."""
    choosing = training.choosing
    if choosing is None:
        return None
    canvas = Canvas()
    last = max(check.step for check in choosing.checks)
    across, up = Axis(44, WIDTH - RIGHT, 0, max(1, last)), Axis(TOP + TALL, TOP)
    for tick, label in percent_ticks(QUARTERS):
        canvas.line(across.left, up.at(tick), across.right, up.at(tick), "grid")
        canvas.text(38, up.at(tick) + 4, label, "small soft", "end")
    canvas.line(across.at(choosing.kept), TOP, across.at(choosing.kept), TOP + TALL, "guide")
    ends: list[tuple[float, str]] = []
    for kind in _kinds(choosing):
        points = [
            (across.at(check.step), up.at(float(tally.share)))
            for check in choosing.checks
            if (tally := check.tallies.get(kind)) and tally.n
        ]
        canvas.path(points, f"line-{kind}")
        for point in points:
            canvas.marker(kind, *point, f"mark-{kind}", 3)
        ends.append((points[-1][1], kind))
    lowest = 0.0
    for y, kind in sorted(ends):
        lowest = max(y + 4, lowest + APART)
        canvas.text(across.right + 10, lowest, frame.kind(kind), "small")
    for step in sorted({0, choosing.kept, last}):
        anchor = "start" if step == 0 else "end" if step == last else "middle"
        crowded = step == choosing.kept and step != last and across.at(last) - across.at(step) < 80
        if not crowded and (step in (0, last) or across.at(step) > 130):
            text = frame.say("step", step=frame.locale.number(step))
            canvas.text(across.at(step), TOP + TALL + 16, text, "small soft", anchor)  # type: ignore[arg-type]
    title = frame.say("figure_checks_title", arm=training.arm)
    counts = frame.locale.listed(
        f"{frame.locale.number(choosing.checks[0].tallies[kind].n)} {frame.kind(kind)}" for kind in _kinds(choosing)
    )
    told = "; ".join(
        frame.say("described_check", step=check.step, rates=_rates(check.tallies, frame)) for check in choosing.checks
    )
    return Figure(
        name=f"checks-{number}",
        title=title,
        note=frame.say("figure_checks_note", counts=counts, tokens=choosing.tokens, by=choosing.judge),
        description=f"{title}. {told}.",
        height=TOP + TALL + 22,
        body="".join(canvas.parts),
        columns=("arm", "step", "kind", "refused", "n", "failed", "kept"),
        rows=tuple(
            (training.arm, check.step, kind, tally.refused, tally.n, tally.failed, check.step == choosing.kept)
            for check in choosing.checks
            for kind, tally in check.tallies.items()
        ),
    )


def _kinds(choosing: Choosing) -> list[str]:
    known = choosing.checks[0].tallies
    return [kind for kind in KINDS if kind in known and all(c.tallies[kind].n for c in choosing.checks)]


def _rates(tallies: Tallies, frame: Frame) -> str:
    return ", ".join(f"{frame.kind(kind)} {tally.refused}/{tally.n}" for kind, tally in tallies.items())
