"""Our ops as FINN's: each with FINN's RTLBackend and the FINN op that it stands for below it."""

from __future__ import annotations

from importlib import import_module

from finn.custom_op.fpgadataflow.rtl import register_custom_op
from finn.custom_op.fpgadataflow.rtlbackend import RTLBackend

from . import lowering, ops  # noqa: F401  the rules' ops and our own
from .ops.classes import OPS, OwnOp

_FINN = "finn.custom_op.fpgadataflow"


def _with_finn(op: OwnOp) -> type:
    bases = [op.kind, RTLBackend]
    if op.like is not None:
        module, name = op.like.split(":")
        bases.append(getattr(import_module(f"{_FINN}.{module}"), name))
    contents = {"__module__": op.kind.__module__, "__doc__": op.kind.__doc__}
    return type(RTLBackend)(op.kind.__name__, tuple(bases), contents)


for _op in OPS.values():
    register_custom_op(_with_finn(_op))
