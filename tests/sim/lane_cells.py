"""A top of one instance of every cell that the engine lanes knows, with random inputs.

Data come from s_axis_tdata, and differ between lanes; addresses, enables and resets from a register
that steps by itself, and are the same in all.
"""

import random
import shutil

from hw_bnn.accelerator import Input, Output
from hw_bnn.accelerator.folder import seal
from hw_bnn.accelerator.netlists import write_netlist
from tests.sim.toy_accelerator import TOY, describe

IN_BITS = 128
RAMS = [  # bits, address bits, mode of rams/ram.v
    (1, 14, 3), (4, 12, 3), (36, 9, 3), (9, 11, 0), (18, 10, 1), (18, 11, 2), (64, 9, 4),
    (18, 10, 5),
]  # fmt: skip
DSPS = [  # OPMODE, ALUMODE, A, B, C, M and P registers
    ("7'b0110101", 0, 0, 0, 0, 0, 0), ("7'b0000101", 0, 1, 1, 0, 1, 1),
    ("{2'b01, u[40], 4'b0101}", 3, 2, 2, 1, 1, 1), ("7'b0101100", 0, 1, 0, 1, 0, 1),
]  # fmt: skip


class Top:
    """Lines of Verilog and how many bits of output there are."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.width = self.instances = 0

    def d(self, bits: int) -> str:
        """Bits that differ between lanes."""
        return "{" + ", ".join(f"d[{self.random.randrange(IN_BITS)}]" for _ in range(bits)) + "}"

    def u(self, bits: int = 1) -> str:
        """Bits that all lanes share."""
        return "{" + ", ".join(f"u[{self.random.randrange(64)}]" for _ in range(bits)) + "}"

    def q(self, bits: int = 1) -> str:
        self.width += bits
        return f"q[{self.width - bits} +: {bits}]"

    def literal(self, bits: int) -> str:
        return f"{bits}'h{self.random.getrandbits(bits):x}"

    def add(self, kind: str, parameters: dict[str, object], pins: dict[str, str]) -> None:
        self.instances += 1
        given = ", ".join(f".{k}({v})" for k, v in parameters.items())
        wired = ", ".join(f".{k}({v})" for k, v in pins.items())
        self.lines.append(f"  (* keep *) {kind} #({given}) i{self.instances} ({wired});")


def add_logic(top: Top) -> None:
    for size in range(1, 7):
        for _ in range(4):
            pins = {f"I{k}": top.d(1) if k % 3 else top.u() for k in range(size)}
            top.add(f"LUT{size}", {"INIT": top.literal(1 << size)}, {**pins, "O": top.q()})
    for _ in range(6):
        pins = {f"I{k}": top.d(1) for k in range(6)}
        top.add("LUT6_2", {"INIT": top.literal(64)}, {**pins, "O5": top.q(), "O6": top.q()})
    for _ in range(3):
        top.add("CARRY4", {}, dict(CI=top.d(1), CYINIT="1'b0", DI=top.d(4), S=top.d(4),
                                   O=top.q(4), CO=top.q(4)))  # fmt: skip
    for kind in ("MUXF7", "MUXF8"):
        top.add(kind, {}, dict(I0=top.d(1), I1=top.d(1), S=top.d(1), O=top.q()))
    top.add("INV", {}, dict(I=top.d(1), O=top.q()))


def add_flops(top: Top) -> None:
    for kind, pin in (("FDRE", "R"), ("FDSE", "S")):
        for ce, reset in ((top.u(), top.u()), (top.d(1), top.u()), (top.u(), top.d(1))):
            for flip in (0, 1):
                top.add(
                    kind,
                    {"INIT": "1'b0", "IS_D_INVERTED": flip, f"IS_{pin}_INVERTED": flip},
                    {"C": "ap_clk", "CE": ce, "D": top.d(1), pin: reset, "Q": top.q()},
                )
    for kind, pin in (("FDCE", "CLR"), ("FDPE", "PRE")):
        top.add(kind, {}, {"C": "ap_clk", "CE": top.u(), "D": top.d(1), pin: "1'b0", "Q": top.q()})


def add_lut_rams(top: Top) -> None:
    common = {"WCLK": "ap_clk"}
    for kind, width, bits in (("RAM32M", 2, 5), ("RAM64M", 1, 6)):
        pins = dict(common, WE=top.u())
        for letter in "ABCD":
            pins[f"ADDR{letter}"] = top.u(bits)
            pins[f"DI{letter}"] = top.d(width)
            pins[f"DO{letter}"] = top.q(width)
        top.add(kind, {f"INIT_{letter}": top.literal(64) for letter in "ABCD"}, pins)
    for kind, bits in (("RAM32X1D", 5), ("RAM64X1D", 6)):
        pins = dict(common, WE=top.u(), D=top.d(1), SPO=top.q(), DPO=top.q())
        pins |= {f"A{i}": top.u() for i in range(bits)}
        pins |= {f"DPRA{i}": top.u() for i in range(bits)}
        top.add(kind, {"INIT": top.literal(1 << bits)}, pins)
    top.add("RAM128X1D", {"INIT": top.literal(128)},
            dict(common, WE=top.u(), D=top.d(1), A=top.u(7), DPRA=top.u(7), SPO=top.q(),
                 DPO=top.q()))  # fmt: skip
    address = {f"A{i}": top.u() for i in range(4)}
    for data in (top.d(1), top.u()):
        shift = dict(address, CLK="ap_clk", CE=top.u(), D=data)
        top.add("SRL16E", {"INIT": top.literal(16)}, {**shift, "Q": top.q()})
        top.add(
            "SRLC32E",
            {"INIT": top.literal(32)},
            dict(CLK="ap_clk", CE=top.u(), D=data, A=top.u(5), Q=top.q(), Q31=top.q()),
        )


def add_dsps(top: Top) -> None:
    for opmode, alumode, a, b, c, m, p in DSPS:
        parameters = dict(AREG=a, BREG=b, CREG=c, MREG=m, PREG=p, ACASCREG=a, BCASCREG=b,
                          ALUMODEREG=0, OPMODEREG=0, CARRYINREG=0, CARRYINSELREG=0, INMODEREG=0,
                          DREG=0, ADREG=0)  # fmt: skip
        pins = {f"CE{n}": "1'b1" for n in ("A1", "A2", "B1", "B2", "C", "M")}
        pins |= {f"RST{n}": "1'b0" for n in ("A", "B", "C", "M")}
        pins |= {f"RST{n}": "1'b0" for n in ("D", "CTRL", "ALLCARRYIN", "ALUMODE", "INMODE")}
        pins |= dict(CLK="ap_clk", A=top.d(30), B=top.d(18), C=top.d(48), CEP=top.u(),
                     RSTP=top.u(), OPMODE=opmode, ALUMODE=f"4'd{alumode}", INMODE="5'd0",
                     CARRYIN="1'b0", CARRYINSEL="3'd0", P=top.q(48))  # fmt: skip
        top.add("DSP48E1", parameters, pins)


def add_block_rams(top: Top) -> None:
    for i, (bits, addr, mode) in enumerate(RAMS):
        # few addresses, so that what is written is read again; the ports never at the same row
        rest = addr - 4
        row = f"{{{rest}'d0, u[3:1], 1'b0}}" if mode in (3, 5) else f"{{{rest}'d0, u[3:0]}}"
        top.lines.append(
            f'  ram #(.BITS({bits}), .ADDR({addr}), .MODE({mode}), .FILE("ram_{i}.hex")) ram_{i} ('
            f".clk(ap_clk), .en({top.u()}), .we({top.u()}), .be({top.u(2)}), .addr({row}),"
            f" .waddr({{{rest}'d0, u[13:11], 1'b1 & {int(bits < 64)}}}), .d({top.d(bits)}),"
            f" .q({top.q(bits)}));"
        )


def cells_folder(folder, seed, *parts):
    """An accelerator folder with the netlist of a top of these parts, and its description."""
    from hw_bnn.synth.yosys import run_yosys

    top = Top(seed)
    for part in parts:
        part(top)
    out_bits = (top.width + 7) // 8 * 8
    text = "\n".join([
        "module toy (", "  input wire ap_clk, input wire ap_rst_n,",
        f"  input wire [{IN_BITS - 1}:0] s_axis_tdata, input wire s_axis_tvalid,",
        "  output wire s_axis_tready, input wire s_axis_tlast,",
        f"  output wire [{out_bits - 1}:0] m_axis_tdata, output reg m_axis_tvalid,",
        "  input wire m_axis_tready, output wire m_axis_tlast", ");",
        f"  wire [{IN_BITS - 1}:0] d = s_axis_tdata;", "  reg [63:0] u = 0;",
        f"  wire [{top.width - 1}:0] q; assign m_axis_tdata = q;",
        "  assign s_axis_tready = 1'b1; assign m_axis_tlast = 1'b1;",
        "  always @(posedge ap_clk) begin",
        "    m_axis_tvalid <= ap_rst_n && s_axis_tvalid;",
        # nothing moves before the first word, so that start values are seen
        "    if (!ap_rst_n) u <= 0;",
        "    else if (u == 0) u <= s_axis_tvalid ? 64'h9e3779b97f4a7c15 : 64'd0;",
        "    else u <= {u[50:0], u[63:51] ^ u[62:50] ^ u[60:48] ^ u[59:47]};",
        "  end", *top.lines, "endmodule", "",
    ])  # fmt: skip
    rtl = folder / "rtl"
    (folder / "synth").mkdir(parents=True)
    rtl.mkdir()
    (rtl / "toy.v").write_text(text)
    shutil.copyfile(TOY.parent / "rams/ram.v", rtl / "ram.v")
    for i, (bits, addr, _) in enumerate(RAMS):
        rows = (top.random.getrandbits(bits) for _ in range(1 << addr))
        (rtl / f"ram_{i}.hex").write_text("".join(f"{row:x}\n" for row in rows))
    accelerator = describe("cells").model_copy(update=dict(
        input=Input(datatype="UINT16", minimum=0, maximum=65535, shape=[8], stream_shape=[8],
                    tensor="x", elements=8, element_bits=16, words=1, word_bits=IN_BITS,
                    tdata_bits=IN_BITS),
        output=Output(mode="scores", tensor="y", datatype="INT8", minimum=-128, maximum=127,
                      scores=out_bits // 8, lanes=out_bits // 8, score_bits=8,
                      label_bits=1, label_offset=0, words=1, tdata_bits=out_bits),
        nodes=[], streams=[], sources=["ram.v", "toy.v"], bound_cycles=1,
    ))  # fmt: skip
    accelerator = seal(folder, accelerator)
    run_yosys(
        [["read_verilog", "-defer", str(rtl / "ram.v"), str(rtl / "toy.v")],
         ["synth_xilinx", "-family", "xc7", "-noiopad", "-flatten", "-top", "toy"],
         ["write_verilog", "-noattr", str(folder / "xc7.v")]],
        log=folder / "synth/log", cwd=rtl,
    )  # fmt: skip
    document = {"family": "xc7", "part": "x", "total": {}, "layers": {}}
    write_netlist(folder, "xc7", [folder / "xc7.v"], document)
    return accelerator
