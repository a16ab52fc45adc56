"""What people see of the steps of `compile`: the many of FINN's builder are one."""

from __future__ import annotations

from collections.abc import Callable

_WORDS = {"step_bnn_streams": "streams", "step_bnn_import": "import"}


def step_names(begin: Callable[[str], None]) -> Callable[[str], None]:
    """A `progress` for compile_model that hands on names for people.

    >>> names = []
    >>> progress = step_names(names.append)
    >>> for step in ("import", "FINN", "step_tidy_up", "folding", "step_bnn_streams", "RTL"):
    ...     progress(step)
    >>> names
    ['import', 'FINN', 'FINN', 'folding', 'streams', 'RTL']
    """

    def progress(step: str) -> None:
        begin(_WORDS.get(step, "FINN" if step.startswith("step_") else step))

    return progress
