"""The import order of the package, and what no module of it may do."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parents[1] / "src"
LAYERS = (
    ("types", "errors", "component", "protocols"),
    (
        "models",
        "near",
        "meaning",
        "split",
        "stats",
        "store",
        "results",
        "calibration",
        "inference",
        "harm",
        "judging",
        "wholeness",
        "exact",
        "choosing",
        "frontier",
        "gating",
    ),
    ("sources", "engines", "defences", "attacks", "judges", "training"),
    ("registry", "config"),
    ("jobs",),
    ("report",),
    (
        "api",
        "api_gate",
        "api_judging",
        "console",
        "console_audit",
        "console_gate",
        "console_label",
        "console_summary",
        "console_sweep",
        "console_tables",
        "console_whole",
    ),
    ("cli", "cli_data", "cli_export", "cli_gate", "cli_judging", "cli_report", "cli_sweep", "cli_whole", "__main__"),
)
LEVEL = {part: level for level, parts in enumerate(LAYERS, start=1) for part in parts}
COMPONENTS = LAYERS[2]
PRINTS = "recusa.console"  # the only module that may write to the terminal
SEEDS = "recusa.training.placing"  # may seed torch, inside `torch.random.fork_rng()`
STARTS = {"recusa.jobs.crew"}  # may start itself in another process; no word of a model or a file is in the command
WAITS = {"recusa.engines.openai": {"random.uniform"}}  # jitter of a wait, which changes no result
# Modules that import a module by a name in a variable or string; each says why it may.
LOADERS = {
    "recusa": "`recusa.run` loads recusa.api when it is asked for",
    "recusa.registry": "a component's module is imported when its name is used",
}


class Import(NamedTuple):
    """One module of the package that another imports; `typing` says that only type checkers follow it."""

    importer: str
    imported: str
    line: int
    typing: bool
    lazy: bool

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}: imports {self.imported}"


def module_name(path: Path) -> str:
    """The dotted name of a file below `src`."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}


def part_of(module: str) -> str:
    """The entry of LAYERS that a module belongs to."""
    return module.split(".")[1]


def is_typing(node: ast.AST) -> bool:
    """Whether a node is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(module: str, tree: ast.Module, known: set[str]) -> Iterator[Import]:
    """Every import of the package's own modules, those inside functions included."""

    def within(node: ast.AST, typing: bool, lazy: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else str(node.module) for name in names]
        else:
            lazy = lazy or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            for child in ast.iter_child_nodes(node):
                yield from within(child, typing or is_typing(node), lazy)
            return
        for name in dict.fromkeys(names):
            if name.split(".")[0] == "recusa":
                yield Import(module, name, node.lineno, typing, lazy)

    yield from within(tree, False, False)


IMPORTS = [found for module, tree in TREES.items() for found in imports(module, tree, set(TREES))]


def broken(found: Import) -> str | None:
    """What is wrong with an import, None when nothing is."""
    if found.importer == "recusa":
        return None if found.imported == "recusa.api" and found.typing else "`recusa` may only name recusa.api, lazily"
    if found.imported == "recusa":
        return "imports the whole package"
    importer, imported = part_of(found.importer), part_of(found.imported)
    if LEVEL[imported] > LEVEL[importer]:
        return f"imports upward, from layer {LEVEL[importer]} to {LEVEL[imported]}"
    if importer in COMPONENTS and imported in COMPONENTS and importer != imported:
        return f"`{importer}` and `{imported}` must not know each other"
    return None


def test_every_module_has_a_layer_and_every_layer_modules() -> None:
    """A new module is placed when it is written; the table names nothing that is gone."""
    assert {part_of(module) for module in TREES if module != "recusa"} == set(LEVEL)


def test_imports_point_down() -> None:
    """No module imports one of a higher layer, not even inside a function or for its types."""
    assert [f"{found}: {problem}" for found in IMPORTS if (problem := broken(found))] == []


def test_imports_are_found_everywhere() -> None:
    """The check above sees plain, nested and typing imports of modules and of names in them."""
    text = (
        "import recusa.cli\nfrom recusa import console\nfrom recusa.api import run\nif TYPE_CHECKING:\n"
        " from recusa.jobs.plan import Plan\ndef f():\n import recusa.store\n from json import dumps\n"
    )
    known = {"recusa.cli", "recusa.console", "recusa.api", "recusa.jobs.plan", "recusa.store"}
    found = [(i.imported, i.typing, i.lazy) for i in imports("recusa.types", ast.parse(text), known)]
    assert found == [
        ("recusa.cli", False, False),
        ("recusa.console", False, False),
        ("recusa.api", False, False),
        ("recusa.jobs.plan", True, False),
        ("recusa.store", False, True),
    ]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("recusa.jobs.run", "recusa.report.write"),
        ("recusa.engines.hf", "recusa.judges.expressions"),
        ("recusa.types", "recusa.store"),
        ("recusa.results", "recusa"),
        ("recusa", "recusa.cli"),
    ],
)
def test_wrong_imports_are_wrong(importer: str, imported: str) -> None:
    """The order forbids what it is meant to forbid."""
    assert broken(Import(importer, imported, 1, typing=False, lazy=True))


def test_modules_do_not_import_in_circles() -> None:
    """Each module can be imported first; typing imports and those inside functions do not count."""
    graph: dict[str, set[str]] = {module: set() for module in TREES}
    for found in IMPORTS:
        if not found.typing and not found.lazy and found.imported in graph:
            graph[found.importer].add(found.imported)
    while leaves := {module for module, needs in graph.items() if not needs & graph.keys()}:
        graph = {module: needs for module, needs in graph.items() if module not in leaves}
    assert graph == {}


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of attributes, empty for anything else."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call in a tree."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def named_imports(tree: ast.AST) -> Iterator[str]:
    """Every imported module and name, as `module` or `module.name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def relative(module: str, tree: ast.Module) -> bool:
    """Relative imports hide which layer is meant."""
    return any(isinstance(node, ast.ImportFrom) and node.level > 0 for node in ast.walk(tree))


def prints(module: str, tree: ast.Module) -> bool:
    """Only the console prints, so that a model's text is cleaned in one place."""
    if module == PRINTS:
        return False
    called = {dotted(call.func) for call in calls(tree)} & {"print", "typer.echo", "typer.secho"}
    streams = {dotted(node) for node in ast.walk(tree)} & {"sys.stdout", "sys.stderr", "sys.__stdout__"}
    return bool(called or streams or {"sys.stdout", "sys.stderr"} & set(named_imports(tree)))


def seeds(module: str, tree: ast.Module) -> bool:
    """Random numbers come from a generator that is passed on; the global one is nobody's."""
    forked = {
        id(inner)
        for node in ast.walk(tree)
        if module == SEEDS and isinstance(node, ast.With) and dotted_of(node) == "torch.random.fork_rng"
        for inner in ast.walk(node)
    }
    known = ("torch.manual_seed", "torch.cuda.manual_seed", "torch.cuda.manual_seed_all", "set_seed")
    drawn = ("random.", "np.random.", "numpy.random.")
    allowed = ("random.Random", "np.random.Generator", "np.random.default_rng", "numpy.random.default_rng")
    for call in calls(tree):
        name = dotted(call.func)
        if name in known and id(call) not in forked:
            return True
        if name.startswith(drawn) and name not in allowed and name not in WAITS.get(module, ()):
            return True
    return bool({"torch.manual_seed", "transformers.set_seed", "random.seed"} & set(named_imports(tree)))


def dotted_of(node: ast.With) -> str:
    """What the first context of a `with` calls."""
    context = node.items[0].context_expr
    return dotted(context.func) if isinstance(context, ast.Call) else ""


def unpickles(module: str, tree: ast.Module) -> bool:
    """Nothing that was downloaded is unpickled."""
    roots = {name.split(".")[0] for name in named_imports(tree)}
    loads = any(dotted(call.func) == "torch.load" for call in calls(tree))
    return loads or bool(roots & {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"})


def evaluates(module: str, tree: ast.Module) -> bool:
    """Nothing a model or a file says is executed."""
    shells = {"os.system", "os.popen", "subprocess"}
    names = {dotted(call.func) for call in calls(tree)}
    starts = "subprocess" in set(named_imports(tree)) and module not in STARTS
    return bool(names & {"eval", "exec", "compile", *shells}) or starts


def trusts(module: str, tree: ast.Module) -> bool:
    """No code comes with weights: `trust_remote_code` is absent or False."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
            if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                return True
        elif isinstance(node, ast.Constant) and node.value == "trust_remote_code":
            return True
    return False


def loads(module: str, tree: ast.Module) -> bool:
    """An import by string escapes the order above, so those who need one are listed."""
    names = {dotted(call.func).rpartition(".")[2] for call in calls(tree)}
    return module not in LOADERS and bool(names & {"import_module", "__import__", "spec_from_file_location"})


Rule = Callable[[str, ast.Module], bool]
RULES: dict[Rule, str] = {  # each with a module that breaks it
    relative: "from .types import Prompt",
    prints: "def f():\n print('x')",
    seeds: "import numpy as np\nnp.random.seed(0)",
    unpickles: "import pickle",
    evaluates: "eval('1')",
    trusts: "load(x, trust_remote_code=True)",
    loads: "import importlib\nimportlib.import_module('recusa.cli')",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_module_breaks_the_rule(rule: Rule) -> None:
    """What the rule's own sentence says."""
    assert [module for module, tree in TREES.items() if rule(module, tree)] == []


@pytest.mark.parametrize(("rule", "text"), RULES.items(), ids=[rule.__name__ for rule in RULES])
def test_rule_sees_a_breach(rule: Rule, text: str) -> None:
    """A rule that lets everything pass would not be noticed otherwise."""
    assert rule("recusa.jobs.new", ast.parse(text))


@pytest.mark.parametrize("text", ["random.seed(1)", "torch.manual_seed(1)", "random.shuffle(x)", "set_seed(1)"])
def test_every_global_generator_counts(text: str) -> None:
    """Seeding and drawing alike."""
    assert seeds(SEEDS, ast.parse(text))


def test_seeding_a_fork_is_allowed_in_training_only() -> None:
    """`fork_rng` gives the state back; elsewhere a generator will do."""
    tree = ast.parse("with torch.random.fork_rng():\n torch.manual_seed(0)")
    assert (seeds(SEEDS, tree), seeds("recusa.jobs.run", tree)) == (False, True)
