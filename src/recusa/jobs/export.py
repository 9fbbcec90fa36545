"""`recusa export`: an adapter merged into its base, saved, opened again and compared with the adapter, or nothing."""

from __future__ import annotations

import gc
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from recusa.errors import ModelError, RecusaError, StoreError
from recusa.jobs.arms import chats_for
from recusa.jobs.export_card import Sample, card
from recusa.jobs.prompts import file_or_hub
from recusa.jobs.train_file import check_folder, moved_in
from recusa.judges import DEFAULT
from recusa.models.adapters import check_trained_over
from recusa.models.causal import Loaded, check_adapter, load_causal, with_adapter
from recusa.models.steering import is_steering
from recusa.models.template import prompt_ids
from recusa.models.weights import Located, folder_digest, locate, quiet_transformers
from recusa.protocols import Listener
from recusa.registry import build
from recusa.results import Results, load_results
from recusa.types import KINDS, Chat, Exchange, Key, Prompt, Sampling, Stop, Verdict

MANIFEST = "export.json"
Format = Literal["float32", "bfloat16"]
BATCH = 16
Said = dict[Key, tuple[list[int], str, Stop]]  # token ids, text, why it stopped


def export_model(
    model: str,
    adapter: Path,
    out: Path,
    listener: Listener,
    *,
    dtype: Format = "float32",
    prompts: Path | None = None,
    results: Path | None = None,
    sample: int = 24,
    tokens: int = 64,
) -> Sample:
    """Write a merged model into `out` once its answers are those of the adapter; returns how they compare.

    In float32 all answers on the sample must be equal token for token, else ModelError names a prompt and nothing is
    left; in bfloat16 those that differ are counted. Raises ModelError for a probe, which has no weights to merge.
    """
    # 1. everything that can be wrong, before anything is loaded
    check_folder(out, MANIFEST, "exported model")
    if is_steering(adapter):
        raise ModelError(
            f"`{adapter}` is a probe: it chooses when to refuse and has no weights to merge",
            "answer with it beside the model: recusa answer --adapter, or an arm's `adapter`",
        )
    check_adapter(str(adapter))
    located = locate(model)
    check_trained_over(str(adapter), folder_digest(located.folder))
    known = load_results(results) if results is not None else None
    asked = _sample(prompts, sample)
    draft = out.with_name(f"{out.name}.part")
    with _whole_or_nothing(draft):
        # 2. what the adapter says beside its base, in float32
        beside = load_causal(model, dtype="float32", adapter=str(adapter), merge=False)
        before = said(beside, asked, tokens, listener, "answer with the adapter")
        del beside
        gc.collect()
        # 3. the same weights in one model, saved and opened again as anyone would open it
        _merge(model, adapter, draft, dtype)
        merged = load_causal(str(draft), dtype=dtype)
        after = said(merged, asked, tokens, listener, "answer with the merged model")
        del merged
        gc.collect()
        # 4. the comparison, which may end it; the card; and only then the folder's name
        found = _compared(asked, before, after, tokens)
        if dtype == "float32" and found.differ:
            raise _differs(asked, before, after, found)
        _describe(draft, located, dtype, adapter, found, known)
        moved_in(draft, out)
    return found


def said(loaded: Loaded, chats: Sequence[Chat], tokens: int, listener: Listener, stage: str) -> Said:
    """Greedy answers in token ids, text and stop; a prompt too long for the context is a ModelError."""
    from recusa.engines.decode import decode

    rows = sorted(((chat.key, prompt_ids(loaded.tokenizer, chat)) for chat in chats), key=lambda row: len(row[1]))
    if rows and len(rows[-1][1]) + tokens > loaded.longest:
        raise ModelError(
            f"a prompt of the sample has {len(rows[-1][1])} tokens, the model takes {loaded.longest} with the answer",
            "leave it out of --prompts",
        )
    found: Said = {}
    for start in range(0, len(rows), BATCH):
        keys, ids = zip(*rows[start : start + BATCH], strict=True)
        for done in decode(loaded.model, ids, keys, Sampling(tokens), loaded.ends, loaded.pad):
            text = str(loaded.tokenizer.decode(done.ids, skip_special_tokens=True))
            found[keys[done.row]] = (done.ids, text, done.stop)
            listener(stage, len(found), len(rows))
    return found


@contextmanager
def _whole_or_nothing(draft: Path) -> Iterator[None]:
    """Remove the draft whatever happens; a full disk is a StoreError."""
    shutil.rmtree(draft, ignore_errors=True)
    try:
        yield
    except (OSError, RuntimeError) as error:
        full = isinstance(error, OSError) or "I/O error" in str(error) or "No space" in str(error)
        if not full:
            raise
        raise StoreError(
            f"`{draft.parent}` could not take the model: {str(error)[:160]}", "make room, or name another --out"
        ) from None
    except RecusaError:
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _sample(prompts: Path | None, most: int) -> list[Chat]:
    """At most `most` prompts: the first of a file, or as many built-in ones of each kind in an order of their own."""
    if prompts is not None:
        found = list({prompt.id: prompt for prompt in file_or_hub(prompts, kind="harmful").prompts()}.values())[:most]
        return chats_for(found, "")
    everything: list[Prompt] = sorted(
        build("sources", "builtin").prompts(), key=lambda prompt: sha256(prompt.id.encode()).digest()
    )
    kinds = [[prompt for prompt in everything if prompt.kind == kind] for kind in KINDS]
    return chats_for([prompt for turn in zip(*kinds, strict=False) for prompt in turn][:most], "")


def _merge(model: str, adapter: Path, draft: Path, dtype: Format) -> None:
    """Save the base plus the adapter: added in float32, and rounded once."""
    import torch

    loaded = load_causal(model, dtype="float32")
    merged = with_adapter(loaded.model, str(adapter), merge=True)
    if dtype != "float32":
        merged.to(getattr(torch, dtype))  # buffers of positions are made anew when it is opened
    merged.config.dtype = getattr(torch, dtype)
    merged.config.use_cache = True
    with quiet_transformers():
        merged.save_pretrained(draft)
        loaded.tokenizer.save_pretrained(draft)


def _compared(chats: Sequence[Chat], before: Said, after: Said, tokens: int) -> Sample:
    judge: Any = build("judges", DEFAULT)
    differ = sum(before[chat.key][0] != after[chat.key][0] for chat in chats)
    counts: list[Counter[str]] = []
    for answers in (before, after):
        exchanges = [Exchange(chat.key, chat.question, *answers[chat.key][1:]) for chat in chats]
        refused = {v.key for v in judge.judge(exchanges) if isinstance(v, Verdict) and v.outcome == "refused"}
        counts.append(Counter(chat.prompt.kind for chat in chats if chat.prompt and chat.key in refused))
    kinds = Counter(chat.prompt.kind for chat in chats if chat.prompt)
    refused_by: dict[str, tuple[int, int, int]] = {
        kind: (counts[0][kind], counts[1][kind], kinds[kind]) for kind in KINDS if kinds[kind]
    }
    return Sample(judge.name, len(chats), tokens, differ, refused_by)


def _differs(chats: Sequence[Chat], before: Said, after: Said, found: Sample) -> ModelError:
    first = next(chat for chat in chats if before[chat.key][0] != after[chat.key][0])
    pairs: Iterable[tuple[int, int]] = zip(before[first.key][0], after[first.key][0], strict=False)
    place = next((at for at, (one, other) in enumerate(pairs) if one != other), None)
    where = f"from token {place + 1} on" if place is not None else "in length"
    return ModelError(
        f"the merged model does not answer as the adapter does: {found.differ} of {found.n} answers differ in float32, "
        f"{where} for {first.question[:60]!r}",
        "nothing was written; is the base the one the adapter was trained over, and is every weight of it merged?",
    )


def _describe(
    draft: Path, located: Located, dtype: Format, adapter: Path, found: Sample, results: Results | None
) -> None:
    """The card and the manifest, the manifest last."""
    (draft / "README.md").write_text(
        card(located.known_as, located.origin, dtype, adapter, found, results), encoding="utf-8"
    )
    made = {
        "base": folder_digest(located.folder),
        "base_model": located.known_as,
        "adapter": folder_digest(adapter),
        "dtype": dtype,
        "sample": asdict(found),
        "weights": folder_digest(draft),
    }
    (draft / MANIFEST).write_text(json.dumps(made, indent=1), encoding="utf-8")
