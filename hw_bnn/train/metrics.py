"""Metrics of a run: one JSON object a line in metrics.jsonl, and TensorBoard event files.

A record holds numbers, and histograms as {"low", "high", "counts"}: bins of one width from low to
high. TensorBoard gets the recipe's keys as hyper-parameters besides, and what the end brings.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files.output import writing
from .checkpoint import write_atomically


class Metrics:
    """Appends one record per epoch.

    Args:
        folder: the run folder.
        first_epoch: where the run (re)starts: records from there on are dropped, as they are made
        anew.
        hypers: the recipe's keys, dotted; for TensorBoard alone, as recipe.yaml holds them.
        tensorboard: write event files too.

    Raises:
        BadInput: a file cannot be written; so do `write` and `end`.
    """

    def __init__(
        self,
        folder: Path,
        first_epoch: int,
        *,
        hypers: Mapping[str, Any] | None = None,
        tensorboard: bool = True,
    ):
        self.path = folder / "metrics.jsonl"
        kept = [r for r in read_metrics(folder) if r["epoch"] < first_epoch]
        text = "".join(json.dumps(r) + "\n" for r in kept)
        write_atomically(self.path, lambda file: file.write(text.encode()))
        self._board = _events(folder / "tensorboard", first_epoch) if tensorboard else None
        if self._board is not None and hypers:
            self._board.hypers(hypers)

    def write(self, record: dict) -> None:
        """Add the record of an epoch; numbers and histograms go to TensorBoard too."""
        with writing(self.path), self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        if self._board is not None:
            self._board.write(record)

    def end(self, result: dict) -> None:
        """Tell TensorBoard what result.json tells: test figures, hardware, the confusion matrix."""
        if self._board is not None:
            self._board.end(result)


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

    def hypers(self, hypers: Mapping[str, Any]) -> None:
        """Add the keys of a recipe, and by which figures runs are to be compared."""
        from tensorboard.plugins.hparams.summary_v2 import (
            HParam,
            Metric,
            hparams_config_pb,
            hparams_pb,
        )

        told = {k: v for k, v in hypers.items() if isinstance(v, bool | int | float | str)}
        tags = ("validation_accuracy", "test_accuracy", "hardware_lut")
        metrics = [Metric(tag) for tag in tags]
        self._summary(hparams_config_pb([HParam(key) for key in told], metrics))
        self._summary(hparams_pb(told))

    def write(self, record: dict) -> None:
        """Add the numbers and histograms of an epoch's record."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=key, histo=_histogram(value))
            if isinstance(value, dict) else Summary.Value(tag=key, simple_value=value)
            for key, value in record.items()
            if key != "epoch" and isinstance(value, int | float | dict)
        ]  # fmt: skip
        self._summary(Summary(value=values), record["epoch"])

    def end(self, result: dict) -> None:
        """Add the test figures, those of the hardware and the confusion matrix, at the last
        epoch."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.text.summary_v2 import text_pb

        last = result["epochs"] - 1
        keys = [key for key in ("test_accuracy", "test_loss") if key in result]
        told = {key: result[key] for key in keys}
        hardware = result.get("hardware", {})
        told |= {f"hardware_{k}": v for k, v in hardware.items() if isinstance(v, int | float)}
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in told.items()]
        self._summary(Summary(value=values), last)
        if confusion := result.get("test_confusion"):
            self._summary(text_pb("test_confusion", _markdown(confusion)), last)

    def _summary(self, summary: Any, step: int = 0) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._add(Event(wall_time=time.time(), step=step, summary=summary))

    def _add(self, event) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        with writing(self.path), self.path.open("ab") as file:
            RecordWriter(file).write(event.SerializeToString())


def _histogram(record: dict) -> Any:
    """A record's histogram as TensorBoard's; its sums are by the bins' middles."""
    from tensorboard.compat.proto.summary_pb2 import HistogramProto

    low, high, counts = record["low"], record["high"], record["counts"]
    width = (high - low) / len(counts)
    middles = [low + width * (i + 0.5) for i in range(len(counts))]
    return HistogramProto(
        min=low, max=high, num=sum(counts), bucket=counts,
        bucket_limit=[low + width * (i + 1) for i in range(len(counts))],
        sum=sum(n * x for n, x in zip(counts, middles, strict=True)),
        sum_squares=sum(n * x * x for n, x in zip(counts, middles, strict=True)),
    )  # fmt: skip


def _markdown(confusion: list[list[int]]) -> str:
    """A confusion matrix as a table: a row a label, a column what the network says."""
    heads = range(len(confusion))
    lines = [["label \\ said", *heads], ["---:"] * (len(confusion) + 1)]
    lines += [[f"**{i}**", *row] for i, row in enumerate(confusion)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
