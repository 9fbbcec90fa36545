"""Judging in several processes: a judge in pure Python keeps one core busy, and one that only reads can be copied."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from recusa.registry import build
from recusa.types import Exchange, Key, Verdict

EACH = 2_500  # exchanges for which a process is worth its start, about half a second
MOST = 8  # processes; more have too little of each group to judge
# The paths of this process and none before them: with `-m`, a file in the working folder could stand in for a module.
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from recusa.jobs.crew import work; work()"


def helpers_for(judge: Any, count: int) -> int:
    """How many further processes pay for so many exchanges; none for a judge that does not say that it `spreads`."""
    if not vars(type(judge)).get("spreads"):  # not inherited: a subclass may know what a copy would not
        return 0
    if not sys.executable or getattr(sys, "frozen", False):
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(0, min(cores, count // EACH, MOST) - 1)


class Helper:
    """A copy of a judge in a process of its own; one that died, or said what no copy says, is asked no more."""

    def __init__(self, judge: Any) -> None:
        """Raises OSError where no process can be started."""
        self._fingerprint, self._greeted, self.lost = judge.fingerprint(), False, False
        # A session of its own: an interrupt from the keyboard reaches this process alone. Not multiprocessing, which
        # would run a caller's script once more where that has no main guard.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, *map(os.path.abspath, filter(None, sys.path))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.give({"name": judge.name, **judge.model_dump(mode="json")})

    def give(self, said: Any) -> None:
        """Send it something; waits while the pipe is full, for its start as well."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(said).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            self.stop()

    def take(self, share: Sequence[Exchange]) -> list[Verdict] | None:
        """Its verdicts on a share that it was given, None where it is lost."""
        assert self._process.stdout is not None
        try:
            if not self._greeted and json.loads(self._process.stdout.readline()) != self._fingerprint:
                raise ValueError("a copy of another judge")
            self._greeted = True
            found = json.loads(self._process.stdout.readline())
            return [Verdict(**{**said, "key": one.key}) for one, said in zip(share, found, strict=True)]
        except (OSError, ValueError, TypeError):
            self.stop()
            return None

    def stop(self) -> None:
        """End its process."""
        self.lost = True
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was not sent to it any more
                pipe.close()
        self._process.wait()


class Crew:
    """A judge with helpers, each of which judges its share of what is asked; what a lost one had is judged here."""

    def __init__(self, judge: Any, helpers: int) -> None:
        self._judge, self._count = judge, helpers
        self.helpers: list[Helper] = []

    def __enter__(self) -> Self:
        with suppress(OSError):  # where no process can be started there are fewer, or none
            while len(self.helpers) < self._count:
                self.helpers.append(Helper(self._judge))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for helper in self.helpers:
            helper.stop()

    def judge(self, exchanges: Sequence[Exchange]) -> list[Verdict]:
        """One verdict per exchange, in another order than theirs."""
        able = [helper for helper in self.helpers if not helper.lost]
        own, *shares = (exchanges[place :: 1 + len(able)] for place in range(1 + len(able)))
        for helper, share in zip(able, shares, strict=True):
            helper.give([(one.prompt, one.response, one.stop) for one in share])
        found = list(self._judge.judge(own))
        for helper, share in zip(able, shares, strict=True):
            said = helper.take(share)
            found += self._judge.judge(share) if said is None else said
        return found


def work() -> None:
    """Judge what comes in until nothing more does: what a helper does."""
    own = os.dup(1)
    os.dup2(2, 1)  # what a module prints is no verdict
    with os.fdopen(0, "rb") as given, os.fdopen(own, "wb") as out:
        judge = build("judges", json.loads(given.readline()))
        out.write(json.dumps(judge.fingerprint()).encode() + b"\n")
        for line in given:
            asked = [Exchange(Key(str(place)), *said) for place, said in enumerate(json.loads(line))]
            found = {result.key.prompt_id: asdict(result) for result in judge.judge(asked)}
            out.write(json.dumps([found[one.key.prompt_id] for one in asked]).encode() + b"\n")
            out.flush()
