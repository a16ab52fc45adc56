"""Measurements and checks of a board, by the names of FINN's driver where that has them."""

import os

import numpy as np

from .errors import BoardError


class Checks:
    """What `Board` has besides running frames."""

    def throughput_test(self, frames=None):
        """One run of a whole batch of random frames; keys as in FINN's driver.

        "cycles[frame]" is counted by the shell, "runtime[ms]" by the host.
        """
        frames = self.batch if frames is None else min(frames, self.batch)
        contract = self.io["input"]
        shape = (frames,) + tuple(contract["shape"])
        drawn = np.random.RandomState(1).randint(
            contract["minimum"], contract["maximum"] + 1, shape
        )
        if contract["datatype"] == "BIPOLAR":
            drawn = np.where(drawn < 0, -1, 1)
        pair = self._pair(0)
        self._place(pair[0], drawn)
        before = self.port.now()
        self.launch(pair[0].address, pair[1].address, frames)
        self.finish(frames)
        seconds = self.port.now() - before
        return {
            "N": frames,
            "runtime[ms]": 1000 * seconds,
            "throughput[images/s]": frames / seconds,
            "DRAM_in_bandwidth[MB/s]": frames * self._in_frame / seconds / 1e6,
            "DRAM_out_bandwidth[MB/s]": frames * self._out_frame / seconds / 1e6,
            "fclk[mhz]": self.clock_mhz or self.io["clock_mhz"],
            "cycles[frame]": self.read64("CYCLES") / frames,
        }

    @property
    def io_shape_dict(self):
        """Shapes by the names of FINN's driver, N = 1."""
        inp, out = self.io["input"], self.io["output"]
        count = 1 if out["mode"] == "label" else out["scores"]
        return {
            "idt": [inp["datatype"]],
            "odt": [f"UINT{out['label_bits']}" if out["mode"] == "label" else out["datatype"]],
            "ishape_normal": [(1,) + tuple(inp["shape"])],
            "oshape_normal": [(1, count)],
            "ishape_folded": [(1, inp["words"], inp["word_bits"] // inp["element_bits"])],
            "oshape_folded": [(1, out["words"], out["lanes"])],
            "ishape_packed": [(1, inp["words"], self.io["in_stride"])],
            "oshape_packed": [(1, out["words"], self.io["out_stride"])],
            "num_inputs": 1,
            "num_outputs": 1,
        }

    def measured_mhz(self):
        """The clock by the shell's own counter against the host's, to half a percent.

        The window is as long as slow register accesses (of a board behind a network, say) ask for.
        """
        window = self.port.window_s
        first, start, blur = self._free_cycles()
        while True:
            while self.port.now() - start < window:
                self.port.pause()
            last, end, more = self._free_cycles()
            if blur + more < 0.01 * (end - start) or window > 50 * self.port.window_s:
                return (last - first) / (end - start) / 1e6
            window *= 2

    def _free_cycles(self):
        """(register FREE, when it was read in seconds, how long the read took)."""
        before = self.port.now()
        low = self.read("FREE_LO")
        after = self.port.now()
        return self.read("FREE_HI") << 32 | low, (before + after) / 2, after - before

    def selftest(self, golden=None):
        """Identification, clock and golden vectors.

        Args:
            golden: .npz with x, and scores and labels as far as the accelerator gives them; the
                .json file's "golden" by default, beside that file.

        Returns:
            {"model", "clock_mhz", "frames"}.

        Raises:
            WrongBitstream: see `identify`. BoardError: the clock is off by over 2 %, or an
                output differs.
        """
        self.identify()
        clock = self.measured_mhz()
        wanted = self.clock_mhz or self.io["clock_mhz"]
        if abs(clock - wanted) > 0.02 * wanted:
            raise BoardError(f"the clock runs at {clock:.2f} MHz, expected {wanted:.2f}")
        frames, name = 0, golden
        if name is None and self.io.get("golden"):
            name = os.path.join(self._folder, self.io["golden"])
        if name is not None:
            with np.load(name) as vectors:
                given = {key: vectors[key] for key in vectors.files}
            results = dict(zip(("scores", "labels"), self._first_network(given["x"])))
            for key, values in results.items():
                if values is None or key not in given:
                    continue
                wrong = (values != given[key]).reshape(len(values), -1).any(axis=1)
                if wrong.any():
                    first = int(np.argmax(wrong))
                    raise BoardError(
                        f"{wrong.sum()} of {len(wrong)} golden frames differ; first frame {first}: "
                        f"{key} are {values[first]}, expected {given[key][first]}"
                    )
            frames = len(given["x"])
        return {"model": self.io["model"], "clock_mhz": clock, "frames": frames}
