"""Metrics of a run: one JSON object a line in metrics.jsonl, and TensorBoard event files."""

from __future__ import annotations

import json
from pathlib import Path


class Metrics:
    """Appends one record per epoch.

    Args:
        folder: the run folder.
        first_epoch: where the run (re)starts: records from there on are dropped, as they are made
        anew.
        tensorboard: write event files too.
    """

    def __init__(self, folder: Path, first_epoch: int, *, tensorboard: bool = True):
        self.path = folder / "metrics.jsonl"
        kept = [r for r in read_metrics(folder) if r["epoch"] < first_epoch]
        self.path.write_text("".join(json.dumps(r) + "\n" for r in kept))
        self._file = self.path.open("a")
        self._board = None
        if tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:  # the package is optional, metrics.jsonl holds the same figures
                return
            self._board = SummaryWriter(folder / "tensorboard", purge_step=first_epoch)

    def write(self, record: dict) -> None:
        """Add the record of an epoch; numbers go to TensorBoard too."""
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()
        if self._board is not None:
            for key, value in record.items():
                if key != "epoch" and isinstance(value, int | float):
                    self._board.add_scalar(key, value, record["epoch"])

    def close(self) -> None:
        """Flush and close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def read_metrics(folder: str | Path) -> list[dict]:
    """The records of a run; a last line cut short by a killed process is left out."""
    path = Path(folder) / "metrics.jsonl"
    records = []
    if path.is_file():
        for line in path.read_text().splitlines():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:
                break
    return records
