"""The engine lanes: the gates of an accelerator, one frame a bit lane.

Control does not depend on data in these accelerators: every 1-bit net is a word of up to 512
frames, a look-up table a bitwise expression, and memories are addressed by what all frames share.

netlist.py   cells as logic, flops and memories; cells.py, block_ram.py, dsp.py: each kind of cell
logic.py     Boolean logic kept small, and cut into tables of three inputs
reach.py     what differs between lanes
program.py   the tables of what does and of what does not
lanes.cpp    the interpreter of the tables, compiled once for every netlist
model.py     a netlist's file to a model that runs
"""
