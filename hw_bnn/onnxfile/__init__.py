"""What an ONNX file says: read, checked, its nodes and attributes typed, its constants computed.

Shared by the compiler and the golden model, which both walk a file with rules of their own:

    read.py       the file: whole, self-contained and in order, or refused
    graph.py      one input, one output, annotations, the nodes that the output depends on
    node.py       a node: its name for messages, typed attributes, inputs by position
    walk.py       a registry of rules, and the loop that names the node in every error

What the numbers *mean* is no part of it: that stands in golden/ and in compile/, twice and
independently.
"""

from .graph import Graph
from .node import Node
from .read import check_model, load_onnx
from .walk import Registry, Rule, naming, walk

__all__ = ["Graph", "Node", "Registry", "Rule", "check_model", "load_onnx", "naming", "walk"]
