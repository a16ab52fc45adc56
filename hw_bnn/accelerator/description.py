"""The accelerator folder: what `compile` writes and every later command reads.

    DIR/accelerator.json   this module's :class:`Description`
    DIR/model.onnx         the user's file, as given
    DIR/dataflow.onnx      FINN's dataflow graph
    DIR/rtl/               self-contained: sources, memory files by relative name, files.f
    DIR/golden/ reports/ sim/ synth/ ...

**Streams.** All are AXI4-Stream. A *stream* carries frames; a frame is `words` beats of `word_bits`
useful bits, zero-extended to `tdata_bits` (whole bytes). Elements are packed densely, element 0 in
the least significant bits, and the channel is the fastest index (NHWC).

**Input.** A frame is the bit string of its `elements` x `element_bits` bits (element i at bit
i*element_bits, two's complement when signed, 1 = +1 and 0 = -1 when bipolar), cut into `words`
words of `word_bits`; the last word is filled with zeros. Where word_bits is a multiple of 8 a frame
is therefore the dense little-endian byte string, 98 bytes for 784 pixels of one bit.

**Output.** Beat w of a frame holds `lanes` scores: score w*lanes+l stands in `score_bits` bits
at bit l*score_bits, as `datatype` says: two's complement for INTn, unsigned for UINTn and
BINARY, 1 = +1 and 0 = -1 for BIPOLAR. The argmax label, unsigned, stands at bit `label_offset`
in the *last* beat. With mode "scores" there is no label, with mode "label" there is one beat
with the label alone. Where a frame has several `results`, one a context, they follow each other.
Where it has those of an `ensemble` of contexts, each beat is a class: the score is the sum over the
contexts, and in the label's place stands, in each beat, how many of their labels the class is.
"""

from __future__ import annotations

import json
import re
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from ..errors import BadInput, Unsupported
from ..files.jsonfile import read_json
from .config_port import ConfigPort
from .names import (
    Count,
    DataType,
    FileName,
    Identifier,
    Index,
    ModuleName,
    Part,
    PartName,
    RelativeName,
    Setting,
    Sha256,
    Shape,
    Text,
)
from .wiring import check_wiring

SCHEMA: Final = 3
SHORTEST_CLOCK_NS, LONGEST_CLOCK_NS = 1e-3, 1e6
"""Clock periods, in ns: a picosecond, the unit of waves, to 1 kHz, below any clock of an FPGA."""
SCALE = re.compile("[1-9][0-9]{0,399}(/[1-9][0-9]{0,399})?")
"""How a positive real number is told exactly: digits, or two numbers with a slash."""


def _require(right: bool, sentence: str) -> None:
    if not right:
        raise ValueError(sentence)


class Input(Part):
    """The input contract. An integer x stands for scale*x + offset, a real, in the user's model."""

    datatype: DataType
    minimum: int
    maximum: int
    shape: Shape  # of a frame as in the model file, without the batch dimension: (K) or (C,H,W)
    stream_shape: Shape  # of one frame as streamed: (K) or (H,W,C)
    transpose: list[Index] | None = None  # shape -> stream_shape: np.transpose(frame, transpose)
    tensor: Text  # name in model.onnx of the tensor that these integers represent
    elements: Count
    element_bits: Annotated[int, Field(ge=1, le=64)]
    words: Count
    word_bits: Count
    tdata_bits: Count

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        for name in ("shape", "stream_shape"):
            held = prod(getattr(self, name))
            _require(held == self.elements, f"{name} holds {held} elements, not {self.elements}")
        axes = self.transpose
        if axes is not None:
            _require(
                sorted(axes) == list(range(len(self.shape))),
                f"transpose {axes} is no order of the {len(self.shape)} dimensions",
            )
            _require([self.shape[a] for a in axes] == self.stream_shape,
                     "stream_shape is not shape transposed")  # fmt: skip
        _check_range(self.datatype, self.element_bits, self.minimum, self.maximum)
        _check_words(self.word_bits, self.tdata_bits)
        needed = -(-self.elements * self.element_bits // self.word_bits)
        _require(self.words == needed, f"a frame takes {needed} words, not {self.words}")
        return self


def _check_range(datatype: str, bits: int, least: int, greatest: int) -> None:
    _require(least <= greatest, f"minimum {least} is above maximum {greatest}")
    if datatype == "BIPOLAR":
        _require((least, greatest, bits) == (-1, 1, 1), "BIPOLAR is -1 and 1, 1 bit")
        return
    low = -(1 << bits - 1) if least < 0 else 0
    _require(
        low <= least and greatest < low + (1 << bits),
        f"{bits} bits do not hold {least}..{greatest}",
    )


def _check_words(word_bits: int, tdata_bits: int) -> None:
    _require(tdata_bits % 8 == 0, f"tdata_bits {tdata_bits} are no whole bytes")
    _require(
        word_bits <= tdata_bits, f"word_bits {word_bits} are more than tdata_bits {tdata_bits}"
    )


class Output(Part):
    """The output contract; scores are the integers that the last integer layer gives."""

    mode: Literal["scores", "label", "both"]
    tensor: Text  # name in model.onnx of the last integer layer's output
    datatype: DataType  # of a score
    minimum: int
    maximum: int
    scores: Count  # number of scores a frame
    lanes: Index  # 0 where there are no scores
    score_bits: Annotated[int, Field(ge=1, le=64)]
    label_bits: Annotated[int, Field(ge=1, le=32)]
    label_offset: Index
    words: Count
    results: Count = 1  # a frame, one a context: so many times `words` beats, tlast at their end
    ensemble: Count = 1  # contexts that a frame's one result sums up
    tdata_bits: Count

    def summed(self, contexts: int, tdata_bits: int) -> Output:
        """The contract of this output's sums and votes over so many contexts.

        Raises:
            Unsupported: scores of one bit, +1 and -1.
        """
        if self.datatype == "BIPOLAR":
            raise Unsupported(
                "an ensemble of scores of one bit", node=self.tensor,
                remedy="compile without ensemble=True",
            )  # fmt: skip
        bits = self.score_bits + (contexts - 1).bit_length()
        signed = self.signed or self.datatype.startswith("INT")
        changes = {
            "datatype": f"{'INT' if signed else 'UINT'}{bits}", "ensemble": contexts,
            "minimum": contexts * self.minimum, "maximum": contexts * self.maximum,
            "lanes": 1, "score_bits": bits, "label_offset": bits, "words": self.scores,
            "label_bits": contexts.bit_length(), "tdata_bits": tdata_bits,
        }  # fmt: skip
        return Output.model_validate(self.model_dump() | changes)

    @property
    def frame_words(self) -> int:
        """Beats up to tlast: of all results of a frame."""
        return self.words * self.results

    @property
    def signed(self) -> bool:
        """Whether a score's bits are a two's complement number."""
        return self.minimum < 0 and self.datatype != "BIPOLAR"

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        used = 0
        _check_range(self.datatype, self.score_bits, self.minimum, self.maximum)
        if self.mode != "label":
            used = self.lanes * self.score_bits
            room = self.words * self.lanes
            _require(
                0 <= room - self.scores < max(self.lanes, 1),
                f"{self.words} words of {self.lanes} lanes do not fit {self.scores} scores",
            )
        if self.mode != "scores":
            _require(
                self.label_offset >= used, f"label_offset {self.label_offset} lies in the scores"
            )
            used = self.label_offset + self.label_bits
        _check_words(used, self.tdata_bits)
        return self


class Stream(Part):
    """A stream from node to node of the top: wires <name>_tdata, <name>_tvalid, <name>_tready."""

    name: Identifier
    producer: Identifier  # node name, or "s_axis"
    consumer: Identifier  # node name, or "m_axis"
    tensor: Text | None = None  # name in model.onnx of the integer tensor it carries, if any
    words: Count  # beats a frame
    word_bits: Count
    tdata_bits: Count

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _check_words(self.word_bits, self.tdata_bits)
        return self


class Resources(Part):
    """What a node, or all, takes on a Xilinx 7-series device, by estimate (synth/estimate.py)."""

    lut: Index
    ff: Index
    bram: Annotated[float, Field(ge=0)]  # of 36 kbit
    dsp: Index
    uram: Index = 0  # of 288 kbit

    @property
    def memory(self) -> str:
        """Its blocks of memory in words.

        >>> Resources(lut=1, ff=1, bram=1.5, dsp=0, uram=2).memory
        '1.5 block RAMs, 2 UltraRAM blocks'
        """
        return f"{self.bram:g} block RAMs" + (f", {self.uram} UltraRAM blocks" * bool(self.uram))


class Memory(Part):
    """A memory file of a node: `words` lines of hexadecimal digits, `bits` useful bits each.

    What the bits of a word mean is told at the head of the kernel (rtl/bnn_<kernel>.sv).
    """

    parameter: Identifier  # of the kernel, that names the file: WEIGHTS_FILE, THRESHOLDS_FILE, ...
    file: FileName  # in rtl/
    words: Count
    bits: Count
    number: Index | None = None  # on the config port; None where it cannot be written


class Planned(Part):
    """What the generator of a hard-wired layer counted, the handshake's registers included."""

    lut: Index
    ff: Index


class Node(Part):
    """A hardware layer of the stitched top; its instance name is its name."""

    name: Identifier
    op: Identifier  # XnorMVAU_rtl, IntMVAU_rtl, StreamingFIFO_rtl, ...
    kernel: Identifier  # of hw_bnn.kernels
    layer: Text | None = None  # the user's node in model.onnx that it implements
    inputs: list[Identifier]
    outputs: list[Identifier]
    cycles: Index  # folding bound, cycles a frame
    pe: Count | None = None
    simd: Count | None = None
    mw: Count | None = None
    mh: Count | None = None
    depth: Count | None = None  # FIFOs only, in words
    config: Count | None = None  # its number on the config port; None where it has none
    # The kernel's SystemVerilog parameters but those that name a file;
    # what is absent has its default.
    parameters: dict[Identifier, int | Setting] = Field(default_factory=dict)
    memories: list[Memory] = Field(default_factory=list)
    planned: Planned | None = None  # hard-wired layers only
    resources: Resources | None = None

    def memory(self, parameter: str) -> Memory | None:
        """The memory whose file a parameter of the kernel names; None where there is none."""
        return next((m for m in self.memories if m.parameter == parameter), None)

    @property
    def mmv(self) -> int:
        """Vectors that share a word of weights."""
        return int(self.parameters.get("MMV", 1))

    @property
    def products(self) -> int:
        """Products a frame of a layer of weights; 0 of another node."""
        if not (self.pe and self.simd and self.mw and self.mh):
            return 0
        rounds = self.mh // self.pe * (self.mw // self.simd)
        groups = self.cycles // max(rounds, self.mmv)
        return groups * self.mmv * self.mw * self.mh


class Description(Part):
    """Contents of accelerator.json."""

    schema_version: Literal[3] = SCHEMA
    name: Text  # as the user calls it
    top: ModuleName  # its module (ap_clk, ap_rst_n, s_axis_*, m_axis_*); names in rtl/ begin so
    board: PartName | None
    part: PartName
    clk_period_ns: Annotated[float, Field(ge=SHORTEST_CLOCK_NS, le=LONGEST_CLOCK_NS)]
    input: Input
    output: Output
    nodes: list[Node]
    streams: list[Stream]
    config: ConfigPort | None = None  # None where weights cannot be loaded at run time
    bound_cycles: Count  # cycles a frame of the slowest node by folding
    resources: Resources | None = None  # None where a node has no estimate
    sources: list[FileName]  # in rtl/, in compilation order; also in rtl/files.f
    hashes: dict[RelativeName, Sha256]  # relative path -> sha256
    versions: dict[Text, Text]
    options: dict[Text, object]  # the resolved options of the compile run

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        check_wiring(self.nodes, self.streams)
        _require(len(set(self.sources)) == len(self.sources), "sources names a file twice")
        datatype, scale = self.options.get("input_datatype"), self.options.get("input_scale")
        _require(datatype is None or isinstance(datatype, str), "options.input_datatype is no name")
        _require(scale is None or isinstance(scale, str) and bool(SCALE.fullmatch(scale)),
                 "options.input_scale is no positive fraction")  # fmt: skip
        return self

    @property
    def contexts(self) -> int:
        """Networks that each frame runs through."""
        return 1 if self.config is None else self.config.contexts

    @property
    def input_datatype(self) -> str | None:
        """Type of the graph input, where its quantiser is on the chip; else None."""
        datatype = self.options.get("input_datatype")
        return None if datatype is None else str(datatype)

    @property
    def input_scale(self) -> Fraction | None:
        """Real value of one step of the input, where the input quantiser is on the chip."""
        scale = self.options.get("input_scale")
        return None if scale is None else Fraction(str(scale))

    @property
    def weight_bits(self) -> int:
        """Bits of all weights."""
        layers = [(n.mw, n.mh, int(n.parameters.get("WEIGHT_BITS", 1))) for n in self.nodes]
        return sum(mw * mh * bits for mw, mh, bits in layers if mw and mh)

    @property
    def layers(self) -> dict[str, str | None]:
        """Tensor of model.onnx that a stream holds -> the user's layer whose node gives it, in the
        order of the streams; None of the input."""
        by_node = {node.name: node.layer for node in self.nodes}
        found: dict[str, str | None] = {}
        for stream in self.streams:
            if stream.tensor is not None:
                found.setdefault(stream.tensor, by_node.get(stream.producer))
        return found

    def module_of(self, node: Node) -> str:
        """Name of a node's own module, which rtl/<module>.v holds."""
        return f"{self.top}_{node.name}"

    @property
    def memory_files(self) -> list[str]:
        """Names in rtl/ of what memories hold at the start."""
        found = [memory.file for node in self.nodes for memory in node.memories]
        return found if self.config is None else [*found, self.config.loaded]

    @property
    def rtl_files(self) -> list[str]:
        """Relative paths of all files that the sources, and what they read, are."""
        memories = self.memory_files
        return [f"rtl/{name}" for name in dict.fromkeys([*self.sources, *memories])]

    @classmethod
    def load(cls, folder: str | Path) -> Description:
        """Read FOLDER/accelerator.json.

        Raises:
            BadInput: the folder is no accelerator, or of another schema version.
        """
        path = Path(folder) / "accelerator.json"
        try:
            document = read_json(path, remedy="compile the model again")
        except (FileNotFoundError, NotADirectoryError):
            raise BadInput(
                f"{folder} is not an accelerator folder (it has no accelerator.json)",
                remedy=_instead(Path(folder)),
            ) from None
        if not isinstance(document, dict):
            raise BadInput(f"{path} is damaged (no object)", remedy="compile the model again")
        found = document.get("schema_version")
        if found != SCHEMA or isinstance(found, bool):
            raise BadInput(
                f"{path} has schema version {json.dumps(found)[:40]}, this hw_bnn reads {SCHEMA}",
                remedy="compile the model again",
            )
        try:
            return cls.model_validate(document, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "accelerator"
            reason = first["msg"].removeprefix("Value error, ")
            raise BadInput(
                f"{path} is damaged ({where}: {reason})", remedy="compile the model again"
            ) from None

    def dump(self) -> str:
        """The text of accelerator.json (same accelerator, same bytes)."""
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"


def _instead(folder: Path) -> str:
    """What to do with a folder that is no accelerator, by what is in it."""
    if (folder / "accelerator" / "accelerator.json").is_file():
        return f"give the one in it, {folder / 'accelerator'}"
    if (folder / "selected.pt").is_file():
        return "it is a training run: `hw-bnn export` it, and compile what that writes"
    models = sorted(folder.glob("*.onnx")) if folder.is_dir() else []
    if len(models) == 1:
        return f"the model in it, {models[0]}, can be compiled and verified"
    return "make one with `hw-bnn compile`"
