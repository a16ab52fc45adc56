"""What is built of an accelerator's own RTL."""

from __future__ import annotations

from pathlib import Path

from ..accelerator import Description
from .build import Design, Variant, folder_sources, stream_visibility
from .neutral import TOP, Neutral


def rtl_design(rtl: Path, accelerator: Description, variant: Variant = "fast") -> Design:
    """The build of an accelerator's own RTL.

    Each FIFO gets room for a frame in it whatever its depth, which `NativeModel` sets as its
    capacity: one build serves FIFO sizing and every result of it.
    """
    sources = folder_sources(rtl, accelerator.sources)
    names = Neutral.of(accelerator)
    texts = dict(names.texts(sources))
    words = {stream.name: stream.words for stream in accelerator.streams}
    for node in accelerator.nodes:
        name = names.file(f"{accelerator.module_of(node)}.v")
        if node.op == "Fifo_rtl" and name in texts:
            frame = max(2, words[node.outputs[0]])
            room = frame if (node.depth or 0) <= max(4 * frame, 8192) else node.depth
            texts[name] = texts[name].replace(f".DEPTH({node.depth})", f".DEPTH({room})")
    return Design(
        sources=tuple(path for path in sources if not names.owns(path.name)),
        texts=tuple(texts.items()),
        in_bits=accelerator.input.tdata_bits,
        out_bits=accelerator.output.tdata_bits,
        top=TOP,
        visible=stream_visibility(TOP),
        variant=variant,
        names=names,
        config=accelerator.config is not None,
        contexts=accelerator.contexts > 1,
    )
