"""How prompts are cut into chunks that are answered and kept together."""

from __future__ import annotations

import pytest

from recusa.jobs.answer import chunks_of
from recusa.types import Chat, Key, Message


@pytest.mark.parametrize(
    ("count", "size", "sizes"),
    [(0, 4, []), (1, 4, [1]), (4, 4, [4]), (5, 4, [2, 3]), (9, 4, [3, 3, 3]), (260, 128, [86, 87, 87])],
)
def test_chunks_are_few_and_even(count: int, size: int, sizes: list[int]) -> None:
    """No chunk is left with a handful, each prompt is in one, the longest come first, in whatever order given."""
    chats = [Chat(Key(f"{n:03}"), (Message("user", "bread " * (n % 7)),)) for n in range(count)]
    chunks = chunks_of(chats, size)
    assert [len(chunk) for chunk in chunks] == sizes
    flat = [chat for chunk in chunks for chat in chunk]
    assert sorted(chat.key for chat in flat) == [chat.key for chat in chats]
    lengths = [len(chat.question) for chat in flat]
    assert lengths == sorted(lengths, reverse=True)
    assert chunks_of(chats[::-1], size) == chunks
