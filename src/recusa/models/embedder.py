"""Sentence embeddings: all-MiniLM-L6-v2, loaded once per process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from recusa.errors import MissingPackage
from recusa.models.weights import folder_digest, locate, quiet_transformers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MODEL = "minilm-l6-v2"


def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Unit vectors of shape (n, 384), float32, one a text.

    Model: Wang et al. 2020, MiniLM; trained as Reimers and Gurevych 2019, Sentence-BERT.
    """
    import numpy as np

    if not texts:
        return np.zeros((0, 384), dtype=np.float32)
    vectors = _encoder().encode(list(texts), batch_size=64, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(vectors, dtype=np.float32)


def embed_in_place(texts: Sequence[str], spans: Sequence[tuple[int, int]]) -> npt.NDArray[np.float32]:
    """What a stretch of each text means where it stands: the mean of its tokens' last states, unit vectors (n, 384).

    `spans` are first and last-plus-one characters; one beyond the 256 tokens the model reads is an error.
    """
    import numpy as np
    import torch

    module, found = _encoder()[0], []
    for start in range(0, len(texts), 64):
        batch = module.tokenizer(
            list(texts[start : start + 64]), padding=True, truncation=True, max_length=256,
            return_offsets_mapping=True, return_tensors="pt",
        )  # fmt: skip
        places = batch.pop("offset_mapping").tolist()
        with torch.inference_mode():
            states = module.auto_model(**batch).last_hidden_state
        for row, (first, last) in enumerate(spans[start : start + 64]):
            tokens = [t for t, (begin, end) in enumerate(places[row]) if begin < last and end > first]
            found.append(states[row, tokens].mean(0).float().numpy())
    vectors = np.asarray(found, dtype=np.float32).reshape(len(texts), -1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


@cache
def common_words() -> frozenset[str]:
    """Words the embedding model has a token of their own for: the 20,000 or so that English texts use most."""
    return frozenset(word for word in _encoder()[0].tokenizer.get_vocab() if len(word) > 2 and word.isalpha())


def embedder_digest() -> str:
    """Digest of the embedding model's files."""
    return folder_digest(locate(MODEL).folder)


@cache
def _encoder() -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise MissingPackage(
            "sentence embeddings need a package that is not installed: `sentence-transformers`",
            "pip install 'recusa[local]'",
        ) from None
    with quiet_transformers():
        return SentenceTransformer(str(locate(MODEL).folder), device="cpu")
