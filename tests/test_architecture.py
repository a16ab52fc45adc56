"""Which package may import which: one direction, no cycles, two independent readings of a model.
How long files and functions may be; that files named in a text are there."""

import ast
import re
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "hw_bnn"


def modules() -> dict[str, Path]:
    """Module name -> file, of the whole package."""
    found = {}
    for path in (ROOT / PACKAGE).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(name: str) -> set[str]:
    """The modules of the package that `name` imports anywhere, but for type checkers alone."""
    path, found = MODULES[name], set()
    base = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            if isinstance(child, ast.ImportFrom):
                start = base[: len(base) - child.level + 1] if child.level else []
                origin = ".".join([*start, *([child.module] if child.module else [])])
                for alias in child.names:
                    inner = f"{origin}.{alias.name}"
                    found.add(inner if inner in MODULES else origin)
            elif isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            visit(child)

    visit(ast.parse(path.read_text()))
    return {other for other in found if other in MODULES and other != name}


GRAPH = {name: imports(name) for name in MODULES}


def reachable(start: str) -> set[str]:
    seen, waiting = set(), [start]
    while waiting:
        for other in GRAPH[waiting.pop()] - seen:
            seen.add(other)
            waiting.append(other)
    return seen


def inside(package: str) -> set[str]:
    prefix = f"{PACKAGE}.{package}"
    return {m for m in MODULES if m == prefix or m.startswith(f"{prefix}.")}


@pytest.mark.parametrize(("one", "other"), [("golden", "compile"), ("compile", "golden")])
def test_the_two_readings_of_a_model_are_independent(one, other):
    """But for the check of every compile step, which hands the file to the golden model."""
    allowed = {f"{PACKAGE}.compile.dataflow"}
    for name in inside(one) - allowed:
        assert not GRAPH[name] & inside(other), name


def test_no_module_imports_itself_in_a_circle():
    circles = {name for name in MODULES if name in reachable(name)}
    assert not circles


@pytest.mark.parametrize(
    ("package", "never"),
    [
        ("golden", ["compile", "sim", "synth", "verify", "report", "train", "nn"]),
        ("onnxfile", ["golden", "compile", "sim", "synth", "verify", "train"]),
        ("kernels", ["compile", "sim", "synth", "golden", "verify", "hls"]),
        ("optim", ["train", "compile", "golden", "sim"]),
        ("nn", ["train", "compile", "golden", "sim", "verify"]),
        ("sim", ["golden", "verify", "report", "train"]),
        ("synth", ["golden", "verify", "report", "train", "compile"]),
    ],
)
def test_imports_go_one_way(package, never):
    for name in inside(package):
        for other in never:
            assert not GRAPH[name] & inside(other), f"{name} imports {other}"


def test_nothing_imports_the_command_line():
    cli = {m for m in MODULES if m.split(".")[1:2] == ["cli"]}
    for name in set(MODULES) - cli - {"hw_bnn.__main__"}:
        assert not GRAPH[name] & cli, name


def test_files_are_short():
    lines = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert median(lines.values()) <= 150
    assert not {name: n for name, n in lines.items() if n > 450}


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without those of its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        lines -= function.body[0].end_lineno - function.body[0].lineno + 1
    return lines


def test_functions_are_short():
    long = {
        (name, node.name)
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and code_lines(node) > 60
    }
    assert not long


NAMED = re.compile(
    r"\b(?:hw_bnn|tests|rtl_tests|benchmarks|training|docs)/[\w/]+\.(?:py|md|ya?ml)\b"
)


def test_files_named_in_the_package_are_there():
    named = {
        (path.relative_to(ROOT), name)
        for pattern in ("*.py", "*.sv", "*.cpp", "*.md")
        for folder in (PACKAGE, "training", "benchmarks", "hls")
        for path in (ROOT / folder).rglob(pattern)
        for name in NAMED.findall(path.read_text())
    }
    assert len(named) > 20
    assert not {pair for pair in named if not (ROOT / pair[1]).is_file()}
