"""What an ONNX file says: read, checked, its nodes and attributes typed, its constants computed.

Shared by the compiler and the golden model, which both walk a file with rules of their own:

    read.py       the file: whole, self-contained and in order, or refused
    graph.py      one input, one output, annotations, the nodes that the output depends on
    node.py       a node: its name for messages, typed attributes, inputs by position
    axes.py       axes, permutations and shapes that it names: within the tensor, each once
    walk.py       a registry of rules, and the loop that names the node in every error
    constants.py  which nodes of constants are computed here, and the rest that stays exact
    evaluate.py   one such node executed, never beyond bounds
    support.py    the operators that a network may hold

What the numbers *mean* is no part of it: that stands in golden/ and in compile/, twice and
independently.
"""

from .graph import Graph
from .node import Node
from .read import check_model, load_onnx
from .walk import Registry, Rule, naming, walk

__all__ = ["Graph", "Node", "Registry", "Rule", "check_model", "load_onnx", "naming", "walk"]
