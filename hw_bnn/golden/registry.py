"""The rules of the golden model, by op type: what each node means to it (rules_*.py)."""

from __future__ import annotations

from ..onnxfile import Registry

RULES = Registry()
rule = RULES.rule
"""Register the rule of some op types. It returns the value of the node's first output, or
a tuple with one for each."""
