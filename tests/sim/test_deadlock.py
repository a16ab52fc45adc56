"""A join whose short branch has too shallow a FIFO: the run stops and names the streams."""

import shutil
import time

import numpy as np
import pytest

from hw_bnn.accelerator import Description, Input, Node, Output, Stream
from hw_bnn.accelerator.folder import seal
from hw_bnn.errors import CheckFailed
from hw_bnn.rtl import FOLDER as RTL
from hw_bnn.simulation import simulate

WORDS = 8  # of 8 bits; the long branch gives its first when it has the last
KERNELS = [f"bnn_{name}.sv" for name in ("stream_fork", "width_converter", "fifo", "skid", "add")]
TOP = """
module joined (
  input wire ap_clk, input wire ap_rst_n,
  input wire [7:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready,
  input wire s_axis_tlast,
  output wire [15:0] m_axis_tdata, output wire m_axis_tvalid, input wire m_axis_tready,
  output wire m_axis_tlast
);
  wire [7:0] source_tdata, long_in_tdata, short_in_tdata, long_tdata, short_tdata;
  wire source_tvalid, long_in_tvalid, short_in_tvalid, long_tvalid, short_tvalid, frame_tvalid;
  wire source_tready, long_in_tready, short_in_tready, long_tready, short_tready, frame_tready;
  wire [63:0] frame_tdata;
  wire [15:0] sum_tdata;
  wire sum_tvalid, sum_tready;
  assign source_tdata = s_axis_tdata;
  assign source_tvalid = s_axis_tvalid;
  assign s_axis_tready = source_tready;
  assign m_axis_tdata = sum_tdata;
  assign m_axis_tvalid = sum_tvalid;
  assign sum_tready = m_axis_tready;
  reg [2:0] word;
  assign m_axis_tlast = word == 7;
  always @(posedge ap_clk) begin
    if (!ap_rst_n) word <= 0;
    else if (sum_tvalid && sum_tready) word <= word + 1;
  end
  bnn_stream_fork #(.BITS(8), .N(2)) split (
    .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
    .s_axis_tdata(source_tdata), .s_axis_tvalid(source_tvalid), .s_axis_tready(source_tready),
    .m_axis_tdata({short_in_tdata, long_in_tdata}),
    .m_axis_tvalid({short_in_tvalid, long_in_tvalid}),
    .m_axis_tready({short_in_tready, long_in_tready}));
  bnn_width_converter #(.IN_BITS(8), .OUT_BITS(64), .FRAME_BITS(64)) gather (
    .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
    .s_axis_tdata(long_in_tdata), .s_axis_tvalid(long_in_tvalid), .s_axis_tready(long_in_tready),
    .m_axis_tdata(frame_tdata), .m_axis_tvalid(frame_tvalid), .m_axis_tready(frame_tready));
  bnn_width_converter #(.IN_BITS(64), .OUT_BITS(8), .FRAME_BITS(64)) scatter (
    .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
    .s_axis_tdata(frame_tdata), .s_axis_tvalid(frame_tvalid), .s_axis_tready(frame_tready),
    .m_axis_tdata(long_tdata), .m_axis_tvalid(long_tvalid), .m_axis_tready(long_tready));
  bnn_fifo #(.BITS(8), .DEPTH(16)) queue (
    .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
    .s_axis_tdata(short_in_tdata), .s_axis_tvalid(short_in_tvalid),
    .s_axis_tready(short_in_tready),
    .m_axis_tdata(short_tdata), .m_axis_tvalid(short_tvalid), .m_axis_tready(short_tready));
  bnn_add #(.PE(1), .A_BITS(8), .B_BITS(8), .OUT_BITS(9)) join_0 (
    .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
    .s_axis_a_tdata(long_tdata), .s_axis_a_tvalid(long_tvalid), .s_axis_a_tready(long_tready),
    .s_axis_b_tdata(short_tdata), .s_axis_b_tvalid(short_tvalid), .s_axis_b_tready(short_tready),
    .m_axis_tdata(sum_tdata), .m_axis_tvalid(sum_tvalid), .m_axis_tready(sum_tready));
endmodule
"""


@pytest.fixture(scope="module")
def joined(tmp_path_factory):
    """Folder of an accelerator that adds each frame to itself, along branches of unlike delay."""
    folder = tmp_path_factory.mktemp("join")
    (folder / "rtl").mkdir()
    for name in KERNELS:
        shutil.copyfile(RTL / name, folder / "rtl" / name)
    (folder / "rtl/joined.v").write_text(TOP)

    def stream(name, producer, consumer, words=WORDS, bits=8):
        return Stream(name=name, producer=producer, consumer=consumer, words=words,
                      word_bits=bits, tdata_bits=(bits + 7) // 8 * 8)  # fmt: skip

    def node(name, op, inputs, outputs, **more):
        return Node(
            name=name, op=op, kernel=op, inputs=inputs, outputs=outputs, cycles=WORDS, **more
        )

    accelerator = Description(
        name="join", top="joined", board=None, part="xc7z020clg400-1", clk_period_ns=10.0,
        input=Input(datatype="INT8", minimum=-128, maximum=127, shape=[WORDS], stream_shape=[WORDS],
                    tensor="x", elements=WORDS, element_bits=8, words=WORDS, word_bits=8,
                    tdata_bits=8),
        output=Output(mode="scores", tensor="y", datatype="INT9", minimum=-256, maximum=255,
                      scores=WORDS, lanes=1, score_bits=9, label_bits=1, label_offset=0,
                      words=WORDS, tdata_bits=16),
        nodes=[
            node("split", "stream_fork", ["source"], ["long_in", "short_in"]),
            node("gather", "width_converter", ["long_in"], ["frame"]),
            node("scatter", "width_converter", ["frame"], ["long"]),
            node("queue", "fifo", ["short_in"], ["short"], depth=16),
            node("join_0", "add", ["long", "short"], ["sum"]),
        ],
        streams=[
            stream("source", "s_axis", "split"), stream("long_in", "split", "gather"),
            stream("short_in", "split", "queue"), stream("frame", "gather", "scatter", 1, 64),
            stream("long", "scatter", "join_0"), stream("short", "queue", "join_0"),
            stream("sum", "join_0", "m_axis", bits=9),
        ],
        bound_cycles=WORDS, sources=[*KERNELS, "joined.v"], hashes={}, versions={},
        options={},
    )  # fmt: skip
    seal(folder, accelerator)
    return folder


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).integers(-128, 128, (50, WORDS))


def test_a_fifo_that_is_deep_enough_lets_the_join_run(joined, x):
    for depth in (16, WORDS):
        assert (simulate(joined, x, fifo_caps={"queue": depth}).scores == 2 * x).all()


@pytest.mark.parametrize("engine", [dict(), dict(jobs=2), dict(stall=0.3), dict(statistics=True)])
def test_a_fifo_of_one_word_on_a_join_stops_and_names_the_streams(joined, x, engine):
    simulate(joined, x[:1])  # the library is built
    started = time.monotonic()
    with pytest.raises(CheckFailed, match="hangs") as caught:
        simulate(joined, x, fifo_caps={"queue": 1}, **engine)
    assert time.monotonic() - started < 30
    text = str(caught.value)
    assert "blocked: source, short_in, short" in text
    assert "join_0 holds back short while it waits for long" in text
    assert "queue -> join_0: BLOCKED" in text and "loses words" not in text
