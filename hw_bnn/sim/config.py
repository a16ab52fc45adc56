"""What a run of a model sends to the config port."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..accelerator.config_stream import ConfigWords
from ..errors import BadInput
from .driver_api import check_array


@dataclass(frozen=True)
class Config:
    """What goes to the config port in a run.

    Attributes:
        words: (n,) uint32.
        after: (n,) cycles before which each word is not offered; None for none.
        first: no frame is offered before all have been taken and worked on; it is one load, which
            has to end right.
    """

    words: ConfigWords
    after: NDArray[np.uint64] | None = None
    first: bool = True

    def __post_init__(self) -> None:
        check_array("config.words", self.words, (len(self.words),), np.uint32)
        if self.after is not None and np.shape(self.after) != self.words.shape:
            raise BadInput(
                f"config.after has shape {np.shape(self.after)}, not one cycle for each of "
                f"{len(self.words)} words"
            )

    @cached_property
    def times(self) -> NDArray[np.uint64]:
        """`after`, 0 where nothing is told."""
        given = np.zeros(len(self.words)) if self.after is None else self.after
        return np.ascontiguousarray(given, np.uint64)
