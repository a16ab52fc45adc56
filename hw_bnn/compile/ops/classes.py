"""The list of our ops. What an op is stands in its class, without FINN; what FINN asks of a node is
put below it where FINN builds (finn_ops.py), an outline of that where costs alone are asked for
(outline.py).

    @custom_op("matrixvectoractivation:MVAU")
    class XnorMVAU_rtl(FoldedMVAU): ...

`super()` in such a class leads to FINN's (or the outline's) methods.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from finn.custom_op.fpgadataflow.rtlbackend import RTLBackend as OpBase
else:
    OpBase = object

Class = TypeVar("Class", bound=type)


class OwnOp(NamedTuple):
    """kind: the class of an op. like: FINN's op that it takes the place of, as "module:class" below
    finn.custom_op.fpgadataflow; None for one of ours alone."""

    kind: type
    like: str | None


OPS: dict[str, OwnOp] = {}
"""Name of an op, which a node has as its op_type -> the op."""


def custom_op(like: str | None = None) -> Callable[[Class], Class]:
    """Put a class into the list of our ops, by its name."""

    def register(kind: Class) -> Class:
        OPS[kind.__name__] = OwnOp(kind, like)
        return kind

    return register
