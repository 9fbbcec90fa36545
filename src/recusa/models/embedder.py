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
