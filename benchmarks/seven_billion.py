"""Speed and memory on a GPU with random weights in Mistral-7B's shape: python benchmarks/seven_billion.py --folder DIR

Random weights cost the same time and memory as trained ones; only what the answers say means nothing. Training steps
run through the recipes' own trainer on rows of about 120 tokens; answering runs beside transformers' `generate`. Every
line says real tokens a second (padding not counted), its share of the square product's rate measured in the same
process, and the peak memory. `--tiny` rehearses it on the CPU.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.tiny import tiny_mistral

from recusa.engines.hf import HF
from recusa.models.causal import load_causal
from recusa.models.template import prompt_ids
from recusa.protocols import Example
from recusa.training.lora import chat_of
from recusa.training.refusal import Refusal
from recusa.training.trainer import train
from recusa.types import Answer, Prompt, Sampling

SHAPE = {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 8, "vocab_size": 32000, "max_position_embeddings": 32768}  # fmt: skip
PARAMETERS = 7.24e9
STEPS = 6  # the first two are warm-up


def make(folder: Path, shape: dict[str, int], device: str) -> None:
    """Random weights in bfloat16 with the tests' small tokenizer, written once."""
    if (folder / "model.safetensors.index.json").is_file() or (folder / "model.safetensors").is_file():
        return
    from transformers import MistralConfig, MistralForCausalLM

    tiny_mistral(folder)
    for file in folder.glob("model*.safetensors"):
        file.unlink()
    made: Any = MistralConfig
    config = made(**shape, sliding_window=None, bos_token_id=1, eos_token_id=2, pad_token_id=None)
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(device):
        model: Any = MistralForCausalLM(config)
    torch.set_default_dtype(before)
    model.save_pretrained(folder)


def product_rate(device: str, size: int) -> float:
    """Operations a second of a square bfloat16 product."""
    one, other = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    times = []
    for _ in range(12):
        waited(device)
        start = time.perf_counter()
        one @ other
        waited(device)
        times.append(time.perf_counter() - start)
    return float(2 * size**3 / sorted(times)[len(times) // 2])


def waited(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


@contextmanager
def measured(device: str) -> Iterator[Callable[[], float]]:
    """Gives the peak memory since the start, in GiB; frees what is left after."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    yield lambda: torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else float("nan")
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()


def rows(count: int) -> list[Example]:
    """About 60 tokens of prompt and 60 of answer each."""
    asked, said = "please list the steps. " * 10, "wait. " * 25
    return [
        Example(chat_of(Prompt(f"{n}: {asked}", "harmful")), f"No, not {n}: {said}", "harmful") for n in range(count)
    ]


def training(folder: Path, work: Path, device: str, rate: float, parameters: float) -> None:
    """Steps of refusal training: bfloat16 base, 4-bit base, and 4-bit with checkpointed activations."""
    ways: tuple[tuple[str, str | None, bool, int], ...] = (
        ("bf16 base", None, False, 1), ("bf16 base, in 4 parts", None, False, 4), ("nf4 base", "nf4", False, 1),
        ("nf4 base, in 4 parts", "nf4", False, 4), ("nf4 base, checkpointing", "nf4", True, 1),
    )  # fmt: skip
    for name, quantize, checkpointing, parts in ways:
        recipe = Refusal(epochs=1, batch=16, accumulate=parts, checkpointing=checkpointing, save_every=10**6)
        examples = rows(16 * STEPS)
        ticks: list[float] = []

        def heard(stage: str, done: int, total: int, note: str = "", ticks: list[float] = ticks) -> None:
            if total and done:
                waited(device)
                ticks.append(time.perf_counter())

        with measured(device) as peak:
            shutil.rmtree(work, ignore_errors=True)
            train(recipe, examples, work, model=str(folder), listener=heard, stage="train", device=device,  # type: ignore[arg-type]
                  dtype="bfloat16", quantize=quantize)  # fmt: skip
            spent = ticks[-1] - ticks[1]
            tokens = _tokens(folder, examples) * (len(ticks) - 2) / len(ticks)
            say("train", name, tokens / spent, 4 * parameters * tokens / spent / rate, peak())


def plain_step(folder: Path, device: str, rate: float, parameters: float) -> None:
    """The yardstick: PEFT as documented, the whole row's logits, padded in file order."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = tokenizer.eos_token
    examples = rows(16 * STEPS)
    texts = [rendered(tokenizer, row) for row in examples]
    with measured(device) as peak:
        base: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
        base.to(device)
        tuned: Any = get_peft_model(
            base, LoraConfig(r=64, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
        )
        adamw = torch.optim.AdamW([p for p in tuned.parameters() if p.requires_grad], lr=2e-4)
        ticks = []
        for at in range(0, len(texts), 16):
            batch = tokenizer(texts[at : at + 16], return_tensors="pt", padding=True, add_special_tokens=False).to(
                device
            )
            tuned(**batch, labels=batch["input_ids"]).loss.backward()
            adamw.step()
            adamw.zero_grad()
            waited(device)
            ticks.append(time.perf_counter())
        spent = ticks[-1] - ticks[1]
        tokens = _tokens(folder, examples) * (len(ticks) - 2) / len(ticks)
        say("train", "plain PEFT loop, bf16 base", tokens / spent, 4 * parameters * tokens / spent / rate, peak())
        del base, tuned, adamw, batch


def rendered(tokenizer: Any, row: Example) -> str:
    """A row as one text, by the chat template."""
    turns = [{"role": "user", "content": row.chat.question}, {"role": "assistant", "content": row.answer}]
    return str(tokenizer.apply_chat_template(turns, tokenize=False))


def answering(folder: Path, device: str, rate: float, parameters: float, new_tokens: int) -> None:
    """64 prompts of about 60 tokens: ours in batches, `generate` in batches of 16 in file order and one by one."""
    prompts = [Prompt(f"{n}: " + "please list the steps. " * (4 + n % 8), "harmful") for n in range(64)]
    sampling = Sampling(max_new_tokens=new_tokens)
    for batch in (16, 64):
        with measured(device) as peak, HF(model=str(folder), device=device, dtype="bfloat16", batch=batch) as engine:
            list(engine.answer([chat_of(prompt) for prompt in prompts], Sampling(max_new_tokens=4)))
            waited(device)
            start = time.perf_counter()
            said = [a for a in engine.answer([chat_of(p) for p in prompts], sampling) if isinstance(a, Answer)]
            waited(device)
            speed = sum(a.answer_tokens for a in said) / (time.perf_counter() - start)
            say("answer", f"ours, batches of {batch}", speed, 2 * parameters * speed / rate, peak())
    loaded = load_causal(str(folder), device=device, dtype="bfloat16")  # type: ignore[arg-type]
    ids = [prompt_ids(loaded.tokenizer, chat_of(prompt)) for prompt in prompts]
    for batch, asked in ((16, ids), (1, ids[:4])):
        with measured(device) as peak, torch.inference_mode():
            generated(loaded.model, [ids[0]] * batch, 4, device)
            waited(device)
            start, tokens = time.perf_counter(), 0
            for at in range(0, len(asked), batch):
                tokens += generated(loaded.model, asked[at : at + batch], new_tokens, device)
            waited(device)
            speed = tokens / (time.perf_counter() - start)
            say("answer", f"generate, batches of {batch}", speed, 2 * parameters * speed / rate, peak())


def generated(model: Any, rows: list[list[int]], new_tokens: int, device: str) -> int:
    """Answer token rows by transformers' own loop; the tokens up to and with each end."""
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    out = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=new_tokens, do_sample=False, pad_token_id=0)
    return sum(row.index(2) + 1 if 2 in row else len(row) for row in out[:, width:].tolist())


def _tokens(folder: Path, examples: list[Example]) -> int:
    from recusa.models.causal import load_tokenizer
    from recusa.models.template import training_row

    tokenizer = load_tokenizer(folder)
    return sum(len(training_row(tokenizer, row.chat, row.answer, frozenset({2})).ids) for row in examples)


def say(what: str, way: str, speed: float, share: float, peak: float) -> None:
    line = {"what": what, "way": way, "tokens_per_second": round(speed, 1), "share_of_product": round(share, 3)}
    print(json.dumps({**line, "peak_gib": round(peak, 2)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--only", choices=("answer", "train"))
    asked = parser.parse_args()
    device = "cpu" if asked.tiny else "cuda"
    shape = SHAPE | ({"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
                      "num_key_value_heads": 2, "vocab_size": 2000} if asked.tiny else {})  # fmt: skip
    start = time.perf_counter()
    make(asked.folder, shape, device)
    gc.collect()
    rate = product_rate(device, 512 if asked.tiny else 8192)
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    print(json.dumps({"device": name, "torch": torch.__version__, "product_tflops": round(rate / 1e12, 1),
                      "made_seconds": round(time.perf_counter() - start, 1)}), flush=True)  # fmt: skip
    parameters = 5e5 if asked.tiny else PARAMETERS
    if asked.only != "train":
        answering(asked.folder, device, rate, parameters, asked.new_tokens)
    if asked.only != "answer":
        training(asked.folder, asked.folder.with_name("adapter"), device, rate, parameters)
        plain_step(asked.folder, device, rate, parameters)


if __name__ == "__main__":
    main()
