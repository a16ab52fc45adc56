"""The accelerator folder: the only contract between `compile` and every later command.

description.py  accelerator.json: what the folder says of its nodes, streams and interface
config_port.py  what it says of the port for weights at run time
names.py        what its words and numbers may be; wiring.py: whether nodes and streams fit
folder.py       reading a folder whole and unchanged; trust.py: who made it
netlists.py     what `synth` leaves in it
"""

from .config_port import ConfigPort, RequantiserShape
from .description import (
    LONGEST_CLOCK_NS,
    SCHEMA,
    SHORTEST_CLOCK_NS,
    Description,
    Input,
    Memory,
    Node,
    Output,
    Planned,
    Resources,
    Stream,
)

__all__ = [
    "LONGEST_CLOCK_NS",
    "SHORTEST_CLOCK_NS",
    "SCHEMA",
    "ConfigPort",
    "Description",
    "Input",
    "Memory",
    "Node",
    "Output",
    "Planned",
    "RequantiserShape",
    "Resources",
    "Stream",
]
