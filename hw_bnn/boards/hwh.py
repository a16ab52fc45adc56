"""The hardware handoff (.hwh) of an overlay, as pynq reads it: clocks,
the shell's address and its registers.

    handoff(shell, "zynq7000", 100.0, "xc7z020clg400-1")

Vivado writes one with an overlay. This one is for the simulated board, and for reading a register
map where no Vivado was: modules, ports and registers have the names that `build.tcl` gives them,
and nothing is in it that pynq does not read.
"""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from .processors import PROCESSORS, Processor
from .registers import IP_XACT_ACCESS, Field, Register, load
from .shell import TOP, Shell

IP_VENDOR = "hw_bnn:user"
IP_VERSION = "1.0"
CONTROL = "s_axi_control"
CONTROL_BYTES = 4096
_AXI = "xilinx.com:interface:aximm:1.0"


def handoff(shell: Shell, processor: str, clock_mhz: float, part: str) -> bytes:
    """The .hwh of a shell's overlay.

    Args:
        processor: key of PROCESSORS. clock_mhz: that the overlay is for. part: of the board.

    Returns:
        XML, UTF-8.
    """
    ps = PROCESSORS[processor]
    root = Element("EDKSYSTEM", EDWVERSION="1.2", VIVADOVERSION="none")
    SubElement(root, "SYSTEMINFO", NAME="overlay", DEVICE=part)
    SubElement(root, "EXTERNALPORTS")
    SubElement(root, "EXTERNALINTERFACES")
    modules = SubElement(root, "MODULES")
    _processor(modules, ps, shell, clock_mhz)
    _shell(modules)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def _processor(modules: Element, ps: Processor, shell: Shell, clock_mhz: float) -> None:
    module = _module(modules, "ps", ps.vlnv)
    values = SubElement(module, "PARAMETERS")
    for name, value in ps.parameters(clock_mhz, shell.port.data_bits).items():
        SubElement(values, "PARAMETER", NAME=name, VALUE=value)
    ports = SubElement(module, "PORTS")
    _port(ports, ps.clock, "O", "clk", "ps_clock", ("bnn", "ap_clk"))
    _port(ports, ps.irq, "I", "INTERRUPT", "bnn_irq", ("bnn", "irq"))
    buses = SubElement(module, "BUSINTERFACES")
    SubElement(buses, "BUSINTERFACE", NAME=ps.control, TYPE="MASTER", VLNV=_AXI)
    SubElement(buses, "BUSINTERFACE", NAME=ps.memory, TYPE="SLAVE", VLNV=_AXI)
    base = shell.port.control
    SubElement(
        SubElement(module, "MEMORYMAP"), "MEMRANGE", ADDRESSBLOCK="reg0",
        BASEVALUE=f"0x{base:08X}", HIGHVALUE=f"0x{base + CONTROL_BYTES - 1:08X}", INSTANCE="bnn",
        IS_DATA="TRUE", IS_INSTRUCTION="TRUE", MASTERBUSINTERFACE=ps.control, MEMTYPE="REGISTER",
        SLAVEBUSINTERFACE=CONTROL,
    )  # fmt: skip


def _shell(modules: Element) -> None:
    module = _module(modules, "bnn", f"{IP_VENDOR}:{TOP}:{IP_VERSION}")
    block = SubElement(
        SubElement(module, "ADDRESSBLOCKS"), "ADDRESSBLOCK", ACCESS="read-write", INTERFACE=CONTROL,
        NAME="reg0", RANGE=str(CONTROL_BYTES), USAGE="register",
    )  # fmt: skip
    registers = SubElement(block, "REGISTERS")
    for register in load():
        _register(registers, register)
    SubElement(module, "PARAMETERS")
    ports = SubElement(module, "PORTS")
    _port(ports, "ap_clk", "I", "clk", "ps_clock")
    _port(ports, "irq", "O", "INTERRUPT", "bnn_irq")
    buses = SubElement(module, "BUSINTERFACES")
    SubElement(buses, "BUSINTERFACE", NAME="m_axi", TYPE="MASTER", VLNV=_AXI)
    SubElement(buses, "BUSINTERFACE", NAME=CONTROL, TYPE="SLAVE", VLNV=_AXI)


def _module(modules: Element, name: str, vlnv: str) -> Element:
    kind = vlnv.split(":")[2]
    return SubElement(
        modules, "MODULE", FULLNAME=f"/{name}", INSTANCE=name, IPTYPE="PERIPHERAL", IS_ENABLE="1",
        MODCLASS="PERIPHERAL", MODTYPE=kind, VLNV=vlnv,
    )  # fmt: skip


def _port(
    ports: Element, name: str, direction: str, kind: str, signal: str, to: tuple | None = None
) -> None:
    port = SubElement(ports, "PORT", DIR=direction, NAME=name, SIGIS=kind, SIGNAME=signal)
    links = SubElement(port, "CONNECTIONS")
    if to is not None:
        SubElement(links, "CONNECTION", INSTANCE=to[0], PORT=to[1])


def _register(parent: Element, register: Register) -> None:
    one = SubElement(parent, "REGISTER", NAME=register.name)
    _properties(
        one, DESCRIPTION=register.help, ADDRESS_OFFSET=f"0x{register.offset:X}", SIZE="32",
        ACCESS=IP_XACT_ACCESS[register.access], IS_ENABLED="true",
    )  # fmt: skip
    fields = SubElement(one, "FIELDS")
    for field in register.fields.values():
        _field(SubElement(fields, "FIELD", NAME=field.name), field)


def _field(parent: Element, field: Field) -> None:
    _properties(
        parent, DESCRIPTION=field.help, BIT_OFFSET=str(field.low),
        BIT_WIDTH=str(field.high - field.low + 1), ACCESS=IP_XACT_ACCESS[field.access],
    )  # fmt: skip


def _properties(parent: Element, **values: str) -> None:
    for name, value in values.items():
        SubElement(parent, "PROPERTY", NAME=name, VALUE=value)
