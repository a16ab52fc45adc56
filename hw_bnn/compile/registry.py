"""The rules of the compiler, by op type: what each node means to it (rules_*.py)."""

from __future__ import annotations

from ..onnxfile import Registry

RULES = Registry()
rule = RULES.rule
"""Register the rule of some op types. It writes the value of each output of the node."""
