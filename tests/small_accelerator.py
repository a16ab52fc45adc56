"""A plausible accelerator folder in which no file is ever built or run."""

from itertools import pairwise
from pathlib import Path

from hw_bnn.accelerator import Description, Input, Memory, Node, Output, Stream
from hw_bnn.accelerator.folder import seal

INPUT = Input(
    datatype="UINT8", minimum=0, maximum=16, shape=[64], stream_shape=[64], tensor="x",
    elements=64, element_bits=8, words=16, word_bits=32, tdata_bits=32,
)  # fmt: skip
OUTPUT = Output(
    mode="both", tensor="scores", datatype="INT8", minimum=-64, maximum=64, scores=10, lanes=10,
    score_bits=8, label_bits=4, label_offset=80, words=1, tdata_bits=88,
)  # fmt: skip
ENDS = ["s_axis", "mvau_0", "fifo_0", "mvau_1", "m_axis"]


def accelerator(**changes) -> Description:
    """Its description, with some fields changed."""
    nodes = [
        Node(name="mvau_0", op="IntMVAU_rtl", kernel="m0", layer="/fc1/MatMul", inputs=["s0"],
             outputs=["s1"], cycles=32, pe=8, simd=16, mw=64, mh=64,
             parameters={"RAM_STYLE": "auto"},
             memories=[Memory(parameter="WEIGHTS_FILE", file="w.hex", words=2, bits=16)]),
        Node(name="fifo_0", op="StreamingFIFO_rtl", kernel="f0", inputs=["s1"], outputs=["s2"],
             cycles=8, depth=4),
        Node(name="mvau_1", op="XnorMVAU_rtl", kernel="m1", layer="<b>fc2</b>", inputs=["s2"],
             outputs=["s3"], cycles=20, pe=2, simd=16, mw=64, mh=10),
    ]  # fmt: skip
    streams = [
        Stream(
            name=f"s{i}", producer=producer, consumer=consumer, words=8, word_bits=8, tdata_bits=8
        )
        for i, (producer, consumer) in enumerate(pairwise(ENDS))
    ]
    document = dict(
        name="net", top="net", board="pynq-z1", part="xc7z020clg400-1", clk_period_ns=10.0,
        input=INPUT, output=OUTPUT, nodes=nodes, streams=streams, bound_cycles=32, sources=["m0.v"],
        hashes={}, versions={"finn-plus": "1.6.1"}, options={"target_cycles": 32},
    )  # fmt: skip
    return Description(**{**document, **changes})


def make_folder(folder: Path, **changes) -> Path:
    """A sealed folder with that description."""
    (folder / "rtl").mkdir(parents=True, exist_ok=True)
    (folder / "rtl" / "m0.v").write_text("module m0; endmodule\n")
    (folder / "rtl" / "w.hex").write_text("0123\n4567\n")
    (folder / "model.onnx").write_bytes(b"model")
    seal(folder, accelerator(**changes))
    return folder
