"""Boards: the AXI shell around an accelerator, its simulation, and what a board needs.

The files that ship for boards (RTL, registers, Tcl, the driver) are data in the repository's folder
`boards/`, which is installed as the package `hw_bnn.board_files`.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

BOARD_FILES = Path(str(files("hw_bnn.board_files").joinpath("README.md"))).parent
"""The folder boards/ of the repository, or its installed copy."""
