"""Lets the test module of this folder import what stands beside it, and the tests' network
builders."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent, HERE.parent / "golden", HERE.parent / "compile"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
