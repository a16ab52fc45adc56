"""Base of our FINN custom ops: an instance of one of our SystemVerilog kernels.

A subclass says which kernel, with which parameters and which memory contents; this class writes the
plain-Verilog wrapper with FINN's port names (in0_V, out0_V, ap_clk, ap_rst_n) and the memory files,
and answers what FINN's stitching asks of an RTLBackend (finn/custom_op/fpgadataflow/rtlbackend.py).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...accelerator.config_stream import CHUNK_BITS, chunks
from ...errors import Unsupported
from ...kernels import KERNELS, Kernel
from ...kernels import Memory as KernelMemory
from ...kernels.base import CONFIGURED, CONTEXTS, GEOMETRY, NUMBERS, Parameters
from ...rtl import module_of, rtl_sources
from .classes import OpBase

CHAIN_BITS = 35
"""Of a word of the config port's chain (rtl/bnn_config_node.sv)."""
PASS_BITS = 15
"""Of what announces passes (rtl/bnn_context_queue.sv)."""
SIGNALS = ("TDATA", "TVALID", "TREADY")
DOMAIN = "finn.custom_op.fpgadataflow.rtl"


class KernelOp(OpBase):
    """An op made of one kernel."""

    dense = True
    """Of layers, whether each channel reads a whole vector; else the inputs of its own group alone,
    in an order that is its folding's."""
    input_ports: tuple[str, ...] = ("s_axis",)
    output_ports: tuple[str, ...] = ("m_axis",)

    @property
    @abstractmethod
    def kernel(self) -> str:
        """Its name in hw_bnn.kernels: of most ops an attribute of the class."""

    @abstractmethod
    def kernel_parameters(self, model) -> dict[str, int | str]:
        """Parameters of the kernel; strings are file names."""

    def module_parameters(self, model) -> dict[str, int | str]:
        """Those of the kernel's module: with the config port's, where memories can be written."""
        return self.configured(self.kernel_parameters(model))

    def configured(self, parameters: dict[str, int | str]) -> dict[str, int | str]:
        """`module_parameters` of these of the kernel, at whatever folding."""
        written = self.writable(parameters)
        if not written:
            return parameters
        more: dict[str, int | str] = {CONFIGURED: _word_bits(written)}
        if self.contexts > 1:
            more[CONTEXTS] = self.contexts
        return more | parameters

    @property
    def loadable(self) -> bool:
        """Whether weights are loaded at run time: what depends on them is a memory then."""
        return bool(self.get_nodeattr("loadable"))

    @property
    def contexts(self) -> int:
        """Weight sets that the memories hold: a frame is run through each."""
        return int(self.get_nodeattr("contexts"))

    def layout(self, name: str, parameters: Parameters) -> KernelMemory:
        """A memory of the kernel, with a part for each context where it can be written."""
        memory = self.description.memory(name, parameters)
        held = self.contexts if name in NUMBERS else 1
        return replace(memory, rows=held * memory.rows)

    def writable(self, parameters: Parameters) -> list[KernelMemory]:
        """The memories that can be written at run time.

        Raises:
            Unsupported: the kernel has one that weights decide and that it cannot write.
        """
        if not self.loadable:
            return []
        used = [m for m in self.description.memories(parameters) if parameters[m.parameter]]
        for memory in used:
            if memory.parameter not in NUMBERS and memory.parameter not in GEOMETRY:
                raise Unsupported(
                    f"the {memory.parameter} of the kernel {self.kernel} cannot be written at run "
                    "time",
                    node=self.get_nodeattr("layer") or self.onnx_node.name,
                    remedy="compile without runtime_weights=True",
                )
        names = [m.parameter for m in used if m.parameter in NUMBERS]
        return [self.layout(name, parameters) for name in names]

    def kernels(self) -> tuple[str, ...]:
        """The kernels, and parts of kernels, that the node instantiates."""
        return (self.kernel,)

    def own_sources(self) -> list[str]:
        """Names of the sources that generate_hdl writes, in compilation order."""
        return [f"{self.module_name()}.v"]

    def body(self) -> str:
        """Text of the wrapper module besides the kernel."""
        return ""

    @property
    def description(self) -> Kernel:
        """What the kernel is."""
        return KERNELS[self.kernel]

    def memories(self, model) -> dict[str, np.ndarray]:
        """Contents of the kernel's memories: parameter that names the file -> integers, a row a
        word, as the kernel's description lays them out.
        """
        return {}

    def memory_files(self, model) -> dict[str, list[str]]:
        """The memory files: name -> lines."""
        parameters = self.kernel_parameters(model)
        files = {}
        for name, values in self.memories(model).items():
            layout = self.layout(name, parameters)  # the same network in all contexts
            whole = np.tile(values, (layout.rows // len(values), 1))
            files[str(parameters[name])] = layout.words(whole)
        return files

    def planned(self) -> dict[str, int] | None:
        """{"lut", "ff"} that a generator counted, where one made the node."""
        return None

    def described(self, model) -> dict:
        """What accelerator.json tells of the kernel: parameters, memories, planned."""
        from ...accelerator import Memory  # a costs-only outline has no need of it

        parameters = self.module_parameters(model)
        written = {m.parameter for m in self.writable(parameters)}
        layouts = [self.layout(name, parameters) for name in self.memories(model)]
        memories = [
            Memory(
                parameter=m.parameter,
                file=parameters[m.parameter],
                words=m.rows,
                bits=m.word_bits,
                number=NUMBERS[m.parameter] if m.parameter in written else None,
            )  # fmt: skip
            for m in layouts
        ]
        return {
            "parameters": {
                key: value if isinstance(value, str) else int(value)
                for key, value in parameters.items()
                if not key.endswith("_FILE")
            },
            "memories": memories,
            "planned": self.planned(),
        }

    def stream_links(self) -> list[str]:
        """Connections of the kernel's stream ports to the wrapper's."""
        ends = [
            *zip(self.input_ports, self.get_verilog_top_module_intf_names()["s_axis"], strict=True),
            *zip(
                self.output_ports, self.get_verilog_top_module_intf_names()["m_axis"], strict=True
            ),
        ]
        return [
            f".{port}_{signal.lower()}({name}_{signal})"
            for port, (name, _bits) in ends
            for signal in SIGNALS
        ]

    def module_name(self) -> str:
        """Of the wrapper; names of the node's other modules and of its files begin with it."""
        return self.get_nodeattr("prefix") + self.onnx_node.name

    def memory_name(self, kind: str) -> str:
        return f"{self.module_name()}_{kind}.hex"

    def stream_inputs(self) -> list[int]:
        """Indices of the node's inputs that are streams (the others are parameters)."""
        return [0]

    def get_nodeattr_types(self):
        return super().get_nodeattr_types() | {
            "layer": ("s", False, ""),  # the user's, in the model file (provenance.py)
            "origin": ("s", False, ""),  # the user's tensor that the output holds
            "prefix": ("s", False, ""),  # of the names of modules and files: the accelerator's
            "loadable": ("i", False, 0),  # 1: weights are loaded at run time
            "contexts": ("i", False, 1),  # weight sets in the memories
            "config": ("i", False, 0),  # the node's number on the config port; 0 for none
        }

    def get_verilog_top_module_name(self) -> str:
        return self.module_name()

    def get_verilog_top_module_intf_names(self):
        return {
            "clk": ["ap_clk"],
            "rst": ["ap_rst_n"],
            "s_axis": [
                (f"in{i}_V", self.get_instream_width_padded(i)) for i in self.stream_inputs()
            ],
            "m_axis": [
                (f"out{i}_V", self.get_outstream_width_padded(i))
                for i in range(len(self.onnx_node.output))
            ],
            "aximm": [],
            "axilite": [],
            "ap_none": [],
        }

    def wrapper(self, model) -> str:
        """Text of the wrapper module."""
        interfaces = self.get_verilog_top_module_intf_names()
        pairs = [(*interface, "input") for interface in interfaces["s_axis"]]
        pairs += [(*interface, "output") for interface in interfaces["m_axis"]]
        names = ":".join(name for name, *_ in pairs)
        ports, links = [], [".ap_clk(ap_clk)", ".ap_rst_n(ap_rst_n)", *self.stream_links()]
        for name, bits, direction in pairs:
            back = "output" if direction == "input" else "input"
            for signal, way, width in (
                ("TDATA", direction, f"[{bits - 1}:0] "),
                ("TVALID", direction, ""),
                ("TREADY", back, ""),
            ):
                port = f"xilinx.com:interface:axis:1.0 {name} {signal}"
                note = f'(* X_INTERFACE_INFO = "{port}" *)\n    '
                ports.append(f"{note}{way} wire {width}{name}_{signal}")
        used = self.module_parameters(model)
        body, written = self.body(), self.writable(used)
        if written:
            body += _config_node(written, self.contexts)
            ports += [f"input wire [{CHAIN_BITS - 1}:0] cfg_in"]
            ports += [f"output wire [{CHAIN_BITS - 1}:0] cfg_out"]
            ports += [f"input wire [{PASS_BITS - 1}:0] passes"] if self.contexts > 1 else []
            links.append(".cfg(cfg)")
        parameters = ",\n".join(f"      .{key}({_literal(value)})" for key, value in used.items())
        return _WRAPPER.format(
            module=self.get_verilog_top_module_name(),
            kernel=module_of(self.kernel, writable=bool(written)),
            op=self.onnx_node.op_type,
            busses=names,
            ports=",\n    ".join(ports),
            parameters=parameters,
            links=",\n      ".join(links),
            body=body,
        )

    def generate_hdl(self, model, fpgapart, clk) -> None:
        """Write wrapper and memory files to code_gen_dir_ipgen."""
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        name = self.get_verilog_top_module_name()
        self.set_nodeattr("gen_top_module", name)
        (folder / f"{name}.v").write_text(self.wrapper(model))
        for file, words in self.memory_files(model).items():
            (folder / file).write_text("\n".join(words) + "\n")
        self.set_nodeattr("ipgen_path", str(folder))
        self.set_nodeattr("ip_path", str(folder))

    def get_rtl_file_list(self, abspath=False):
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        own = [*(folder / name for name in self.own_sources()), *sorted(folder.glob("*.hex"))]
        files = [*rtl_sources(*self.kernels()), *own]
        return [str(f) if abspath else f.name for f in files]

    def code_generation_ipi(self):
        commands = [f"add_files -norecurse {f}" for f in self.get_rtl_file_list(abspath=True)]
        module = self.get_nodeattr("gen_top_module")
        return [*commands, f"create_bd_cell -type module -reference {module} {self.onnx_node.name}"]


def _word_bits(memories: list[KernelMemory]) -> int:
    """Bits of the widest word, in whole chunks of the config port."""
    return max(CHUNK_BITS * chunks(m.word_bits) for m in memories)


def _config_node(memories: list[KernelMemory], contexts: int) -> str:
    """The node's place in the chain of the config port."""
    rows = sum(m.rows // contexts << 24 * NUMBERS[m.parameter] for m in memories)
    sizes = sum(chunks(m.word_bits) << 16 * NUMBERS[m.parameter] for m in memories)
    widest = _word_bits(memories)
    return f"""  wire [{widest + 28 + PASS_BITS}:0] cfg;
  bnn_config_node #(
      .WORD_BITS({widest}),
      .ROWS(192'h{rows:048x}),
      .CHUNKS(128'h{sizes:032x}),
      .CONTEXTS({contexts})
  ) config_node (
      .ap_clk(ap_clk), .ap_rst_n(ap_rst_n), .cfg_in(cfg_in), .cfg_out(cfg_out),
      .passes({"passes" if contexts > 1 else f"{PASS_BITS}'b0"}), .cfg(cfg)
  );
"""


def _literal(value: int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else str(int(value))


_WRAPPER = """\
// {module}: FINN-style ports around the kernel {kernel} ({op}).
(* keep_hierarchy = "yes" *)
module {module} (
    (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF {busses}, ASSOCIATED_RESET ap_rst_n" *)
    input wire ap_clk,
    (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
    input wire ap_rst_n,
    {ports}
);
{body}
  {kernel} #(
{parameters}
  ) kernel (
      {links}
  );

endmodule
"""
