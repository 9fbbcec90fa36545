"""The workspace's store: every finished chunk of answers and verdicts, in SQLite, safe the moment it ends."""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from recusa.component import digest
from recusa.errors import Busy, StoreError
from recusa.types import Answer, Exchange, Failure, Key, Spent, Try, Verdict

FILE = "store.sqlite"
TOGETHER = 500  # verdicts that are looked up in one query


def _tables(db: sqlite3.Connection) -> None:
    """Statement by statement: `executescript` would end the transaction first."""
    for statement in (
        """
        CREATE TABLE chunks (
            id TEXT PRIMARY KEY, engine TEXT NOT NULL, rows INTEGER NOT NULL, failed INTEGER NOT NULL,
            calls INTEGER NOT NULL, tokens INTEGER NOT NULL, seconds REAL NOT NULL
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE answers (
            chunk TEXT NOT NULL REFERENCES chunks(id) ON DELETE CASCADE,
            place INTEGER NOT NULL, attempt INTEGER NOT NULL,
            prompt_id TEXT NOT NULL, attack TEXT NOT NULL, sample INTEGER NOT NULL,
            text TEXT, stop TEXT, prompt_tokens INTEGER, answer_tokens INTEGER, seconds REAL,
            stage TEXT, error TEXT, detail TEXT, asked TEXT, score REAL, chosen INTEGER,
            PRIMARY KEY (chunk, place, attempt)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE verdicts (
            judge TEXT NOT NULL, exchange TEXT NOT NULL, name TEXT NOT NULL,
            outcome TEXT, harm TEXT, score REAL, reason TEXT, error TEXT, detail TEXT,
            PRIMARY KEY (judge, exchange)
        ) WITHOUT ROWID
        """,
    ):
        db.execute(statement)


def _drafts(db: sqlite3.Connection) -> None:
    """What was rejected and what a writer was asked before a try could be made, as JSON."""
    db.execute("ALTER TABLE answers ADD COLUMN drafts TEXT")


def _prefill(db: sqlite3.Connection) -> None:
    """The start that was put into a model's mouth, as it had it."""
    db.execute("ALTER TABLE answers ADD COLUMN prefill TEXT")


# Each is applied once, in order; a change of the tables is a new function at the end.
MIGRATIONS = (_tables, _drafts, _prefill)


class Speed(NamedTuple):
    """What an engine managed so far."""

    tokens: int
    seconds: float


class Store:
    """One SQLite file in WAL mode; each write is one transaction, so a killed run finds whole chunks only."""

    def __init__(self, workspace: Path) -> None:
        make_folder(workspace, "--workspace")
        self.path = workspace / FILE
        self.workspace = workspace
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None, timeout=60)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA foreign_keys=ON")
            self._migrate()
        except sqlite3.DatabaseError as error:
            self._close()
            raise self._broken(error) from None
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        if hasattr(self, "_db"):
            self._db.close()

    def _broken(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            f"{self.path}: {error}", "move the file away to begin anew, or name another folder with --workspace"
        )

    def _read(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        try:
            return self._db.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._broken(error) from None

    def _migrate(self) -> None:
        with self._transaction() as db:
            done = int(db.execute("PRAGMA user_version").fetchone()[0])
            if done > len(MIGRATIONS):
                raise StoreError(
                    f"{self.path} was written by a newer recusa", "update recusa, or name another --workspace"
                )
            for number, migrate in enumerate(MIGRATIONS[done:], start=done + 1):
                migrate(db)
                db.execute(f"PRAGMA user_version={number}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise StoreError(
                    f"{self.path}: {error}", "make room on the disk, then run again: finished chunks are kept"
                ) from None
            if type(error) is sqlite3.DatabaseError:  # a damaged file
                raise self._broken(error) from None
            raise
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def done(self, chunk: str) -> bool:
        """Whether a chunk is finished."""
        return bool(self._read("SELECT 1 FROM chunks WHERE id = ?", (chunk,)))

    def add_chunk(self, chunk: str, engine: str, results: Sequence[Answer | Failure], seconds: float) -> None:
        """Keep the results of one chunk, with all tries, in one transaction."""
        lines = [line for place, result in enumerate(results) for line in _lines(chunk, place, result)]
        calls = sum(max(1, len(r.tries)) for r in results)
        tokens = sum(r.answer_tokens for r in results if isinstance(r, Answer))
        failed = sum(_failed(r) for r in results)
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)",
                (chunk, engine, len(results), failed, calls, tokens, seconds),
            )
            db.executemany(f"INSERT INTO answers VALUES ({', '.join('?' * 19)})", lines)

    def chunk(self, chunk: str, arm: str) -> list[Answer | Failure]:
        """The results of a finished chunk in their order, filed under an arm's name."""
        found = self._read("SELECT * FROM answers WHERE chunk = ? ORDER BY place, attempt", (chunk,))
        return [_result(list(lines), arm) for _, lines in groupby(found, key=itemgetter(1))]

    def forget_failed(self, chunks: Iterable[str]) -> int:
        """Drop those of the chunks in which a row failed, so that they are asked again; returns how many."""
        with self._transaction() as db:
            return sum(
                db.execute("DELETE FROM chunks WHERE id = ? AND failed > 0", (chunk,)).rowcount for chunk in chunks
            )

    def seconds(self, chunks: Iterable[str]) -> float:
        """Time the chunks took when they were answered."""
        times = (self._read("SELECT seconds FROM chunks WHERE id = ?", (chunk,)) for chunk in chunks)
        return sum(float(found[0][0]) for found in times if found)

    def speed(self, engine: str) -> Speed | None:
        """Answer tokens and seconds of all chunks of an engine; None before the first."""
        ((tokens, seconds),) = self._read("SELECT SUM(tokens), SUM(seconds) FROM chunks WHERE engine = ?", (engine,))
        return Speed(int(tokens), float(seconds)) if tokens and seconds else None

    def verdicts(self, judge: str, exchanges: Sequence[Exchange]) -> dict[Key, Verdict | Failure]:
        """What a judge has said of exchanges like these, whoever had them."""
        found: dict[Key, Verdict | Failure] = {}
        for at in range(0, len(exchanges), TOGETHER):
            some = exchanges[at : at + TOGETHER]
            ids = [exchange_id(exchange) for exchange in some]
            lines = self._read(
                "SELECT exchange, name, outcome, harm, score, reason, error, detail FROM verdicts "
                f"WHERE judge = ? AND exchange IN ({', '.join('?' * len(ids))})",
                (judge, *ids),
            )
            said = {line[0]: line[1:] for line in lines}
            found |= {e.key: _verdict(e.key, *said[known]) for e, known in zip(some, ids, strict=True) if known in said}
        return found

    def add_verdicts(self, judge: str, name: str, said: Iterable[tuple[Exchange, Verdict | Failure]]) -> None:
        """Keep verdicts under the judge's fingerprint, in one transaction."""
        lines = [
            (judge, exchange_id(exchange), name, v.outcome, v.harm, v.score, v.reason, None, None)
            if isinstance(v, Verdict)
            else (judge, exchange_id(exchange), name, None, None, None, None, v.error, v.detail)
            for exchange, v in said
        ]
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", lines)


def _verdict(key: Key, name: str, *said: Any) -> Verdict | Failure:
    error, detail = said[4:]
    return Verdict(key, name, *said[:4]) if error is None else Failure(key, "judge", error, detail)


def exchange_id(exchange: Exchange) -> str:
    """A verdict depends on what was asked and said, not on who said it."""
    return digest([exchange.prompt, exchange.response, exchange.stop])


def _lines(chunk: str, place: int, result: Answer | Failure) -> Iterator[tuple[object, ...]]:
    yield _line(chunk, place, 0, result, None)
    for attempt, tried in enumerate(result.tries, start=1):
        yield _line(chunk, place, attempt, tried.result, tried)


def _line(chunk: str, place: int, attempt: int, result: Answer | Failure, tried: Try | None) -> tuple[object, ...]:
    key = result.key
    head = (chunk, place, attempt, key.prompt_id, key.attack, key.sample)
    drafts = json.dumps([tried.rejected, tried.writing]) if tried and (tried.rejected or any(tried.writing)) else None
    tail = (tried.asked, tried.score, int(tried.chosen), drafts) if tried else (None, None, None, None)
    if isinstance(result, Failure):
        return (*head, None, None, None, None, None, result.stage, result.error, result.detail, *tail, None)
    return (
        *head,
        result.text,
        result.stop,
        result.prompt_tokens,
        result.answer_tokens,
        result.seconds,
        None,
        None,
        None,
        *tail,
        result.prefill or None,
    )


def _result(group: list[tuple[object, ...]], arm: str) -> Answer | Failure:
    first, *rest = [_read(line, arm) for line in group]
    return replace(first, tries=tuple(_try(line, tried) for line, tried in zip(group[1:], rest, strict=True)))


def _try(line: tuple[object, ...], result: Answer | Failure) -> Try:
    rejected, writing = json.loads(str(line[17])) if line[17] is not None else ((), ())
    score = None if line[15] is None else float(str(line[15]))
    return Try(str(line[14]), result, score, bool(line[16]), tuple((w, int(n)) for w, n in rejected), Spent(*writing))


def _failed(result: Answer | Failure) -> bool:
    """Whether asking again may help: the row failed, or a call on its way to the target or to a writer did."""
    return isinstance(result, Failure) or any(
        isinstance(t.result, Failure)
        and (t.result.stage != "variant" or any(reason.startswith("Writer") for reason, _ in t.rejected))
        for t in result.tries
    )


def _read(line: tuple[object, ...], arm: str) -> Answer | Failure:
    key = Key(str(line[3]), str(line[4]), arm, int(str(line[5])), int(str(line[2])))
    if line[12] is not None:
        return Failure(key, line[11], str(line[12]), str(line[13] or ""))  # type: ignore[arg-type]
    said = (str(line[6]), line[7], int(str(line[8])), int(str(line[9])), float(str(line[10])))
    return Answer(key, *said, prefill=str(line[18] or ""))  # type: ignore[arg-type]


def make_folder(folder: Path, option: str) -> None:
    """Make a folder; raises StoreError where none can be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"folder `{folder}` cannot be made: {error.strerror}", f"name another folder with {option}"
        ) from None


@contextmanager
def held(folder: Path, what: str = "run") -> Iterator[None]:
    """Hold a folder for this process; raises Busy when another has it. The kernel lets go when a process dies."""
    make_folder(folder, "--out")
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"another {what} is at work in `{folder}`", "wait for it, or name another folder with --out"
            ) from None
        yield
