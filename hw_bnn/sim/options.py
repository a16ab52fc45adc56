"""What the options of a simulation may be; everything else is refused before long work begins."""

from __future__ import annotations

from ..errors import BadInput
from ..options import EngineOptions, check_jobs
from .stall import stall_pair

LONGEST_PAUSE = 1_000_000  # cycles between two words
LAST_CYCLE = 1 << 62
LARGEST_SEED = (1 << 63) - 1


def check_options(asked: EngineOptions, *, seed: int, preamble: int) -> None:
    """Refuse options that are out of range or contradict each other.

    Raises:
        BadInput: the first such option.
    """
    jobs, throttle, window = asked.jobs, asked.throttle, asked.window
    check_jobs(jobs)
    check_seed(seed)
    stall_pair(asked.stall)
    if throttle is not None and not 0 < throttle <= LONGEST_PAUSE:
        raise BadInput(
            f"the throttle is {throttle}",
            remedy=f"use more than 0 and at most {LONGEST_PAUSE:,} cycles a word",
        )
    if preamble < 0:
        raise BadInput(f"the preamble is {preamble} words", remedy="use 0 or more")
    alone = jobs == 1 and not asked.resume and asked.scheduler is None
    if not alone and (asked.waves is not None or preamble):
        raise BadInput(
            "several jobs, a cluster and resuming are without waves and preamble",
            remedy="leave one of them out",
        )
    if window is not None and (asked.waves is None or not 0 <= window[0] < window[1] <= LAST_CYCLE):
        what = "is of waves, and none are written" if asked.waves is None else "holds no cycle"
        raise BadInput(
            f"the window {window[0]}:{window[1]} {what}",
            remedy="name a file for the waves, and cycles 0 <= FROM < TO",
        )


def check_seed(seed: int) -> None:
    """Refuse a seed that a generator of random numbers does not take.

    Raises:
        BadInput: it is negative, or above 2^63 - 1.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise BadInput(f"the seed is {seed}", remedy="use 0 to 2^63 - 1")
