"""Whether the nodes and streams of an accelerator name each other, and each only once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .description import Node, Stream

SOURCE, SINK = "s_axis", "m_axis"


def check_wiring(nodes: Sequence[Node], streams: Sequence[Stream]) -> None:
    """Every stream goes from one node (or the input) to one other (or the output), as both tell.

    Raises:
        ValueError: the first name that is used twice or that nothing has.
    """
    _distinct("node", (node.name for node in nodes))
    _distinct("stream", (stream.name for stream in streams))
    inputs = {node.name: set(node.inputs) for node in nodes}
    outputs = {node.name: set(node.outputs) for node in nodes}
    known = {stream.name: stream for stream in streams}
    for stream in streams:
        ends = (("producer", stream.producer, outputs, SOURCE),
                ("consumer", stream.consumer, inputs, SINK))  # fmt: skip
        for role, end, ports, outside in ends:
            if end != outside and end not in ports:
                raise ValueError(f"stream {stream.name} has the {role} {end}, which is no node")
            if end != outside and stream.name not in ports[end]:
                raise ValueError(f"stream {stream.name} has the {role} {end}, which lacks it")
    for node in nodes:
        for role, names in (("consumer", node.inputs), ("producer", node.outputs)):
            _distinct(f"stream at node {node.name}", names)
            for name in names:
                if name not in known:
                    raise ValueError(f"node {node.name} has the stream {name}, which is none")
                if getattr(known[name], role) != node.name:
                    raise ValueError(f"node {node.name} is not the {role} of its stream {name}")


def _distinct(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"the {what} {name} stands twice")
        seen.add(name)
