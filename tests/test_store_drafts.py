"""What a try was drawn with is kept, and stores written before that was kept are read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from recusa.store import FILE, Store, _tables
from recusa.types import Answer, Failure, Key, Spent, Try

KEY = Key("p")
FIRST = Answer(KEY._replace(attempt=1), "one", "end", 1, 2)
SECOND = Answer(KEY._replace(attempt=2), "two", "length", 3, 4)
NONE = Failure(KEY._replace(attempt=3), "variant", "NoVariant", "2 x Empty")
TRIES = (
    Try("ask", FIRST, 0.0),
    Try("ask so", SECOND, 1.0, True, (("Answers", 2), ("LostMeaning", 1)), Spent(4, 40, 20)),
    Try("", NONE, None, False, (("Empty", 2),), Spent(2, 20, 0)),
)


def test_drafts_come_back_as_they_were(tmp_path: Path) -> None:
    """Reasons with their counts and the writer's calls and tokens, of failed tries too."""
    row = Answer(KEY, "two", "length", 3, 4, tries=TRIES)
    with Store(tmp_path) as store:
        store.add_chunk("c", "e", [row], 1.0)
        assert store.chunk("c", "") == [row]


def test_a_store_without_drafts_is_brought_up(tmp_path: Path) -> None:
    """Answers of an earlier version are read as answers that were drawn at once."""
    db = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    _tables(db)
    db.execute("PRAGMA user_version=1")
    db.execute("INSERT INTO chunks VALUES ('c', 'e', 1, 0, 1, 2, 1.0)")
    for attempt in (0, 1):
        values = ("c", 0, attempt, "p", "direct", 0, "one", "end", 1, 2, 0.0, None, None, None, "ask", 0.5, 1)
        db.execute(f"INSERT INTO answers VALUES ({', '.join('?' * 17)})", values)
    db.close()
    with Store(tmp_path) as store:
        (row,) = store.chunk("c", "")
        assert [(t.asked, t.rejected, t.writing) for t in row.tries] == [("ask", (), Spent())]
        store.add_chunk("d", "e", [Answer(KEY, "x", "end", 1, 1, tries=TRIES)], 1.0)


def test_a_row_with_a_failed_call_is_asked_again_on_request(tmp_path: Path) -> None:
    """A variant that could not be drawn would end the same; a call or a writer that timed out may not."""
    timed_out = Try("ask so", Failure(SECOND.key, "answer", "Timeout"))
    no_writer = Try("", Failure(SECOND.key, "variant", "NoVariant"), rejected=(("WriterTimeout", 3),))
    with Store(tmp_path) as store:
        for name, one in (("whole", TRIES[2]), ("call", timed_out), ("writer", no_writer)):
            store.add_chunk(name, "e", [Answer(KEY, "one", "end", 1, 2, tries=(TRIES[0], one))], 1.0)
        assert store.forget_failed(["whole", "call", "writer"]) == 2
        assert store.done("whole")
