"""QONNX to a streaming accelerator, by FINN's builder steps and ours.

file --lowering--> integer graph --emit--> FINN dialect --FINN's steps--> hardware layers
     --our RTL ops, folding, width converters, FIFOs--> dataflow graph --stitch--> rtl/
"""

from __future__ import annotations


def __getattr__(name: str):
    if name == "compile_model":
        from .build import compile_model

        return compile_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
