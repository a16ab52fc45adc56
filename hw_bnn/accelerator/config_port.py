"""What accelerator.json tells of the port by which weights are loaded at run time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .names import Count, DataType, FileName, Index, Part


class RequantiserShape(Part):
    """What of a requantiser all networks share: parameters of rtl/bnn_requantise.sv."""

    low: int
    high: int
    pieces: Annotated[int, Field(ge=1, le=2)]
    shift: Index
    half_even: bool
    gain_bits: Count
    offset_bits: Count
    sum_bits: Count


class ConfigPort(Part):
    """The port s_axis_cfg, which takes new contents of memories (rtl/bnn_config_gate.sv).

    Nodes and memories have their numbers on it as `config` and `number`; a memory word is
    ceil(bits / 32) chunks.
    """

    tdata_bits: Literal[32] = 32
    crc: Literal["CRC-32 IEEE 802.3, reflected, 0xEDB88320"] = (
        "CRC-32 IEEE 802.3, reflected, 0xEDB88320"
    )
    longest: Count  # chunks of a packet
    total: Count  # chunks of a context
    loaded: FileName  # memory file with a name for each context
    weights: list[DataType]  # type of each layer's weights, in the order of the model file
    # of each quantiser on the chip, in that order; null where it is thresholds
    requantisers: list[RequantiserShape | None]
    empty: bool = False  # memories hold nothing at the start: a load comes before the first frame
    contexts: Count = 1  # sets of weights in the memories, each as many words as the next
    affine: Annotated[
        list[Index], Field(min_length=2, max_length=2)
    ]  # bits of the label's factors and offsets, as the graph has them
