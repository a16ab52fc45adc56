"""Keep Brevitas 0.13 working where torch has no named tensors any more (torch 2.13 and later).

Brevitas drops a tensor's names at the entry of each layer, by a method that these versions of torch
no longer have; there are no names to drop then. Importing this module is enough.
"""

from __future__ import annotations

import functools

import torch
from brevitas.nn.mixin.base import QuantLayerMixin


def _patch() -> None:
    if hasattr(torch.Tensor, "rename"):
        return
    original = QuantLayerMixin.unpack_input

    @functools.wraps(original)
    def unpack_input(self, inp):
        # While tracing, Brevitas takes its other branch, which does not rename.
        return original(self, inp) if torch._C._get_tracing_state() else inp

    QuantLayerMixin.unpack_input = unpack_input


_patch()
