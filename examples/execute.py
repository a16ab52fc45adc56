"""Execute the notebooks beside this file anew and keep what they show.

    python examples/execute.py [NAME ...]        # needs hw-bnn[test]

Each runs in a folder of its own that is removed afterwards. Kept are results and pictures;
progress, which goes to stderr, seconds and the machine's versions are not, so that the file changes
only where what it shows does.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
CELL_SECONDS = 300


def execute(path: Path) -> nbformat.NotebookNode:
    """The notebook with what its cells show now.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory(prefix="hw_bnn-notebook-") as folder:
        place = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=CELL_SECONDS, resources=place).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = joined(out for out in cell.outputs if out.get("name") != "stderr")
    notebook.metadata.pop("language_info", None)
    return notebook


def joined(outputs: Iterable[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Texts that were printed one after the other as one output: what is flushed when is chance."""
    kept: list[nbformat.NotebookNode] = []
    for output in outputs:
        if kept and output.output_type == kept[-1].output_type == "stream":
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def main(argv: list[str] | None = None) -> None:
    """Execute the named notebooks, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a notebook; all by default")
    names = parser.parse_args(argv).names
    for name in names:
        if not (HERE / name).is_file():
            parser.error(f"there is no {HERE / name}")
    for path in [HERE / name for name in names] or sorted(HERE.glob("*.ipynb")):
        nbformat.write(execute(path), path)
        print(f"executed {path.name}")


if __name__ == "__main__":
    main()
