"""Pauses and hangs: how long to wait until a simulation counts as stuck, and which streams block.

In a deadlock some node holds one stream back (its word is valid, the node is not ready) while it
starves on another (ready, nothing valid): that node and the FIFO in front of it are the place to
look.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ..accelerator import Accelerator
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
    accelerator: Accelerator, stall: tuple[float, float], throttle: float | Fraction | None
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
    accelerator: Accelerator,
    states: Mapping[str, tuple[bool, bool]],
    *,
    cycles: int,
    at: int,
    taken: tuple[int, int],
    given: tuple[int, int],
) -> str:
    """One sentence on where the words stand, then every stream's state.

    Args:
        states: (valid, ready) by stream name.
        cycles: without a transfer. at: cycle of the last one.
        taken, given: (frames, words of the next) that went in and came out.
    """
    consumer = {s.name: s.consumer for s in accelerator.streams}
    blocked = [name for name, (valid, ready) in states.items() if valid and not ready]
    waiting = [name for name, (valid, ready) in states.items() if ready and not valid]
    lines = [
        f"the accelerator hangs: no word moved in or out for {cycles} cycles after cycle {at} "
        f"(in: frame {taken[0]} word {taken[1]}, out: frame {given[0]} word {given[1]})"
    ]
    if blocked:
        lines[0] += f"; blocked: {', '.join(blocked)}"
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
