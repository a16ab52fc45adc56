"""Pauses and hangs: how long to wait until a simulation counts as stuck, and which streams block.

In a deadlock some node holds one stream back (its word is valid, the node is not ready)
while it starves on another (ready, nothing valid): that node and the FIFO in front of it are
the place to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ..accelerator import Description
from ..accelerator.config_stream import status_text
from ..errors import BadInput

_MARGIN = 4
_FLOOR = 2_000


def stall_pair(stall: float | tuple[float, float]) -> tuple[float, float]:
    """Probabilities of a pause per cycle of (source, sink), from one number or both.

    Raises:
        BadInput: one is not in 0 <= p < 1.
    """
    pair = stall if isinstance(stall, tuple) else (stall, stall)
    if not all(0 <= p < 1 for p in pair):
        raise BadInput(f"the stall probability is {stall}, it must be at least 0 and below 1")
    return pair


def hang_limit(
    accelerator: Description, stall: tuple[float, float], throttle: float | Fraction | None
) -> int:
    """Cycles without a transfer on s_axis or m_axis after which nothing can be under way any more.

    A frame needs at most every node's cycles and every stream's words one after another; pauses
    stretch that by 1/(1-p), a throttled source by its pace a word.
    """
    work = sum(node.cycles for node in accelerator.nodes)
    words = sum(stream.words for stream in accelerator.streams)
    pace = float(throttle or 0) * accelerator.input.words
    return int(_MARGIN * (work + words + pace) / (1 - max(stall)) + _FLOOR)


def hang_report(
    accelerator: Description,
    states: Mapping[str, tuple[bool, bool]],
    *,
    cycles: int,
    at: int,
    taken: tuple[int, int],
    given: tuple[int, int],
    lost: str | None = None,
    config_status: int = 1,
) -> str:
    """One sentence on where the words stand, then every stream's state.

    Args:
        states: (valid, ready) by stream name.
        cycles: without a transfer. at: cycle of the last one.
        taken, given: (frames, words of the next) that went in and came out.
        lost: what `lost_words` found. config_status: of the config port, where there is one.
    """
    consumer = {s.name: s.consumer for s in accelerator.streams}
    blocked = [name for name, (valid, ready) in states.items() if valid and not ready]
    # A join that takes its words together is not ready for the one it lacks either.
    waiting = [name for name, (valid, _) in states.items() if not valid]
    lines = [
        f"the accelerator hangs: no word moved in or out for {cycles} cycles after cycle {at} "
        f"(in: frame {taken[0]} word {taken[1]}, out: frame {given[0]} word {given[1]})"
    ]
    if blocked:
        lines[0] += f"; blocked: {', '.join(blocked)}"
    if lost:
        lines[0] += f"; {lost}"
    if not config_status & 1:
        lines[0] += f"; {status_text(config_status)}"
    starving = {consumer[name] for name in waiting}
    for name in blocked:
        node = consumer[name]
        if node in starving:
            empty = [w for w in waiting if consumer[w] == node]
            lines.append(
                f"  {node} holds back {name} while it waits for {', '.join(empty)}: "
                "the FIFOs between them are too shallow, or words were lost"
            )
    kinds = {
        (True, True): "moving", (True, False): "BLOCKED (valid, not ready)",
        (False, True): "empty (ready, not valid)", (False, False): "idle (neither)",
    }  # fmt: skip
    for stream in accelerator.streams:
        if stream.name in states:
            state = kinds[states[stream.name]]
            lines.append(f"  {stream.name}: {stream.producer} -> {stream.consumer}: {state}")
    return "\n".join(lines)


def lost_words(
    accelerator: Description,
    moved: Mapping[str, int],
    states: Mapping[str, tuple[bool, bool]],
) -> str | None:
    """The first node that took whole frames and did not give them, once nothing moves any more.

    Args:
        moved: words transferred by stream name, since reset. states: (valid, ready) by stream name.

    Returns:
        A sentence that names the node and its layer in the model file; None where every node gave
        what it took or is held back by its consumer.
    """
    words = {s.name: s.words for s in accelerator.streams}
    for node in accelerator.nodes:
        if any(states[name] == (True, False) for name in node.outputs):
            continue
        taken = min(moved[name] // words[name] for name in node.inputs)
        given = min(moved[name] // words[name] for name in node.outputs)
        if given < taken:
            streams = (*node.inputs, *node.outputs)
            counts = ", ".join(f"{moved[name]:,} on {name}" for name in streams)
            return (
                f"{node.name} ({layer_place(accelerator, node.name)}) took {taken:,} whole frames "
                f"and gave {given:,}: it loses words ({counts})"
            )
    return None


def layer_place(accelerator: Description, name: str) -> str:
    """Where a node stands in the user's model: "layer L", or "between A and B" without one."""
    nodes = {node.name: node for node in accelerator.nodes}
    ends = {s.name: (s.producer, s.consumer) for s in accelerator.streams}

    def nearest(node: str, streams: str, end: int) -> str | None:
        while node in nodes and nodes[node].layer is None:
            node = ends[getattr(nodes[node], streams)[0]][end]
        return nodes[node].layer if node in nodes else None

    if nodes[name].layer is not None:
        return f"layer {nodes[name].layer}"
    before, after = nearest(name, "inputs", 0), nearest(name, "outputs", 1)
    return f"between {before or 'the input'} and {after or 'the output'}"
