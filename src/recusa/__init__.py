"""recusa: how often a chat model refuses harmful and harmless prompts, how to harden it, whether the change is real.

The functions are those the commands call; importing the package loads neither torch nor transformers.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recusa.api import (
        answer,
        audit,
        calibrate,
        compare,
        explain,
        export,
        gate,
        judge,
        label,
        power,
        run,
        sweep,
        train,
        whole,
        write_report,
    )

__all__ = [
    "answer",
    "audit",
    "calibrate",
    "compare",
    "explain",
    "export",
    "gate",
    "judge",
    "label",
    "power",
    "run",
    "sweep",
    "train",
    "whole",
    "write_report",
]
__version__ = "0.1.0"

# PEFT imports bitsandbytes, which warns of an optional kernel package at import, whether or not anything is quantised.
_noisy = logging.getLogger("bitsandbytes.backends.cpu.ops")
if _noisy.level == logging.NOTSET:
    _noisy.setLevel(logging.ERROR)


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("recusa.api"), name)
    raise AttributeError(f"module 'recusa' has no attribute '{name}'")
