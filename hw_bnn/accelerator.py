"""The accelerator folder: what `compile` writes and every later command reads.

    DIR/accelerator.json   this module's :class:`Accelerator`
    DIR/model.onnx         the user's file, as given
    DIR/dataflow.onnx      FINN's dataflow graph
    DIR/rtl/               self-contained: sources, memory files by relative name, files.f
    DIR/golden/ reports/ sim/ synth/ ...

**Streams.** All are AXI4-Stream. A *stream* carries frames; a frame is `words` beats of `word_bits`
useful bits, zero-extended to `tdata_bits` (whole bytes). Elements are packed densely, element 0 in the
least significant bits, and the channel is the fastest index (NHWC).

**Input.** A frame is the bit string of its `elements` x `element_bits` bits (element i at bit
i*element_bits, two's complement when signed, 1 = +1 and 0 = -1 when bipolar), cut into `words` words of
`word_bits`; the last word is filled with zeros. Where word_bits is a multiple of 8 a frame is therefore the
dense little-endian byte string, 98 bytes for 784 pixels of one bit.

**Output.** Beat w of a frame holds `lanes` scores: score w*lanes+l is a two's complement number of
`score_bits` bits at bit l*score_bits; the argmax label stands at bit `label_offset` in the *last* beat.
With mode "scores" there is no label, with mode "label" there is one beat with the label alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import BadInput

SCHEMA = 2
TOP = "bnn_accelerator"
"""Name of the top module: ports ap_clk, ap_rst_n, s_axis_*, m_axis_* (tdata, tvalid, tready, tlast)."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Input(_Part):
    """The input contract. An integer x stands for the real value scale*x + offset in the user's model."""

    datatype: str  # QONNX name: UINT8, INT8, BIPOLAR, ...
    minimum: int
    maximum: int
    shape: list[
        int
    ]  # of one frame as in the model file, without the batch dimension: (K) or (C,H,W)
    stream_shape: list[int]  # of one frame as streamed: (K) or (H,W,C)
    transpose: list[int] | None = None  # shape -> stream_shape: np.transpose(frame, transpose)
    tensor: str  # name in model.onnx of the tensor that these integers represent
    elements: int
    element_bits: int
    words: int
    word_bits: int
    tdata_bits: int


class Output(_Part):
    """The output contract; scores are the integer accumulators of the last integer layer."""

    mode: Literal["scores", "label", "both"]
    tensor: str  # name in model.onnx of the last integer layer's output
    scores: int  # number of scores a frame
    lanes: int
    score_bits: int
    label_bits: int
    label_offset: int
    words: int
    tdata_bits: int


class Stream(_Part):
    """A point-to-point stream of the stitched top; its wires are <name>_tdata, <name>_tvalid, <name>_tready."""

    name: str
    producer: str  # node name, or "s_axis"
    consumer: str  # node name, or "m_axis"
    tensor: str | None = (
        None  # name in model.onnx of the integer tensor it carries, where there is one
    )
    words: int  # beats a frame
    word_bits: int
    tdata_bits: int


class Resources(_Part):
    """An estimate of what a node, or all of them, takes on a Xilinx 7-series device (synth/estimate.py)."""

    lut: int
    ff: int
    bram: float  # of 36 kbit
    dsp: int


class Memory(_Part):
    """A memory file of a node: `words` lines of hexadecimal digits, `bits` useful bits each.

    What the bits of a word mean is told at the head of the kernel (rtl/<module>.sv).
    """

    parameter: str  # of the kernel, that names the file: WEIGHTS_FILE, THRESHOLDS_FILE, ...
    file: str  # in rtl/
    words: int
    bits: int


class Planned(_Part):
    """What the generator of a hard-wired layer counted, the handshake's registers included."""

    lut: int
    ff: int


class Node(_Part):
    """A hardware layer of the stitched top; its instance name is its name."""

    name: str
    op: str  # XnorMVAU_rtl, IntMVAU_rtl, StreamingFIFO_rtl, ...
    module: str  # the kernel: a SystemVerilog module of hw_bnn.rtl
    layer: str | None = None  # the user's node in model.onnx that it implements
    inputs: list[str]
    outputs: list[str]
    cycles: int  # folding bound, cycles a frame
    pe: int | None = None
    simd: int | None = None
    mw: int | None = None
    mh: int | None = None
    depth: int | None = None  # FIFOs only, in words
    # The kernel's SystemVerilog parameters but those that name a file; what is absent has its default.
    parameters: dict[str, int | str] = Field(default_factory=dict)
    memories: list[Memory] = Field(default_factory=list)
    planned: Planned | None = None  # hard-wired layers only
    resources: Resources | None = None

    def memory(self, parameter: str) -> Memory | None:
        """The memory whose file a parameter of the kernel names; None where there is none."""
        return next((m for m in self.memories if m.parameter == parameter), None)


class Accelerator(_Part):
    """Contents of accelerator.json."""

    schema_version: Literal[2] = SCHEMA
    name: str
    top: str = TOP
    board: str | None
    part: str
    clk_period_ns: float
    input: Input
    output: Output
    nodes: list[Node]
    streams: list[Stream]
    bound_cycles: int  # cycles a frame of the slowest node by folding
    resources: Resources | None = None  # None where a node has no estimate
    sources: list[str]  # file names in rtl/, in compilation order; also in rtl/files.f
    hashes: dict[str, str]  # relative path -> sha256
    versions: dict[str, str]
    options: dict[str, object]  # the resolved options of the compile run

    @classmethod
    def load(cls, folder: str | Path) -> Accelerator:
        """Read FOLDER/accelerator.json.

        Raises:
            BadInput: the folder is no accelerator, or of another schema version.
        """
        path = Path(folder) / "accelerator.json"
        try:
            document = json.loads(path.read_text())
        except (FileNotFoundError, NotADirectoryError):
            raise BadInput(
                f"{folder} is not an accelerator folder (it has no accelerator.json)",
                remedy="make one with `hw-bnn compile`",
            ) from None
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise BadInput(
                f"{path} cannot be read ({error})", remedy="compile the model again"
            ) from error
        found = document.get("schema_version") if isinstance(document, dict) else None
        if found != SCHEMA:
            raise BadInput(
                f"{path} has schema version {found}, this hw_bnn reads {SCHEMA}",
                remedy="compile the model again",
            )
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise BadInput(
                f"{path} is damaged ({where}: {first['msg']})", remedy="compile the model again"
            ) from error

    def dump(self) -> str:
        """The text of accelerator.json (same accelerator, same bytes)."""
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"
