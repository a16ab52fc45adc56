"""Metrics of a run: one JSON object a line in metrics.jsonl, and TensorBoard event files."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

from ..files.output import writing
from .checkpoint import write_atomically


class Metrics:
    """Appends one record per epoch.

    Args:
        folder: the run folder.
        first_epoch: where the run (re)starts: records from there on are dropped, as they are made
        anew.
        tensorboard: write event files too.

    Raises:
        BadInput: a file cannot be written; so do `write` and `close`.
    """

    def __init__(self, folder: Path, first_epoch: int, *, tensorboard: bool = True):
        self.path = folder / "metrics.jsonl"
        kept = [r for r in read_metrics(folder) if r["epoch"] < first_epoch]
        text = "".join(json.dumps(r) + "\n" for r in kept)
        write_atomically(self.path, lambda file: file.write(text.encode()))
        self._board = _events(folder / "tensorboard", first_epoch) if tensorboard else None

    def write(self, record: dict) -> None:
        """Add the record of an epoch; numbers go to TensorBoard too."""
        with writing(self.path), self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        if self._board is not None:
            self._board.write(record)


def read_metrics(folder: str | Path) -> list[dict]:
    """The records of a run; a last line cut short by a killed process is left out."""
    path = Path(folder) / "metrics.jsonl"
    records = []
    if path.is_file():
        for line in path.read_bytes().splitlines():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                break
            if not isinstance(record, dict) or not isinstance(record.get("epoch"), int):
                break
            records.append(record)
    return records


def _events(folder: Path, first_epoch: int) -> Events | None:
    """The event files; None without TensorBoard: metrics.jsonl holds the same figures."""
    try:
        return Events(folder, first_epoch)
    except ImportError:
        return None


class Events:
    """TensorBoard's event files, written here and now.

    TensorBoard's own writer does it in a thread, whose errors (a full disk) come late and in
    another place.
    """

    def __init__(self, folder: Path, first_epoch: int):
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
        self.path = folder / name
        with writing(folder):
            folder.mkdir(exist_ok=True)
        self._add(Event(wall_time=time.time(), file_version="brain.Event:2"))
        # TensorBoard drops what an earlier file says of the epochs from here on.
        start = SessionLog(status=SessionLog.START)
        self._add(Event(wall_time=time.time(), step=first_epoch, session_log=start))

    def write(self, record: dict) -> None:
        """Add the numbers of an epoch's record."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=key, simple_value=value)
            for key, value in record.items()
            if key != "epoch" and isinstance(value, int | float)
        ]
        summary = Summary(value=values)
        self._add(Event(wall_time=time.time(), step=record["epoch"], summary=summary))

    def _add(self, event) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        with writing(self.path), self.path.open("ab") as file:
            RecordWriter(file).write(event.SerializeToString())
