"""Kernels synthesised by an open HLS tool: XLS (package xls-python), DSLX to pipelined Verilog.

    replaced = synthesise(folder, "acc_xls")     # an accelerator whose XnorMVAUs are XLS's Verilog

The Verilog takes the place of a node's wrapper, with the same ports, so that everything that takes
an accelerator takes it too: simulation, verify, synth.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ..accelerator import Description, Node
from ..accelerator import trust as trusting
from ..accelerator.folder import DATAFLOW, DESCRIPTION, MODEL, describe, open_accelerator
from ..errors import BadInput, MissingTool, Unsupported
from ..files.given import given_path
from ..files.output import output_folder
from .dslx import PROC, xnor_mvau

STAGES = 2
"""Pipeline stages of a proc."""


def synthesise(
    folder: str | Path, out: str | Path, *, stages: int = STAGES, trust: bool = False,
    force: bool = False,
) -> list[str]:  # fmt: skip
    """Copy an accelerator to OUT with XLS's Verilog for every XnorMVAU that has a DSLX form.

    OUT is signed where FOLDER is: a stranger's accelerator stays a stranger's.

    Returns:
        Names of the nodes that were replaced.

    Raises:
        BadInput: no accelerator, or none of its nodes can be replaced.
        MissingTool: xls-python is not installed.
    """
    folder = given_path(folder)
    accelerator = open_accelerator(folder, trust=trust, needs=[MODEL, DATAFLOW])
    replaced = []
    with output_folder(out, overwrite=force, keeps=[folder]) as place:
        for name in ("rtl", "golden"):
            if (folder / name).is_dir():
                shutil.copytree(folder / name, place / name)
        for name in (DESCRIPTION, MODEL, DATAFLOW):
            shutil.copyfile(folder / name, place / name)
        for node in accelerator.nodes:
            if node.kernel != "xnor_mvau":
                continue
            try:
                text = verilog(folder, node, accelerator, stages)
            except Unsupported:
                continue
            (place / "rtl" / f"{accelerator.module_of(node)}.v").write_text(text)
            replaced.append(node.name)
        if not replaced:
            raise BadInput(
                f"{folder} has no node with a DSLX form", remedy="use a 1-bit dense layer"
            )
        describe(place, accelerator)
        trusting.inherit(folder, DESCRIPTION, place, DESCRIPTION)
    return replaced


def verilog(folder: Path, node: Node, accelerator: Description, stages: int = STAGES) -> str:
    """Verilog of the node's module, with its ports.

    Raises:
        Unsupported: the node has no DSLX form. MissingTool: xls-python is not installed.
    """
    words = {m.parameter: (folder / "rtl" / m.file).read_text().split() for m in node.memories}
    text = xnor_mvau(
        node.parameters, words["WEIGHTS_FILE"], words.get("THRESHOLDS_FILE", []), node.name
    )
    streams = {stream.name: stream for stream in accelerator.streams}
    given, taken = streams[node.inputs[0]], streams[node.outputs[0]]
    module = accelerator.module_of(node)
    return _wrapper(module, given, taken) + _codegen(text, f"{module}_xls", stages)


def _codegen(text: str, module: str, stages: int) -> str:
    try:
        import xls
    except ImportError as error:
        raise MissingTool(
            "XLS is not installed", remedy="install it with `pip install 'hw-bnn[xls]'`"
        ) from error
    ir = xls.optimize_ir(
        xls.convert_dslx_to_ir(text, f"{PROC}.x", PROC), f"__{PROC}__{PROC}_0_next"
    )
    result = xls.parse_ir_package(ir).schedule_and_codegen(
        generator="pipeline", module_name=module, pipeline_stages=stages, delay_model="unit",
        worst_case_throughput=1, reset="rst", reset_active_low=False, reset_asynchronous=False,
        reset_data_path=False, use_system_verilog=False, flop_inputs=False, flop_outputs=True,
        flop_outputs_kind="skid_buffer", streaming_channel_data_suffix="_data",
        streaming_channel_valid_suffix="_vld", streaming_channel_ready_suffix="_rdy",
        with_delay_model=True, add_invariant_assertions=False,
    )  # fmt: skip
    return result.get_verilog_text()


def _wrapper(name: str, given, taken) -> str:
    """FINN-style ports around the proc."""
    pad = taken.tdata_bits - taken.word_bits
    data = f"{{{pad}'b0, y}}" if pad else "y"
    return f"""\
// {name}: FINN-style ports around a proc that XLS made (xnor_mvau).
module {name} (
    input wire ap_clk,
    input wire ap_rst_n,
    input wire [{given.tdata_bits - 1}:0] in0_V_TDATA,
    input wire in0_V_TVALID,
    output wire in0_V_TREADY,
    output wire [{taken.tdata_bits - 1}:0] out0_V_TDATA,
    output wire out0_V_TVALID,
    input wire out0_V_TREADY
);
  wire [{taken.word_bits - 1}:0] y;
  assign out0_V_TDATA = {data};
  {name}_xls proc (
      .clk(ap_clk), .rst(!ap_rst_n),
      .{PROC}__s_data(in0_V_TDATA[{given.word_bits - 1}:0]), .{PROC}__s_vld(in0_V_TVALID),
      .{PROC}__s_rdy(in0_V_TREADY),
      .{PROC}__m_data(y), .{PROC}__m_vld(out0_V_TVALID), .{PROC}__m_rdy(out0_V_TREADY)
  );
endmodule

"""
