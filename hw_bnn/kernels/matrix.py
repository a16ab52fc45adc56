"""What all matrix-vector units have besides their lanes: folding, memories, control, streams."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from .base import CONFIGURED, Kernel, Memory, Parameters, contexts
from .logic import bits_for
from .memory_cost import ram, rom, rom_luts, ultra_ram
from .schedule import Reads, Schedule, counted

MANY_WORDS = 32
"""Above so many random words no two bits of a weight memory are alike."""


class MatrixVector(Kernel):
    """PE x SIMD lanes over NF = MH/PE, SF = MW/SIMD steps; weights and thresholds in memories.

    replays: whether an input word serves all channels, and is kept for them.
    """

    replays = True

    def weight_bits(self, p: dict[str, int]) -> int:
        """Width of a weight."""
        return 1

    def input_elements(self, p: dict[str, int]) -> int:
        """Elements of an input word: with MMV > 1 the wide window (rtl/bnn_mvau_windows.sv)."""
        mmv = p.get("MMV", 1)
        if mmv == 1:
            return p["SIMD"]
        return p["SIMD"] // p["RUN"] * (p["RUN"] + (mmv - 1) * p["STEP"])

    @abstractmethod
    def threshold_bits(self, p: dict[str, int]) -> int:
        """Width of a threshold."""

    def random_bits(self, parameters: Parameters) -> tuple[float, float]:
        """(share of weights' bits that are 0 in all words of their memory, different functions of
        an input bit and a weight's bit): of random weights; those that are loaded may be any.

        A weight's bit is one of 2^words functions of the address, of which two are constants; lanes
        share the input bits that such a function lets through.
        """
        p = self.values(parameters)
        words = p["MH"] // p["PE"] * (p["MW"] // p["SIMD"])
        if CONFIGURED in parameters or words > MANY_WORDS:
            return 0.0, float(p["PE"] * p["SIMD"])
        functions = 2.0**words
        used = (functions - 2) * (1 - (1 - 1 / functions) ** p["PE"])
        return 1 / functions, p["SIMD"] * used

    def ultra(self, parameters: Parameters) -> int:
        """Blocks of UltraRAM that the weights take."""
        if parameters.get("WEIGHTS_STYLE") != "ultra":
            return 0
        weights = self.memory("WEIGHTS_FILE", parameters)
        return ultra_ram(weights.word_bits, contexts(parameters) * weights.rows)

    def memories(self, parameters: Parameters) -> tuple[Memory, ...]:
        p = self.values(parameters)
        pe, simd, sets = p["PE"], p["SIMD"], p["N_SETS"]
        nf, sf = p["MH"] // pe, p["MW"] // simd
        found = [Memory("WEIGHTS_FILE", nf * sf, pe * simd, (self.weight_bits(p),))]
        if p["N_THRESHOLDS"]:
            lanes, bits = pe * p["N_THRESHOLDS"], self.threshold_bits(p)
            found.append(Memory("THRESHOLDS_FILE", sets * nf, lanes, (bits,)))
        if sets > 1:
            found.append(Memory("SETS_FILE", p["N_VECTORS"], 1, (bits_for(sets),)))
        return tuple(found)

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule:
        p = self.values(parameters)
        nf, sf = p["MH"] // p["PE"], p["MW"] // p["SIMD"]
        mmv, latency = p.get("MMV", 1), 3 + p["PIPELINE"] + p["WEIGHTS_STAGE"]
        if mmv > 1:  # a group of windows is a word, its pixels leave behind each other
            begins = counted(words[0]) * max(nf, mmv)
            needed = np.repeat(counted(words[0]) + 1, max(nf, mmv))
            late = np.tile(nf - 1 + counted(mmv), words[0])
            return Schedule(
                len(needed), (Reads(needed, begins),), np.repeat(begins, mmv), latency + 1, late
            )
        vector = counted(nf * sf)
        uses = np.minimum(vector, sf - 1) if self.replays else vector
        reads = sf if self.replays else nf * sf
        vectors = counted(words[0] // reads)[:, None]
        needed = (vectors * reads + uses + 1).reshape(-1)
        taken = (vectors * (nf * sf) + counted(reads)).reshape(-1)
        given = (vectors * (nf * sf) + (counted(nf) + 1) * sf - 1).reshape(-1)
        return Schedule(len(needed), (Reads(needed, taken),), given, latency)

    def shared_cost(
        self, parameters: Parameters, word_bits: int
    ) -> tuple[dict[str, float], dict[str, float], float]:
        """(parts of LUTs, parts of registers, RAMB36) of all but the lanes.

        Args:
            word_bits: of an input word.
        """
        p = self.values(parameters)
        pe, simd, sets, vectors = p["PE"], p["SIMD"], p["N_SETS"], p["N_VECTORS"]
        out = p.get("MMV", 1) * pe * p["OUT_BITS"]
        nf, sf = p["MH"] // pe, p["MW"] // simd
        kept = self.replays and nf > 1
        threshold_word = pe * p["N_THRESHOLDS"] * self.threshold_bits(p)
        weights_word = pe * simd * self.weight_bits(p)
        written = CONFIGURED in parameters
        held = nf * contexts(parameters)
        memories = [
            rom(
                weights_word,
                held * sf,
                str(parameters.get("WEIGHTS_STYLE", "auto")),
                written=written,
            ),
            rom(
                threshold_word,
                held * sets,
                str(parameters.get("THRESHOLDS_STYLE", "auto")),
                written=written,
            ),
            (rom_luts(bits_for(sets), vectors), 0, 0) if sets > 1 else (0, 0, 0),
            ram(word_bits, sf) if kept and sf > 1 else (0, 0, 0),
        ]
        stage = (weights_word + word_bits + threshold_word * (nf * sets > 1)) * p["WEIGHTS_STAGE"]
        control = {
            "address": bits_for(held * sf) + bits_for(nf) + bits_for(sf) + bits_for(vectors),
            "out": out,
            "one": 1,
        }
        word = word_bits * (kept and sf > 1)
        lut = {"exact": sum(m[0] for m in memories), **control, "word": word}
        registers = sum(m[1] for m in memories) + 2 * out + stage
        if p.get("MMV", 1) > 1:  # a group of pixels that is sent, and the next
            lut["exact"] += nf * out
            registers += nf * out + (nf - 1) * out
        ff = {"exact": registers, **control, "word": word_bits}
        return lut, ff, sum(m[2] for m in memories)
