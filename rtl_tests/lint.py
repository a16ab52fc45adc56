"""Read all SystemVerilog of the project with slang, a second front end beside Verilator's.

    python rtl_tests/lint.py

Every module is elaborated, each as a top with its default parameters; slang's warnings are errors,
but for those named in WAIVED.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyslang import driver

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("hw_bnn/rtl", "boards/shell/rtl", "boards/ulx3s")
WAIVED: dict[str, str] = {}
"""Warning -> why it says nothing about these files."""


def main() -> int:
    """The exit code: 0 where slang has nothing to say."""
    files = sorted(str(path) for folder in SOURCES for path in (ROOT / folder).rglob("*.sv"))
    slang = driver.Driver()
    slang.addStandardArgs()
    warnings = ["-Weverything", "-Werror", *(f"-Wno-{name}" for name in WAIVED)]
    words = ["slang", "--lint-only", *warnings, *files]
    if not slang.parseCommandLine(" ".join(f'"{w}"' for w in words), driver.CommandLineOptions()):
        return 2
    if not slang.processOptions() or not slang.parseAllSources():
        return 1
    compilation = slang.createCompilation()
    slang.reportCompilation(compilation, True)
    print(f"slang: {len(files)} files")
    return 0 if slang.reportDiagnostics(True) else 1


if __name__ == "__main__":
    sys.exit(main())
