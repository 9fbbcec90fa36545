"""Ours against what people have, in turn: python benchmarks/speed.py answering|training [--rounds 3]

Each way runs in a process of its own, one after another, round by round. Printed are medians of real tokens a second
(no padding counted) and of peak memory, and the median of the rounds' ratios of ours to each. `--prompts` and `--rows`
take JSONL files (`prompt`; `prompt` and `chosen`), else built-in prompts are used. `trl` needs `pip install trl
datasets`. `--server BINARY` adds llama.cpp's `llama-server` with 1 (for a quarter of the prompts), 8, 32 and 64 slots,
over the file that the embedded model comes in (Q4_1); its source is in the sdist of llama-cpp-python, the build target
is `llama-server`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

TOKENS = 64
WAYS = {
    "answering": ("ours", "sorted", "batch", "loop", "slots-1", "slots-8", "slots-32", "slots-64"),
    "training": ("ours", "upper", "plain", "trl"),
}
Row = dict[str, str]


def prompts_of(file: Path | None, count: int) -> list[Row]:
    """Rows of a file, or harmful built-in training prompts with their refusals."""
    if file is not None:
        with file.open(encoding="utf-8") as lines:
            return [json.loads(line) for line in lines][:count]
    from recusa.jobs.train_file import packaged_prompts
    from recusa.types import Prompt

    found = [prompt for prompt in packaged_prompts([Prompt("", "harmful")]) if prompt.chosen]
    return [{"prompt": prompt.text, "chosen": prompt.chosen or ""} for prompt in found[:count]]


def model_of(dtype: str) -> tuple[Any, Any]:
    """The embedded model as a stranger would load it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from recusa.models.weights import locate

    folder = locate("smollm2-135m").folder
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    return model.eval(), tokenizer


def answering(way: str, rows: Sequence[Row], server: str) -> tuple[int, float]:
    """Real tokens said, and seconds."""
    if way == "ours":
        return ours_answering(rows)
    if way.startswith("slots"):
        return served(int(way.partition("-")[2]), rows, server)
    import torch

    dtype, size = {"sorted": ("bfloat16", 64), "batch": ("float32", 16), "loop": ("float32", 1)}[way]
    model, tokenizer = model_of(dtype)
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": row["prompt"]}], add_generation_prompt=True, tokenize=False
        )
        for row in rows
    ]
    texts = sorted(texts, key=len) if way == "sorted" else texts[: len(texts) // 8] if way == "loop" else texts
    end, said = tokenizer.eos_token_id, 0

    def ask(part: Sequence[str], tokens: int) -> Iterator[int]:
        inputs = tokenizer(list(part), return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.inference_mode():
            whole = model.generate(
                **inputs, max_new_tokens=tokens, do_sample=False, pad_token_id=tokenizer.pad_token_id
            )
        for ids in whole[:, inputs["input_ids"].shape[1] :].tolist():
            yield ids.index(end) + 1 if end in ids else len(ids)

    list(ask(texts[:2], 4))
    start = time.perf_counter()
    for at in range(0, len(texts), size):
        said += sum(ask(texts[at : at + size], TOKENS))
    return said, time.perf_counter() - start


def ours_answering(rows: Sequence[Row]) -> tuple[int, float]:
    """The `hf` engine as `recusa answer` runs it."""
    from recusa.engines.hf import HF
    from recusa.types import Answer, Chat, Key, Message, Sampling

    chats = [Chat(Key(str(place)), (Message("user", row["prompt"]),)) for place, row in enumerate(rows)]
    with HF(model="smollm2-135m") as engine:
        list(engine.answer(chats[:2], Sampling(4)))
        start = time.perf_counter()
        said = [result for result in engine.answer(chats, Sampling(TOKENS)) if isinstance(result, Answer)]
        return sum(answer.answer_tokens for answer in said), time.perf_counter() - start


def served(slots: int, rows: Sequence[Row], server: str) -> tuple[int, float]:
    """llama.cpp's server with so many slots, all of them kept busy."""
    from recusa.engines.openai import OpenAI
    from recusa.models.weights import EMBEDDED, package_path
    from recusa.types import Answer, Chat, Key, Message, Sampling

    embedded = EMBEDDED["smollm2-135m"]
    file = (package_path(embedded.package) or Path()) / embedded.inside
    rows = rows[: max(1, len(rows) // 4)] if slots == 1 else rows
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [server, "-m", str(file), "-np", str(slots), "-c", str(512 * slots), "-t", "2", "--port", port]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    chats = [Chat(Key(str(place)), (Message("user", row["prompt"]),)) for place, row in enumerate(rows)]
    ask = {"model": "smollm2", "base_url": f"http://127.0.0.1:{port}/v1", "timeout": 600.0, "concurrency": slots}
    try:
        with OpenAI(**ask) as engine:
            while not any(isinstance(said, Answer) for said in engine.answer(chats[:1], Sampling(4))):
                if process.poll() is not None:
                    raise SystemExit(f"llama-server ended with exit code {process.returncode}")
                time.sleep(1)
            start = time.perf_counter()
            said = [result for result in engine.answer(chats, Sampling(TOKENS)) if isinstance(result, Answer)]
            seconds = time.perf_counter() - start
    finally:
        process.kill()
        process.wait()
    if len(said) < len(chats):
        raise SystemExit(f"llama-server answered {len(said)} of {len(chats)}")
    return sum(answer.answer_tokens for answer in said), seconds


def training(way: str, rows: Sequence[Row]) -> tuple[int, float]:
    """Real tokens seen in the timed epoch, prompt and answer, and seconds."""
    if way == "trl":
        return trl_training(rows)
    return plain_training(rows) if way == "plain" else ours_training(rows, way)


def ours_training(rows: Sequence[Row], way: str) -> tuple[int, float]:
    """The recipe `refusal`; for `upper`, adapters on the upper half, from the second epoch."""
    from recusa.protocols import Example
    from recusa.training.lora import chat_of
    from recusa.training.refusal import Refusal
    from recusa.training.trainer import train
    from recusa.types import Prompt

    settings: dict[str, Any] = {"layers": (0.5, 1.0), "epochs": 3} if way == "upper" else {"epochs": 2}
    recipe = Refusal(**settings, first_weight=1.0, learning_rate=2e-4, save_every=10**6)
    examples = [Example(chat_of(Prompt(row["prompt"], "harmful")), row["chosen"], "harmful") for row in rows]
    steps: list[tuple[int, float]] = []

    def hear(stage: str, done: int, total: int, note: str = "") -> None:
        if total:
            steps.append((done, time.perf_counter()))

    with tempfile.TemporaryDirectory() as folder:
        train(recipe, examples, Path(folder), model="smollm2-135m", listener=hear, stage="", dtype="bfloat16")
    each = -(-len(rows) // recipe.batch)
    timed = dict(steps)
    epochs = int(recipe.epochs) - 1
    return epochs * tokens_of(rows), timed[each * (epochs + 1)] - timed[each]


def tokens_of(rows: Sequence[Row]) -> int:
    _, tokenizer = model_of("bfloat16")
    chats = (
        [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["chosen"]}] for row in rows
    )
    return sum(len(tokenizer.apply_chat_template(chat, tokenize=True, return_dict=True)["input_ids"]) for chat in chats)


def plain_training(rows: Sequence[Row]) -> tuple[int, float]:
    """A loop as one writes it by hand: peft, bfloat16, batches of like length, the model's own loss."""
    import torch
    from peft import LoraConfig, get_peft_model

    model, tokenizer = model_of("bfloat16")
    tuned: Any = get_peft_model(
        model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    tuned.train()
    optimiser = torch.optim.AdamW([weight for weight in tuned.parameters() if weight.requires_grad], lr=2e-4)
    encoded = []
    for row in rows:
        asked = [{"role": "user", "content": row["prompt"]}]
        prompt = tokenizer.apply_chat_template(asked, add_generation_prompt=True, tokenize=True, return_dict=True)[
            "input_ids"
        ]
        whole = [*asked, {"role": "assistant", "content": row["chosen"]}]
        ids = tokenizer.apply_chat_template(whole, tokenize=True, return_dict=True)["input_ids"]
        encoded.append((ids, len(prompt)))
    encoded.sort(key=lambda row: len(row[0]))
    start = time.perf_counter()
    for at in range(0, len(encoded), 16):
        part = encoded[at : at + 16]
        width = max(len(ids) for ids, _ in part)
        ids = torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row, _ in part])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row, _ in part])
        labels = torch.tensor([[-100] * n + row[n:] + [-100] * (width - len(row)) for row, n in part])
        tuned(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    return sum(len(ids) for ids, _ in encoded), time.perf_counter() - start


def trl_training(rows: Sequence[Row]) -> tuple[int, float]:
    """TRL's SFTTrainer as its documentation shows it."""
    from peft import LoraConfig

    trl: Any = importlib.import_module("trl")  # no package that this project asks for
    datasets: Any = importlib.import_module("datasets")
    model, tokenizer = model_of("bfloat16")
    data = datasets.Dataset.from_list(
        [
            {
                "prompt": [{"role": "user", "content": row["prompt"]}],
                "completion": [{"role": "assistant", "content": row["chosen"]}],
            }
            for row in rows
        ]
    )
    config = trl.SFTConfig(
        output_dir=tempfile.mkdtemp(), num_train_epochs=1, per_device_train_batch_size=16, learning_rate=2e-4,
        save_strategy="no", report_to="none", use_cpu=True, bf16=False, max_length=512, gradient_checkpointing=False,
    )  # fmt: skip
    adapter = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = trl.SFTTrainer(
        model=model, args=config, train_dataset=data, processing_class=tokenizer, peft_config=adapter
    )
    start = time.perf_counter()
    trainer.train()
    return tokens_of(rows), time.perf_counter() - start


def one(kind: str, way: str, rows: Sequence[Row], server: str) -> None:
    """Run one way and print what it took."""
    tokens, seconds = answering(way, rows, server) if kind == "answering" else training(way, rows)
    used = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    peak = max(used) / 1024
    print(json.dumps({"rate": tokens / seconds, "tokens": tokens, "seconds": seconds, "peak": peak}))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=list(WAYS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prompts", "--rows", dest="file", type=Path)
    parser.add_argument("-n", type=int, default=128)
    parser.add_argument("--ways", help="some of them, with commas between")
    parser.add_argument("--server", default="", help="llama.cpp's `llama-server`, as a yardstick")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(asked.kind, asked.one, prompts_of(asked.file, asked.n), asked.server)
        return
    ways = asked.ways.split(",") if asked.ways else list(WAYS[asked.kind])
    if "trl" in ways and not importlib.util.find_spec("trl"):
        ways.remove("trl")
        print("trl is not installed: left out")
    if not asked.server and asked.ways and "slots" in asked.ways:
        parser.error("slots need --server")
    if not asked.server:
        ways = [way for way in ways if not way.startswith("slots")]
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(asked.rounds):
        for way in ways:
            again = [sys.executable, __file__, *sys.argv[1:], "--one", way]
            said = subprocess.run(again, check=True, capture_output=True, text=True).stdout
            found[way].append(json.loads(said.splitlines()[-1]))
    print("| way | tokens/s | ours to it | peak MiB |\n| --- | --- | --- | --- |")
    for way, runs in found.items():
        ratio = median(ours["rate"] / run["rate"] for ours, run in zip(found["ours"], runs, strict=True))
        rate, peak = (median(run[what] for run in runs) for what in ("rate", "peak"))
        print(f"| {way} | {rate:.0f} | {ratio:.2f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
