"""What the outputs of a circuit depend on, and what s_axis_tdata reaches.

The second is a static bound on what may differ between lanes: through logic, flops and memories,
whatever their tables hold. What is not reached is the same in every lane.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .logic import ONE, ZERO
from .netlist import Circuit, Net, Port


@dataclass(frozen=True)
class Ports:
    """Nets of the accelerator's ports, and of its inner streams by name: (valid, ready, data)."""

    rst_n: Net
    s_valid: Net
    s_last: Net
    s_data: Sequence[Net]
    m_ready: Net
    s_ready: Net
    m_valid: Net
    m_last: Net
    m_data: Sequence[Net]
    streams: Mapping[str, tuple[Net, Net, Sequence[Net]]]


def _stream_nodes(circuit: Circuit, ports: Ports) -> Iterable[int]:
    for valid, ready, data in ports.streams.values():
        for net in (valid, ready, *data):
            if net in circuit.nodes:
                yield circuit.nodes[net]


def controls(port: Port) -> list[int]:
    """Nodes by which a port is addressed and moved: the same for all lanes, or refused."""
    more = [place.through_enable for place in port.places]
    return [*port.address, port.enable, port.reset, *more]


def needed(circuit: Circuit, ports: Ports) -> set[int]:
    """Nodes that the outputs or an inner stream depend on."""
    flops = {flop.q: flop for flop in circuit.flops}
    reads: dict[int, Port] = {}
    writes: dict[int, list[tuple[Port, int]]] = defaultdict(list)
    for port in circuit.ports:
        for place in port.places:
            if port.kind == "write":
                writes[id(place.column)].append((port, place.node))
            else:
                reads[place.node] = port
    nets = (ports.s_ready, ports.m_valid, ports.m_last, *ports.m_data)
    stack = [circuit.nodes[net] for net in nets] + list(_stream_nodes(circuit, ports))
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if (made := circuit.logic.tables[node]) is not None:
            stack += made[1]
        elif node in flops:
            flop = flops[node]
            stack += (flop.d, flop.enable, flop.reset)
        elif node in reads:
            port = reads[node]
            stack += controls(port)
            for place in port.places:
                if place.node == node:
                    stack.append(place.through)
                    for other, data in writes[id(place.column)]:
                        stack += [*controls(other), data]
    return seen


def reached(circuit: Circuit, ports: Ports) -> tuple[set[int], set[int]]:
    """Nodes, and columns of memories (by id), that s_axis_tdata reaches."""
    readers: dict[int, list[int]] = defaultdict(list)
    for node, made in enumerate(circuit.logic.tables):
        for source in made[1] if made is not None else ():
            readers[source].append(node)
    for flop in circuit.flops:
        for source in (flop.d, flop.enable, flop.reset):
            readers[source].append(flop.q)
    written: dict[int, list[int]] = defaultdict(list)  # node -> columns
    shown: dict[int, list[int]] = defaultdict(list)  # column -> nodes
    for port in circuit.ports:
        for place in port.places:
            if port.kind == "write":
                written[place.node].append(id(place.column))
            else:
                shown[id(place.column)].append(place.node)
                readers[place.through].append(place.node)
    stack = [circuit.nodes[net] for net in ports.s_data if net in circuit.nodes]
    nodes: set[int] = set()
    columns: set[int] = set()
    while stack:
        node = stack.pop()
        if node in nodes or node in (ZERO, ONE):
            continue
        nodes.add(node)
        stack += readers[node]
        for column in written[node]:
            if column not in columns:
                columns.add(column)
                stack += shown[column]
    return nodes, columns
