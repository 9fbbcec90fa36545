"""Which device and which number format: chosen, or decided once by measuring and remembered."""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING, Literal

from recusa.errors import ConfigError
from recusa.models.cache import remember, remembered

if TYPE_CHECKING:
    import torch

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Device = Literal["auto", "cuda", "mps", "cpu"]


def pick_device(wanted: Device) -> str:
    """The device to run on: CUDA, then MPS, then CPU, unless one is named."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, present in there.items() if present)
    if not there[wanted]:
        raise ConfigError(
            f"device `{wanted}` is not there", f"devices here: {', '.join(n for n, p in there.items() if p)}"
        )
    return wanted


def pick_dtype(wanted: Dtype, device: str) -> str:
    """The number format to compute in, by name; `auto` takes bfloat16 where the machine multiplies it faster."""
    if wanted != "auto":
        return wanted
    if device == "cuda":
        import torch

        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    if device == "mps":
        return "float32"
    rates = matrix_rates()
    return "bfloat16" if rates["bfloat16"] > 1.2 * rates["float32"] else "float32"


def matrix_rates() -> dict[str, float]:
    """GFLOP/s of a square product on the CPU, per number format; measured once per machine and torch."""
    import torch

    key = f"{_processor()}|{torch.get_num_threads()} threads|torch {torch.__version__}"
    known = remembered("machine.json").get(key)
    if isinstance(known, dict) and {"float32", "bfloat16"} <= known.keys():
        return {name: float(rate) for name, rate in known.items()}
    rates = {name: _measure(getattr(torch, name)) for name in ("float32", "bfloat16")}
    remember("machine.json", key, rates)
    return rates


def _measure(dtype: torch.dtype, size: int = 768, rounds: int = 5) -> float:
    import torch

    left, right = torch.ones(size, size, dtype=dtype), torch.ones(size, size, dtype=dtype)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - start)
    return round(2 * size**3 / best / 1e9, 1)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - a kernel file, not a path of ours
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def environment() -> dict[str, object]:
    """What a run was made on: versions, threads and machine; recorded, never part of a fingerprint."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for package in ("recusa", "torch", "transformers", "peft", "sentence-transformers", "numpy", "scipy"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "packages": versions,
    }
