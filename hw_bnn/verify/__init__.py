"""Every stage from the model file to the hardware gives the same integers, frame by frame.

stage.py        what a stage is, and the registry
stages/         one file a stage: torch, qonnx, dataflow, golden, rtl, netlist
compare.py      a stage's run against the golden model
torch_proof.py  whether a torch module and its file differ by proven float ties alone (export)
divergence.py   where two runs part; locate.py: inside the RTL, with cycle and waveform
verifier.py     runs the stages of one accelerator; summary.py: its result document
verify.py       the command; junit.py: its result for continuous integration
"""

from __future__ import annotations

from .verify import failed, show, verify, verify_into

__all__ = ["failed", "show", "verify", "verify_into"]
