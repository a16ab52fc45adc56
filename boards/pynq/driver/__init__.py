"""Runs frames on an accelerator behind the shell: on a PYNQ board, or on a simulated board.

    from driver import Board
    board = Board.load("digits.bit")            # digits.hwh and digits.json beside it
    board.selftest()
    labels = board.predict(x)                   # x: (N, ...) integers, or floats as the model takes
    scores, labels = board.run(x)

    board.load_weights("weights/new.bin")       # an accelerator compiled with --runtime-weights
    sure = board.predict(x, samples=8)          # of 8 contexts: labels, probabilities, entropy, ...

This folder goes to the board: it needs Python 3.8, numpy and pynq, nothing else. What a word holds
comes from the .json file, which `hw-bnn deploy` writes; the register map is generated from
regs.yaml.
"""

from .board import Board, default_batch, default_timeout
from .errors import (
    BoardError,
    DeadPort,
    LoadRefused,
    MemoryFault,
    RunTimeout,
    WrongBitstream,
)
from .port import PynqPort
from .weights import Prediction
from .words import check_input, integers_of, pack, unpack

__all__ = [
    "Board",
    "BoardError",
    "DeadPort",
    "LoadRefused",
    "MemoryFault",
    "Prediction",
    "PynqPort",
    "RunTimeout",
    "WrongBitstream",
    "check_input",
    "default_batch",
    "default_timeout",
    "integers_of",
    "pack",
    "unpack",
]
