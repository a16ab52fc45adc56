"""Where in a torch module an error came up, the layer that was being run; its plain outputs."""

from __future__ import annotations

from types import TracebackType

from torch import Tensor, nn


class Values(nn.Module):
    """A network whose last layer gives a quantised tensor of Brevitas, giving its values alone."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x).value


class Running:
    """While it is open, follows which modules of a network run.

    Attributes:
        stack: names of the modules that have begun and not ended, the innermost last.
        last: name of the module that ended last; "" before the first.
    """

    def __init__(self, model: nn.Module):
        self.model = model
        self.stack: list[str] = []
        self.last = ""

    def __enter__(self) -> Running:
        self._hooks = []
        for name, module in self.model.named_modules():
            if name:
                self._hooks += [
                    module.register_forward_pre_hook(lambda *_, name=name: self.stack.append(name)),
                    module.register_forward_hook(lambda *_, name=name: self._end(name)),
                ]
        return self

    def __exit__(self, kind: type | None, error: object, at: TracebackType | None) -> None:
        for hook in self._hooks:
            hook.remove()

    def _end(self, name: str) -> None:
        self.stack.pop()
        if "." not in name or not self.last.startswith(f"{name}."):
            self.last = name

    @property
    def place(self) -> str:
        """In words: the layer that runs, and what ran before it where that is the whole network."""
        if self.stack:
            return self.stack[-1]
        whole = type(self.model).__name__
        return f"{whole} (behind {self.last})" if self.last else whole
