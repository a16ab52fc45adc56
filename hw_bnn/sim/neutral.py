"""The sources of an accelerator under names that are the same for all.

Modules and memory files carry their accelerator's name, so that several stand in one design. A
simulation holds one alone: there `digits_IntMVAU_rtl_0` is `bnn_accelerator_IntMVAU_rtl_0`, and
networks of one shape share a build whatever they are called. The key of a build is made of the
very text that is built, so that no other design can answer to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..accelerator import Description
from ..errors import BadInput, HwBnnError
from ..rtl import FOLDER as KERNELS

TOP = "bnn_accelerator"
"""No accelerator is called so: names that begin with bnn_ are those of the kernels."""

BYTES = {"encoding": "utf-8", "errors": "surrogateescape"}
"""How a source is read and written again, whatever bytes its comments hold."""


@dataclass(frozen=True)
class Neutral:
    """New names for an accelerator's own files and the modules in them.

    Attributes:
        top: its top module.
        sources, memories: names of its files in rtl/.

    >>> net = Neutral("net", ("net.sv", "net_m0.v", "bnn_fifo.sv"), ("net_m0_weights.hex",))
    >>> net.text('module net_m0 (input net_x); // "net_m0_weights.hex"')
    'module bnn_accelerator_m0 (input net_x); // "bnn_accelerator_m0_weights.hex"'
    >>> net.file("net.sv"), net.file("bnn_fifo.sv")
    ('bnn_accelerator.sv', 'bnn_fifo.sv')
    >>> Neutral("bnn", ("bnn.sv", "bnn_fifo.sv"), ()).file("bnn_fifo.sv")  # a kernel's all the same
    'bnn_fifo.sv'
    """

    top: str
    sources: tuple[str, ...]
    memories: tuple[str, ...]

    @classmethod
    def of(cls, accelerator: Description) -> Neutral:
        """The new names of an accelerator.

        Raises:
            BadInput: a file has one of the new names, which no compile gives.
        """
        memories = set(accelerator.memory_files)
        for name in (*accelerator.sources, *memories):
            if name.startswith(TOP):
                raise BadInput(
                    f"the accelerator's file {name} has a name that simulations use",
                    remedy="compile it again",
                )
        return cls(accelerator.top, tuple(accelerator.sources), tuple(sorted(memories)))

    def owns(self, file: str) -> bool:
        """Whether a file carries the accelerator's name."""
        stem = file.partition(".")[0]
        named = stem == self.top or stem.startswith(f"{self.top}_")
        return named and not (KERNELS / file).is_file()

    def file(self, name: str) -> str:
        """The new name of a file, which is the old one where all accelerators share it."""
        return TOP + name.removeprefix(self.top) if self.owns(name) else name

    @cached_property
    def _own(self) -> re.Pattern[str] | None:
        """The top's name at the beginning of a name of its own files; None where it has none."""
        own = filter(self.owns, (*self.sources, *self.memories))
        stems = {name.partition(".")[0] for name in own} - {self.top}
        endings = "|".join(sorted(re.escape(stem.removeprefix(self.top)) for stem in stems))
        return re.compile(rf"\b{self.top}(?=(?:{endings})\b)") if endings else None

    def text(self, source: str) -> str:
        """A source with new names.

        The top's own is replaced where the top is defined alone: a port may have it, too.
        """
        if self._own is not None:
            source = self._own.sub(TOP, source)
        return re.sub(rf"^(// |module |endmodule : ){self.top}\b", rf"\1{TOP}", source, flags=re.M)

    def texts(self, sources: Iterable[Path]) -> tuple[tuple[str, str], ...]:
        """(new name, new text) of those of the sources that are the accelerator's own."""
        own = [path for path in sources if self.owns(path.name)]
        return tuple((self.file(path.name), self.text(path.read_text(**BYTES))) for path in own)

    def link_memories(self, rtl: Path, place: Path) -> None:
        """Links to the memory files of `rtl` under their new names."""
        for name in self.memories:
            (place / self.file(name)).symlink_to((rtl / name).absolute())

    def told(self, message: str) -> str:
        """What a tool says, with the accelerator's own names."""
        return message.replace(TOP, self.top)

    @contextmanager
    def own_names(self) -> Iterator[None]:
        """Errors of the body speak of the accelerator's own names."""
        try:
            yield
        except HwBnnError as error:
            reason = self.told(error.reason)
            raise type(error)(reason, node=error.node, remedy=error.remedy) from error
