"""A circuit as the tables that lanes.cpp runs.

What s_axis_tdata reaches (reach.py) is computed for every lane, the rest once for all. Memories'
addresses and enables and the streams' handshakes must be among the rest.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .logic import ONE, ZERO, steps, three
from .netlist import RANDOM, Circuit, Column, Flop, Port, refused
from .reach import Ports, controls, needed, reached

TABLES = (
    "counts", "signals", "looks", "ports", "addresses", "entries", "v_reads", "u_writes",
    "v_writes", "u_synchronous", "v_synchronous", "splats", "runs", "steps", "u_groups", "v_groups",
    "u_flops", "v_flops", "v_holds", "u_start", "v_start", "u_memory", "v_memory", "in_slots",
    "out_slots", "streams", "stream_data",
)  # fmt: skip
"""In the order of lanes.cpp's Program."""
_BYTES = {"u_start", "v_start", "u_memory", "v_memory"}
_WIDTHS = {"counts": 5, "signals": 7, "looks": 9, "ports": 9, "entries": 5, "splats": 2, "runs": 2,
           "steps": 4, "u_groups": 7, "v_groups": 7, "u_flops": 2, "v_flops": 2, "v_holds": 2,
           "streams": 4}  # fmt: skip


@dataclass(frozen=True)
class Program:
    """Tables by name, int32 (rows, columns) or int8, and the names of the streams."""

    tables: dict[str, NDArray[np.integer]]
    streams: tuple[str, ...]
    varying: dict[str, int]  # how much differs between lanes: steps, flops, memory bits


def program(circuit: Circuit, ports: Ports) -> Program:
    """The tables of a circuit.

    Raises:
        Unsupported: an address, an enable of a memory or a handshake depends on the data.
    """
    live = needed(circuit, ports)
    varying, columns = reached(circuit, ports)
    return _Tables(circuit, ports, live, varying, columns).made()


class _Tables:
    """Fills the tables; slots are given to nodes as they are asked for."""

    def __init__(
        self, circuit: Circuit, ports: Ports, live: set[int], varying: set[int], columns: set[int]
    ):
        self.circuit, self.ports = circuit, ports
        self.live, self.varying, self.columns = live, varying, columns
        self.rows: dict[str, list] = {name: [] for name in TABLES}
        self.u: dict[int, int] = {ZERO: 0, ONE: 1}
        self.v: dict[int, int] = {ZERO: 0, ONE: 1}
        self.u_start, self.v_start = [0, 1], [0, 1]
        self.states: set[int] = set()  # nodes that the clock edge changes
        self.bases: dict[int, tuple[int, int]] = {}  # column -> (first place, distance of rows)

    def made(self) -> Program:
        flops = [flop for flop in self.circuit.flops if flop.q in self.live]
        self._merge_controls(flops)
        self._check_handshakes()
        self.memory = self._live_ports()
        self._place_columns()
        self._states(flops)
        ordered = [n for n in range(len(self.circuit.logic.tables)) if self._is_table(n)]
        self._looks([n for n in ordered if n not in self.varying])
        self._steps([n for n in ordered if n in self.varying])
        self._memory_ports()
        self._flops("u", [flop for flop in flops if flop.q not in self.varying])
        self._flops("v", [flop for flop in flops if flop.q in self.varying])
        self._signals()
        self._streams()
        data = [self.circuit.nodes[net] for net in self.ports.s_data]
        self.rows["in_slots"] = [self.v.get(node, -1) for node in data]
        return self._finished(flops, ordered)

    def _is_table(self, node: int) -> bool:
        return node in self.live and self.circuit.logic.tables[node] is not None

    # ---- slots

    def _u(self, node: int) -> int:
        if node in self.varying:
            raise refused("a value that must be the same for every frame depends on the data")
        if node not in self.u:
            self.u[node] = len(self.u_start)
            self.u_start.append(RANDOM)
        return self.u[node]

    def _v(self, node: int) -> int:
        """The slot of a node as lanes; of a uniform one that of its copy."""
        if node not in self.v:
            self.v[node] = self._new_v(0)
            if node not in self.varying:
                self.rows["splats"].append((self.v[node], self._u(node)))
        return self.v[node]

    def _new_v(self, start: int) -> int:
        self.v_start.append(start)
        return len(self.v_start) - 1

    # ---- parts

    def _merge_controls(self, flops: list[Flop]) -> None:
        """A flop whose enable or reset differs between lanes takes them into its data."""
        logic = self.circuit.logic
        before = len(logic.tables)
        for flop in flops:
            if flop.enable in self.varying or flop.reset in self.varying:
                data = logic.choose(flop.enable, flop.d, flop.q)
                value = ONE if flop.reset_value else ZERO
                flop.d = logic.choose(flop.reset, value, data)
                flop.enable, flop.reset = ONE, ZERO
                self.live.add(data)
                self.live.add(flop.d)
        for node in range(before, len(logic.tables)):
            self.live.add(node)
            made = logic.tables[node]
            if made is not None and any(source in self.varying for source in made[1]):
                self.varying.add(node)

    def _check_handshakes(self) -> None:
        nets = {"s_axis_tready": self.ports.s_ready, "m_axis_tvalid": self.ports.m_valid,
                "m_axis_tlast": self.ports.m_last}  # fmt: skip
        for name, net in nets.items():
            if self.circuit.nodes[net] in self.varying:
                raise refused(f"{name} depends on the data, so frames do not keep step")
        for port in self._live_ports():
            if any(node in self.varying for node in controls(port)):
                raise refused("the address or enable of a memory depends on the data")

    def _live_ports(self) -> list[Port]:
        shown = {
            id(place.column) for port in self.circuit.ports if port.kind != "write"
            for place in port.places if place.node in self.live
        }  # fmt: skip
        result = []
        for port in self.circuit.ports:
            places = [
                place for place in port.places
                if (id(place.column) in shown if port.kind == "write" else place.node in self.live)
            ]  # fmt: skip
            if places:
                result.append(Port(port.kind, port.address, port.stride, places, port.enable,
                                   port.reset, port.shift))  # fmt: skip
        return result

    def _place_columns(self) -> None:
        """Columns of a bank lie together, row by row."""
        groups: dict[tuple[bool, int], list[Column]] = {}
        for port in self.memory:
            for place in port.places:
                column = place.column
                if id(column) in self.bases:
                    continue
                self.bases[id(column)] = (-1, -1)
                key = (id(column) in self.columns, column.bank)
                groups.setdefault(key, []).append(column)
        for (varies, _), columns in groups.items():
            memory = self.rows["v_memory" if varies else "u_memory"]
            base = len(memory)
            for k, column in enumerate(columns):
                self.bases[id(column)] = (base + k, len(columns))
            memory += [bit for row in zip(*(c.start for c in columns), strict=True) for bit in row]

    def _states(self, flops: list[Flop]) -> None:
        """Slots of flops, registered outputs and what memories show, with their start values."""
        starts = [(flop.q, flop.start) for flop in flops]
        for port in self.memory:
            if port.kind == "synchronous":
                starts += [(place.node, place.start) for place in port.places]
        for node, start in starts:
            self.states.add(node)
            if node in self.varying:
                self.v[node] = self._new_v(start)
            else:
                self.u_start[self._u(node)] = start

    def _looks(self, nodes: list[int]) -> None:
        """Uniform logic in order; what memories show at once is read before its first reader."""
        reads = {
            place.node: port for port in self.memory if port.kind == "read"
            for place in port.places if place.node not in self.varying
        }  # fmt: skip
        done: set[int] = set()

        def read(source: int) -> None:
            port = reads.get(source)
            if port is not None and id(port) not in done:
                done.add(id(port))
                number = self._port(port, "u")
                self.rows["looks"].append((-1, number, *[0] * 7))

        for node in nodes:
            made = self.circuit.logic.tables[node]
            assert made is not None
            for source in made[1]:
                read(source)
            table, inputs = made
            full = [self._u(source) for source in inputs]
            size = 1 << len(inputs)
            wide = sum(table << (size * k) for k in range(64 // size))
            self.rows["looks"].append((self._u(node), *full, *[0] * (6 - len(full)),
                                       _signed(wide), _signed(wide >> 32)))  # fmt: skip
        for source in reads:
            read(source)

    def _steps(self, nodes: list[int]) -> None:
        """Varying logic cut into tables of three inputs, level by level, equal tables together."""
        level: dict[int, int] = defaultdict(int)  # by node, or by a name of our own below 0
        made: list[tuple[int, int, int, tuple[int, int, int]]] = []
        own = 0
        for node in nodes:
            found = self.circuit.logic.tables[node]
            assert found is not None
            table, inputs = found
            names = list(inputs)
            plan = steps(table, len(inputs))
            for k, (part, places) in enumerate(plan):
                own -= 1
                name = node if k == len(plan) - 1 else own
                code, sources = three(part, tuple(names[i] for i in places))
                level[name] = 1 + max(level[source] for source in sources)
                made.append((level[name], code, name, sources))
                names.append(name)
        made.sort(key=lambda step: step[:2])
        for _, _, name, _ in made:
            self.v[name] = self._new_v(0)
        runs: list[list[int]] = []
        last = None
        for depth, code, name, sources in made:
            self.rows["steps"].append((self.v[name], *(self._v(source) for source in sources)))
            if last != (depth, code):
                runs.append([code, 0])
                last = (depth, code)
            runs[-1][1] += 1
        self.rows["runs"] = [tuple(run) for run in runs]

    def _memory_ports(self) -> None:
        for port in self.memory:
            for kind in "uv":
                if kind == "u" and port.kind == "read":
                    continue  # among the looks
                part = [p for p in port.places if (id(p.column) in self.columns) == (kind == "v")]
                if part:
                    name = {"read": "reads", "write": "writes"}.get(port.kind, port.kind)
                    self.rows[f"{kind}_{name}"].append(self._port(port, kind))

    def _port(self, port: Port, kind: str) -> int:
        """A port's row and entries: of its places in uniform (u) or varying (v) columns."""
        slot = self._v if kind == "v" else self._u
        places = [p for p in port.places if (id(p.column) in self.columns) == (kind == "v")]
        address = len(self.rows["addresses"])
        self.rows["addresses"] += [self._u(node) for node in port.address]
        entry = len(self.rows["entries"])
        strides = set()
        for place in places:
            base, distance = self.bases[id(place.column)]
            strides.add(distance)
            self.rows["entries"].append(
                (base + place.offset * distance, slot(place.node), slot(place.through),
                 self._u(place.through_enable), place.reset_value)
            )  # fmt: skip
        if len(strides) != 1:
            raise refused("a memory's ports do not share their columns")
        shift = -1 if port.shift is None else port.shift
        depth = 0 if port.shift is None else self.circuit.shifts[port.shift]
        self.rows["ports"].append(
            (address, len(port.address), port.stride * strides.pop(), entry, len(places),
             self._u(port.enable), self._u(port.reset), shift, depth)
        )  # fmt: skip
        return len(self.rows["ports"]) - 1

    def _flops(self, kind: str, flops: list[Flop]) -> None:
        """Flops by what they share: enable, reset and its value."""
        groups: dict[tuple[int, int, int], list[Flop]] = defaultdict(list)
        for flop in flops:
            groups[flop.enable, flop.reset, flop.reset_value].append(flop)
        pairs, holds = self.rows[f"{kind}_flops"], self.rows["v_holds"]
        for (enable, reset, value), members in groups.items():
            first, hold = len(pairs), len(holds)
            for flop in members:
                if kind == "u":
                    pairs.append((self._u(flop.q), self._u(flop.d)))
                    continue
                source = self._v(flop.d)
                if flop.d in self.states:
                    holds.append((self._new_v(0), source))
                    source = holds[-1][0]
                pairs.append((self._v(flop.q), source))
            self.rows[f"{kind}_groups"].append(
                (self._u(enable), self._u(reset), value, first, len(members), hold,
                 len(holds) - hold)
            )  # fmt: skip

    def _signals(self) -> None:
        p = self.ports
        nets = (p.rst_n, p.s_valid, p.s_last, p.m_ready, p.s_ready, p.m_valid, p.m_last)
        slots = []
        for i, net in enumerate(nets):
            node = self.circuit.nodes[net]
            slots.append(self._u(node))
            if i < 4:
                self.u_start[slots[-1]] = 0
        self.rows["signals"] = [tuple(slots)]
        self.rows["out_slots"] = [self._v(self.circuit.nodes[net]) for net in p.m_data]

    def _streams(self) -> None:
        for valid, ready, data in self.ports.streams.values():
            known = all(net in self.circuit.nodes for net in (valid, ready, *data))
            first = len(self.rows["stream_data"])
            nodes = [self.circuit.nodes.get(net, ZERO) for net in (valid, ready)]
            if not known or any(node in self.varying for node in nodes):
                self.rows["streams"].append((-1, -1, first, 0))
                continue
            self.rows["stream_data"] += [self._v(self.circuit.nodes[net]) for net in data]
            self.rows["streams"].append((*(self._u(n) for n in nodes), first, len(data)))

    def _finished(self, flops: list[Flop], ordered: list[int]) -> Program:
        self.rows["u_start"], self.rows["v_start"] = self.u_start, self.v_start
        self.rows["counts"] = [
            (len(self.u_start), len(self.v_start), len(self.circuit.shifts),
             len(self.ports.s_data), len(self.ports.m_data))
        ]  # fmt: skip
        tables = {
            name: np.ascontiguousarray(
                np.array(rows, np.int8 if name in _BYTES else np.int32).reshape(
                    (-1, _WIDTHS[name]) if name in _WIDTHS else -1
                )
            )
            for name, rows in self.rows.items()
        }
        varying = {
            "steps": len(self.rows["steps"]), "runs": len(self.rows["runs"]),
            "tables": len(ordered), "uniform_tables": len(self.rows["looks"]),
            "flops": len(self.rows["v_flops"]), "all_flops": len(flops),
            "memory_bits": len(self.rows["v_memory"]),
        }  # fmt: skip
        return Program(tables, tuple(self.ports.streams), varying)


def _signed(word: int) -> int:
    word &= 0xFFFFFFFF
    return word - (1 << 32) if word >> 31 else word
