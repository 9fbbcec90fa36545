"""Sentence vectors kept on disk, so that no text is embedded twice on one machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

from recusa.models.cache import cache_dir
from recusa.models.encoders import Encoder, encode, encoder_digest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TOGETHER = 2048  # texts embedded before their vectors are kept: a killed run loses no more
WAIT = 60.0  # seconds for another process that writes


def kept_vectors(texts: Sequence[str], encoder: Encoder) -> npt.NDArray[np.float32]:
    """Unit vectors, one a text as `encode` makes them, made only where no earlier call did.

    They are kept in half precision in the user's cache, in one file per embedding model, and rounded alike when they
    are new: what is computed from them does not depend on what was there before.
    """
    import numpy as np

    keys = [sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    folder = cache_dir() / "vectors"
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / f"{encoder_digest(encoder)}.sqlite", timeout=WAIT)) as kept:
        kept.execute("create table if not exists vectors (key blob primary key, vector blob) without rowid")
        known = dict(_read(kept, keys))
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        order = sorted(missing, key=lambda key: (len(missing[key]), key))
        for start in range(0, len(order), TOGETHER):
            some = order[start : start + TOGETHER]
            rounded = encode(encoder, [missing[key] for key in some]).astype(np.float16)
            rows = [(key, vector.tobytes()) for key, vector in zip(some, rounded, strict=True)]
            known.update(rows)
            with kept:
                kept.executemany("insert or ignore into vectors values (?, ?)", rows)
    if not texts:
        return encode(encoder, [])
    vectors = np.stack([np.frombuffer(known[key], dtype=np.float16) for key in keys]).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def _read(kept: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for start in range(0, len(keys), 500):
        some = keys[start : start + 500]
        places = ", ".join("?" * len(some))
        yield from kept.execute(f"select key, vector from vectors where key in ({places})", some)
