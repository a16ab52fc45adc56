"""Names of tensors and nodes in users' habits; some are the compiler's own, or collide once they
are made identifiers.

>>> sorted(HABITS)[:3]
['colliding', 'empty', 'finn']
"""

from __future__ import annotations

from collections.abc import Callable

import onnx

KEYWORDS = (
    "module",
    "wire",
    "endmodule",
    "begin",
    "end",
    "always_ff",
    "logic",
    "reg",
    "input",
    "output",
    "assign",
)
OWN = (
    "global_in", "global_out", "bnn_fifo", "s_axis", "m_axis", "XnorMVAU_rtl_0",
    "IntMVAU_rtl_0",
    "StreamingFIFO_rtl_0", "Fork_rtl_0", "ap_clk", "scores", "label", "MultiThreshold_0",
    "MatMul_0_out0",
)  # fmt: skip


def _of(words: tuple[str, ...]) -> Callable[[str, int], str]:
    """The words in turn, numbered when they are used up."""
    return lambda name, i: words[i % len(words)] + (f"_{i}" if i >= len(words) else "")


HABITS: dict[str, Callable[[str, int], str]] = {
    "finn": lambda name, i: name,
    "swapped": lambda name, i: name,
    "numbers": lambda name, i: str(i),
    "colliding": lambda name, i: f"a{'._/-: ,'[i % 7]}b{'c' * (i // 7)}",
    "keywords": _of(KEYWORDS),
    "own": _of(OWN),
    "weird": lambda name, i: f"{name} é中'\"`$(x);\\\n{{{i}}}",
    "tensorflow": lambda name, i: f"StatefulPartitionedCall/model/{name}/BiasAdd:{i}",
    "long": lambda name, i: name + "L" * 300,
    "empty": lambda name, i: name,
    "same": lambda name, i: name,
}
ENDS = {"finn": ("global_in", "global_out"), "swapped": ("global_out", "global_in")}


def with_names(model: onnx.ModelProto, habit: str | None) -> onnx.ModelProto:
    """The model with its tensors and nodes renamed, in place."""
    if habit is None:
        return model
    graph, rename = model.graph, HABITS[habit]
    old = [i.name for i in graph.input] + [t.name for t in graph.initializer]
    old += [o for node in graph.node for o in node.output]
    names = {name: rename(name, i) for i, name in enumerate(old)}
    if habit in ENDS:
        names[graph.input[0].name], names[graph.output[0].name] = ENDS[habit]
    for i, node in enumerate(graph.node):
        node.input[:] = [names.get(n, n) for n in node.input]
        node.output[:] = [names[n] for n in node.output]
        node.name = {"empty": "", "same": "layer"}.get(habit, rename(node.name, i))
    for part in (graph.input, graph.output, graph.initializer):
        for item in part:
            item.name = names[item.name]
    for note in graph.quantization_annotation:
        note.tensor_name = names[note.tensor_name]
    return model
