"""The store: what goes in comes out, all of it or nothing, and one process at a time holds a folder."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recusa import store as module
from recusa.errors import Busy, StoreError
from recusa.store import FILE, Store, exchange_id, held
from recusa.types import Answer, Exchange, Failure, Key, Try, Verdict

HOLD = """
import sys, time
from pathlib import Path
from recusa.store import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def answer(name: str, text: str = "an answer", tokens: int = 3) -> Answer:
    return Answer(Key(name, arm="a"), text, "end", 5, tokens, 0.25)


def failure(name: str) -> Failure:
    return Failure(Key(name, arm="a"), "answer", "Timeout", "gave up")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store(tmp_path) as opened:
        yield opened


def test_a_chunk_comes_back_as_it_was(tmp_path: Path) -> None:
    """Answers, tries, scores and failures survive closing, in order, under the arm that asks."""
    key = Key("p2", "direct", "a", 1)
    tries = (
        Try("asked", Answer(key._replace(attempt=1), "no\x00 é 😀", "end", 1, 2, 0.5), 0.125, True),
        Try("", Failure(key._replace(attempt=2), "variant", "NoVariant", "nothing new")),
        Try("asked so", Answer(key._replace(attempt=3), "", "length", 4, 64), 0.0),
    )
    rows: list[Answer | Failure] = [answer("p1"), Answer(key, "no", "end", 1, 2, 0.5, tries), failure("p3")]
    with Store(tmp_path) as store:
        assert not store.done("c")
        store.add_chunk("c", "engine", rows, 1.5)
        assert store.chunk("c", "a") == rows
    with Store(tmp_path) as store:
        assert store.done("c")
        assert store.chunk("c", "a") == rows
        renamed = store.chunk("c", "b")
    assert {result.key.arm for result in renamed} == {"b"}
    assert isinstance(renamed[1], Answer)
    assert [t.result.key for t in renamed[1].tries] == [Key("p2", "direct", "b", 1, n) for n in (1, 2, 3)]


def test_an_unknown_chunk_is_not_done_and_empty(store: Store) -> None:
    """Asking for what is not there is no error."""
    assert (store.done("x"), store.chunk("x", "a"), store.seconds(["x"]), store.speed("e")) == (False, [], 0, None)


def test_a_chunk_answered_again_replaces_the_old_one(store: Store) -> None:
    """Nothing of the first answers stays behind, however many rows they had."""
    store.add_chunk("c", "engine", [answer("p1"), answer("p2")], 2.0)
    store.add_chunk("c", "engine", [answer("p1", "new")], 1.0)
    assert store.chunk("c", "a") == [answer("p1", "new")]
    assert store.seconds(["c"]) == 1.0


def test_only_chunks_with_failed_rows_are_forgotten(store: Store) -> None:
    """Of the chunks named, the one with a failed row goes, rows and all; others stay."""
    store.add_chunk("whole", "engine", [answer("p1")], 1.0)
    store.add_chunk("broken", "engine", [answer("p2"), failure("p3")], 1.0)
    store.add_chunk("other", "engine", [failure("p4")], 1.0)
    assert store.forget_failed(["whole", "broken", "absent"]) == 1
    assert [store.done(name) for name in ("whole", "broken", "other")] == [True, False, True]
    assert store.chunk("broken", "a") == []


def test_speed_and_seconds_are_sums(store: Store) -> None:
    """Tokens and seconds of an engine's chunks, and of no other's, failed rows counting nothing."""
    store.add_chunk("c1", "engine", [answer("p1", tokens=10), failure("p2")], 2.0)
    store.add_chunk("c2", "engine", [answer("p3", tokens=5)], 1.0)
    store.add_chunk("c3", "other", [answer("p4", tokens=7)], 4.0)
    assert store.speed("engine") == (15, 3.0)
    assert store.seconds(["c1", "c3", "absent"]) == 6.0


def test_a_verdict_is_reused_wherever_the_same_was_said(store: Store) -> None:
    """Another arm with the same words gets it under its own key; other words, stops or judges do not."""
    heard = Exchange(Key("p", arm="a"), "prompt", "no")
    store.add_verdicts("judge-1", "strict", [(heard, Verdict(heard.key, "strict", "refused", None, 0.9, "why"))])
    key = Key("p", arm="b", sample=2)
    same = Exchange(key, "prompt", "no")
    assert store.verdicts("judge-1", [same]) == {key: Verdict(key, "strict", "refused", None, 0.9, "why")}
    assert store.verdicts("judge-2", [same]) == {}
    others = [Exchange(key, "prompt", "yes"), Exchange(key, "other", "no"), Exchange(key, "prompt", "no", "length")]
    assert store.verdicts("judge-1", others) == {}


def test_failed_and_harm_verdicts_come_back_as_they_were(store: Store) -> None:
    """A failure stays a failure, and a harm judge's verdict keeps its own field."""
    one, two = (Exchange(Key(name), "prompt", name) for name in ("p1", "p2"))
    said: list[tuple[Exchange, Verdict | Failure]] = [
        (one, Failure(one.key, "judge", "UnreadableReply", "??")),
        (two, Verdict(two.key, "harm", harm="safe")),
    ]
    store.add_verdicts("judge", "harm", said)
    assert store.verdicts("judge", [two, one]) == {exchange.key: result for exchange, result in said}


def test_exchanges_are_told_apart_by_where_the_texts_part() -> None:
    """Prompt and answer are not run together."""
    assert exchange_id(Exchange(Key("p"), "ab", "c")) != exchange_id(Exchange(Key("p"), "a", "bc"))


def test_a_crash_inside_a_write_leaves_nothing(store: Store) -> None:
    """When the last row of a chunk cannot be written, no row is kept, and the store goes on."""
    bad = Answer(Key("p2"), "text", "end", 1, 1, seconds=object())  # type: ignore[arg-type]
    with pytest.raises((sqlite3.Error, StoreError)):
        store.add_chunk("c", "engine", [answer("p1"), bad], 1.0)
    assert (store.done("c"), store.chunk("c", "a")) == (False, [])
    heard = Exchange(Key("p"), "prompt", "no")
    bad_verdict = Verdict(heard.key, "j", "refused", score=object())  # type: ignore[arg-type]
    with pytest.raises((sqlite3.Error, StoreError)):
        store.add_verdicts("j", "j", [(heard, Verdict(heard.key, "j", "refused")), (heard, bad_verdict)])
    assert store.verdicts("j", [heard]) == {}
    store.add_chunk("c", "engine", [answer("p1")], 1.0)
    assert store.done("c")


def test_an_interrupt_inside_a_transaction_leaves_nothing(store: Store) -> None:
    """Ctrl-C between two rows rolls the first one back."""
    with pytest.raises(KeyboardInterrupt), store._transaction() as db:
        db.execute("INSERT INTO chunks VALUES ('c', 'e', 1, 0, 1, 1, 1.0)")
        raise KeyboardInterrupt
    assert not store.done("c")


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    """A foreign file is never overwritten by an empty store, and the message names it."""
    (tmp_path / FILE).write_text("not a database, but somebody's notes " * 100)
    with pytest.raises(StoreError, match=FILE) as caught:
        Store(tmp_path)
    assert "--workspace" in caught.value.hint
    assert (tmp_path / FILE).read_text().startswith("not a database")


def test_damaged_pages_are_a_store_error(tmp_path: Path) -> None:
    """A file whose header is whole but whose rows are not is reported, whichever call meets the damage."""
    with Store(tmp_path) as store:
        store.add_chunk("c", "engine", [answer(f"p{i}", "x" * 500) for i in range(200)], 1.0)
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:8192] + bytes(byte ^ 0x5A for byte in whole[8192:]))
    with pytest.raises(StoreError, match=FILE), Store(tmp_path) as store:
        store.chunk("c", "a")


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    """What a newer version wrote is neither read nor changed."""
    Store(tmp_path).__exit__(None, None, None)
    db = sqlite3.connect(tmp_path / FILE)
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(StoreError, match="newer recusa"):
        Store(tmp_path)


def test_each_migration_is_applied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new function at the end runs on old files too, never twice, and old rows stay."""
    with Store(tmp_path) as store:
        store.add_chunk("c", "engine", [answer("p1")], 1.0)
    applied = []

    def add_table(db: sqlite3.Connection) -> None:
        applied.append("once")
        db.execute("CREATE TABLE more (id TEXT)")

    monkeypatch.setattr(module, "MIGRATIONS", (*module.MIGRATIONS, add_table))
    for _ in range(2):
        with Store(tmp_path) as store:
            assert store.chunk("c", "a") == [answer("p1")]
    assert applied == ["once"]


def test_a_migration_that_was_cut_short_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies after making the tables but before noting it leaves a file that opens."""

    def killed(db: sqlite3.Connection) -> None:
        module._tables(db)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "MIGRATIONS", (killed,))
        with pytest.raises(KeyboardInterrupt):
            Store(tmp_path)
    with Store(tmp_path) as store:
        store.add_chunk("c", "engine", [answer("p1")], 1.0)
        assert store.done("c")


def test_two_processes_write_to_one_store(tmp_path: Path) -> None:
    """Experiments that share a workspace see each other's chunks."""
    with Store(tmp_path) as one, Store(tmp_path) as other:
        one.add_chunk("c1", "engine", [answer("p1")], 1.0)
        other.add_chunk("c2", "engine", [answer("p2")], 1.0)
        assert one.done("c2")
        assert other.done("c1")


def test_a_held_folder_is_busy_until_its_holder_is_killed(tmp_path: Path) -> None:
    """A second process is refused with advice; the kernel frees the folder when the first is killed."""
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(Busy, match="another run is at work") as caught, held(tmp_path):
                pass
            assert caught.value.hint
        finally:
            holder.kill()
    with held(tmp_path):
        pass


def test_a_folder_is_free_after_an_error(tmp_path: Path) -> None:
    """An exception lets go of the folder, and holding makes the folder."""
    folder = tmp_path / "new" / "folder"
    with pytest.raises(ValueError, match="oops"), held(folder):
        raise ValueError("oops")
    with held(folder), pytest.raises(Busy), held(folder):
        pass
