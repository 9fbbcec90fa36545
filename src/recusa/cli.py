"""The commands: each parses, calls one function, prints its result."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from recusa import cli_data, cli_export, cli_gate, cli_judging, cli_report, cli_sweep, cli_whole
from recusa.cli_judging import counted
from recusa.cli_report import Language
from recusa.errors import ConfigError, RecusaError, TooManyFailures
from recusa.judges import DEFAULT

app = typer.Typer(
    help="Measure how often a chat model refuses harmful and harmless prompts, harden it, "
    "and show whether the change is real.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Workspace = Annotated[Path, typer.Option(help="Folder of the store and the adapters.")]
Model = Annotated[str, typer.Option(help="Embedded name, local folder, hub id, or a server's model name.")]
EngineName = Annotated[str, typer.Option("--engine", help="hf, openai or scripted; see `recusa list`.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as installed

        from recusa import console

        console.data(f"recusa {installed('recusa')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the command."""


@app.command()
def run(
    experiment: Annotated[
        Path | None, typer.Argument(help="Experiment file (TOML); without it, the embedded experiment.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of results and pictures; default runs/NAME.")] = None,
    workspace: Workspace = Path(".recusa"),
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most N prompts of each kind, in training and in test.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print calls, tokens and expected time per arm; do nothing.")
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask failed rows again.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop where a training prompt is a copy of a test prompt.")
    ] = False,
    language: Language = "en",
) -> None:
    """Run an experiment; run again, it goes on where it stopped.

    Example: recusa run experiments/seed-mistral-7b.toml --limit 20 --dry-run
    """
    from recusa import api, console, console_gate, console_label, console_summary, console_whole
    from recusa.config import load_experiment

    asked = load_experiment(experiment)
    if limit is not None:
        asked = asked.model_copy(update={"limit": limit})
    if strict:
        asked = asked.model_copy(update={"split": asked.split.model_copy(update={"strict": True})})
    if dry_run:
        from recusa.jobs.plan import plan

        found = plan(asked, workspace)
        console.planned(found)
        console_whole.planned(found.whole)
        console_gate.planned(found.shows, found.comparisons, found.alpha)
        return
    folder = out or Path("runs") / asked.name
    with console.progress() as listener:
        results = api.run(
            asked, out=folder, workspace=workspace, retry_failed=retry_failed, language=language, listener=listener
        )
    console_summary.summary(results, folder)
    console_whole.kept(results)
    console_label.trust(results)


@app.command()
def answer(
    prompts: Annotated[Path, typer.Option(help="Prompt file (JSONL, JSON, CSV, TSV, Parquet) or hub data set.")],
    out: Annotated[Path, typer.Option(help="JSONL file to write.")],
    model: Model = "smollm2-135m",
    engine: EngineName = "hf",
    adapter: Annotated[str | None, typer.Option(help="PEFT adapter folder.")] = None,
    defence: Annotated[str | None, typer.Option(help="Defence by name, or its settings in a TOML file.")] = None,
    attack: Annotated[
        str, typer.Option(help="How to ask: a name, `prefill:20` for 20 tokens, or its settings in a TOML file.")
    ] = "direct",
    system: Annotated[str | None, typer.Option(help="System prompt, or @FILE.")] = None,
    prompt_column: Annotated[str, typer.Option(help="Column that holds the prompt.")] = "prompt",
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Tokens an answer may have.")] = 64,
    temperature: Annotated[float, typer.Option(min=0, help="0 takes the likeliest token.")] = 0.0,
    limit: Annotated[int | None, typer.Option(min=1, help="Answer at most N rows.")] = None,
    workspace: Workspace = Path(".recusa"),
) -> None:
    """Answer every row of a prompt file.

    Example: recusa answer --model smollm2-135m --prompts advbench.csv --prompt-column goal --out answers.jsonl
    """
    from recusa import api, console
    from recusa.types import Sampling

    with console.progress() as listener:
        counts = api.answer(
            prompts,
            out,
            engine=_engine(engine, model),
            adapter=adapter,
            defence=defence,
            attack=attack,
            system=_text_or_file(system),
            prompt_column=prompt_column,
            sampling=Sampling(max_new_tokens=max_new_tokens, temperature=temperature),
            limit=limit,
            workspace=workspace,
            listener=listener,
        )
    console.say(f"{counted(counts)}; written to {out}")
    if counts["failed"] and not counts["answered"]:
        raise TooManyFailures("every row failed", f"the errors are in {out}; run again to ask failed rows again")


@app.command()
def train(
    harmful: Annotated[Path, typer.Option(help="Harmful prompts with their refusals in `chosen`.")],
    out: Annotated[Path, typer.Option(help="Adapter folder to write.")],
    model: Model = "smollm2-135m",
    benign: Annotated[
        Path | None, typer.Option(help="Harmless prompts; rows without `response` are answered by the model.")
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="A name (`recusa list recipes`) or a TOML file with `name` and settings.")
    ] = "balanced",
    builtin: Annotated[
        bool, typer.Option("--builtin/--no-builtin", help="Add the built-in harmless training prompts.")
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop where a row would be left out, such as a refusal that is none.")
    ] = False,
    workspace: Workspace = Path(".recusa"),
) -> None:
    """Train a LoRA adapter that refuses; killed, it goes on from its last checkpoint.

    Example: recusa train --model smollm2-135m --harmful refusals.jsonl --recipe balanced --out adapters/balanced
    """
    from recusa import api, console

    with console.progress() as listener:
        adapter = api.train(
            harmful, out, benign=benign, engine={"name": "hf", "model": model}, recipe=recipe, builtin=builtin,
            strict=strict, workspace=workspace, listener=listener,
        )  # fmt: skip
    console.say(f"trained on {counted(adapter.made['rows'])} rows in {adapter.made['steps']} steps; written to {out}")
    if left_out := adapter.made.get("left_out"):
        console.say(f"left out: {counted(left_out)}; listed in {out / 'left_out.jsonl'}")


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="Answer file of the baseline.")],
    after: Annotated[Path, typer.Argument(help="Answer file of the other arm, to the same prompts.")],
    judge: Annotated[str, typer.Option(help="Who judges both files.")] = DEFAULT,
    kind: Annotated[str | None, typer.Option(help="Kind of rows that do not say their own.")] = None,
) -> None:
    """Compare two answer files prompt by prompt.

    Example: recusa compare original.jsonl tuned.jsonl --kind harmful
    """
    from recusa import api, console_summary

    console_summary.compared(*api.compare(before, after, judge=judge, kind=kind))


@app.command("list")
def list_components(
    group: Annotated[str | None, typer.Argument(help="Only these, such as recipes or judges.")] = None,
) -> None:
    """Show every component with its settings.

    Example: recusa list recipes
    """
    from recusa import console, registry

    console.components(registry.catalogue(group))


@app.command()
def schema() -> None:
    """Print the JSON schema of experiment files.

    Example: recusa schema > experiment.schema.json
    """
    from recusa import config, console

    console.data(config.schema())


cli_judging.add_commands(app)
cli_report.add_commands(app)
cli_data.add_commands(app)
cli_export.add_commands(app)
cli_whole.add_commands(app)
cli_sweep.add_commands(app)
cli_gate.add_commands(app)


def _engine(name: str, model: str) -> dict[str, Any]:
    return {"name": name} if name == "scripted" else {"name": name, "model": model}


def _text_or_file(system: str | None) -> str | None:
    if system is None or not system.startswith("@"):
        return system
    try:
        return Path(system[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"system prompt file `{system[1:]}` cannot be read: {error}", "--system @FILE names a text file"
        ) from None


def _quiet() -> None:
    """Keep libraries' advice off the terminal; what matters of it is a note in the results."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    for name in ("bitsandbytes", "transformers", "sentence_transformers", "peft", "accelerate", "torch", "httpx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.simplefilter("ignore")


def main() -> NoReturn:
    """The console script: errors in one line, Ctrl-C and SIGTERM stop cleanly and say how to go on."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _quiet()
        stopped = app(prog_name="recusa", standalone_mode=False)  # typer turns Ctrl-C into a returned exit code
        if stopped == 130:
            raise KeyboardInterrupt
        code = stopped if isinstance(stopped, int) else 0
    except RecusaError as error:
        from recusa import console

        console.fail(error)
        code = error.exit_code
    except KeyboardInterrupt:
        from recusa import console

        console.say("\nstopped; run the same command again to go on where it stopped")
        code = 130
    except typer.Exit as stop:
        code = stop.exit_code
    except typer.Abort:
        code = 130
    except Exception as error:  # typer's usage errors; anything else is our own mistake
        if not hasattr(error, "format_message"):
            raise
        usage: Any = error
        if type(error).__name__ == "NoArgsIsHelpError":
            usage.show()
        else:
            from recusa import console

            path = usage.ctx.command_path if getattr(usage, "ctx", None) else "recusa"
            console.fail(RecusaError(usage.format_message(), f"see `{path} --help`"))
        code = 2
    sys.exit(code)
