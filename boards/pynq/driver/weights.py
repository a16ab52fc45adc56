"""Weights at run time: loading them, asking what is there, and what several networks say."""

import collections
import json
import os

import numpy as np

from .errors import BoardError, LoadRefused
from .registers import FIELDS

Prediction = collections.namedtuple(
    "Prediction", "labels probabilities entropy mutual_information votes scores"
)
"""Of `predict` with samples=K: (N,) likeliest class; (N, n) mean of the networks' softmax; (N,)
its entropy in nats; (N,) of it what the networks disagree on; (N, n) votes; (N, K, n) scores."""


class Weights:
    """What `Board` has where weights are loaded at run time."""

    @property
    def contexts(self):
        """Sets of weights that are loaded at run time; 0 where they are constants."""
        return self.io.get("contexts", 0)

    def load_weights(self, image):
        """Load an image that `hw-bnn weights` or `deploy` wrote, between two frames of a run or
        between runs. Frames with contexts that it does not bring go on meanwhile.

        Args:
            image: the .bin file, beside whose .json the networks' real outputs are told; or its
                words, uint32.

        Raises:
            LoadRefused: the port did not take it.
            BoardError: the accelerator's weights are constants, or the port does not go on.
        """
        self._needs_port()
        words = np.fromfile(image, "<u4") if isinstance(image, (str, os.PathLike)) else image
        before, sent = self._field("LOADS"), 0
        end = self.port.now() + self.timeout_s
        while sent < len(words) or self._field("BUSY") or self.read("CONFIG") < self._room:
            room = self.read("CONFIG") if sent < len(words) else 0
            for word in words[sent : sent + room]:
                self.write("CONFIG", int(word))
            sent += min(room, len(words) - sent)
            if room:
                end = self.port.now() + self.timeout_s
            elif self.port.now() > end:
                raise BoardError(
                    f"the config port took no word for {self.timeout_s:g} s after {sent} of "
                    f"{len(words)}: frames inside do not leave"
                )
            self.port.pause()
        fault = self._field("FAULT")
        if fault or self._field("LOADING") or self._field("LOADS") == before:
            mixed = "some contents are new, some old" if self._field("MIXED") else "nothing changed"
            raise LoadRefused(f"the load was refused, by fault {fault} of the port: {mixed}")
        if isinstance(image, (str, os.PathLike)):
            beside = os.path.splitext(image)[0] + ".json"
            if os.path.exists(beside):
                with open(beside) as file:
                    self.networks.update(json.load(file)["networks"])

    _room = 64  # words of the shell's queue

    def loaded(self):
        """The names of what the contexts hold, as hexadecimal numbers; "00000000" where one holds a
        mixture."""
        self._needs_port()
        found = []
        for context in range(self.contexts):
            self._write_context(asked=context)
            name = self.read("CONFIG_LOADED")
            mixed = self.contexts == 1 and self._field("MIXED")
            found.append("%08x" % (0 if mixed else name))
        return found

    def predict(self, x, samples=None, context=None):
        """Labels (N,): the accelerator's, or the argmax of its scores, ties to the lowest index;
        (N, K) through K contexts; (N,) of most votes of an ensemble on chip.

        Args:
            x: as of `run`.
            samples: ask the networks of the first so many contexts, and give a `Prediction`:
                BayesBiNN's mean prediction (Meng, Bachmann and Khan, ICML 2020, equation 20) and
                how sure it is, in float64 of the exact scores.
            context: run the frames through this one alone.

        Raises:
            ValueError: there are fewer contexts, or no scores of each.
            BoardError: what a context holds came without its .json file.
        """
        if samples is None:
            scores, labels = self.run(x, context)
            if labels is None:
                return np.argmax(scores, axis=-1)
            return labels if labels.ndim == 1 or not self._tallies(context) else labels.argmax(1)
        if context is not None or not 1 <= samples <= max(1, self.contexts):
            raise ValueError(
                f"samples is {samples}: give 1 to {max(1, self.contexts)}, and no context"
            )
        if self.io["output"]["mode"] == "label" or self._tallies(None):
            raise ValueError("the accelerator does not give the scores of each network")
        if samples == max(1, self.contexts):
            scores = self.run(x)[0]
            scores = scores if scores.ndim == 3 else scores[:, None]
        else:
            scores = np.stack([self.run(x, c)[0] for c in range(samples)], axis=1)
        return self._combined(scores)

    def choose(self, context):
        """The context that the frames of the runs to come name; None for all."""
        if context is not None:
            if not 0 <= context < self.contexts:
                raise ValueError(f"context is {context}, the accelerator has {self.contexts}")
            if self.contexts == 1:
                context = None
        if self.contexts:
            self._write_context(named=0 if context is None else context + 1)
        self._context = context

    def _combined(self, scores):
        names = self.loaded() if self.contexts else [self.io.get("loaded")]
        outputs = []
        for k in range(scores.shape[1]):
            network = self.networks.get(names[k]) or self.io.get("networks", {}).get(names[k])
            if network is None:
                raise BoardError(
                    f"context {k} holds {names[k]}, of which no .json file tells the real outputs: "
                    "load its image from a file"
                )
            outputs.append(scores[:, k] * np.array(network["scale"]) + np.array(network["offset"]))
        real = np.stack(outputs, axis=1)
        each = np.exp(real - real.max(axis=-1, keepdims=True))
        each /= each.sum(axis=-1, keepdims=True)
        mean, own = each.mean(axis=1), _entropy(each).mean(axis=1)
        votes = np.zeros(mean.shape, np.int64)
        for k in range(scores.shape[1]):
            votes[np.arange(len(votes)), real[:, k].argmax(axis=1)] += 1
        total = _entropy(mean)
        return Prediction(
            mean.argmax(axis=1), mean, total, np.maximum(total - own, 0.0), votes, scores
        )

    def _first_network(self, x):
        """(scores, labels) of the first context's network alone."""
        scores, labels = self.run(x, 0 if self.contexts > 1 else None)
        return scores, labels.argmax(axis=1) if self._tallies(None) else labels

    def _tallies(self, context):
        """Whether labels are votes."""
        return self.io["output"].get("ensemble", 1) > 1

    def _out_words(self, context):
        """Words that a frame gives which names the context, or none."""
        output = self.io["output"]
        return output["words"] * (output.get("results", 1) if context is None else 1)

    def _write_context(self, named=None, asked=None):
        old = self.read("CONTEXT")
        named = old & 0xFF if named is None else named
        self.write("CONTEXT", named | (old >> 8 & 0xFF if asked is None else asked) << 8)

    def _field(self, name):
        mask = FIELDS["CONFIG_STATUS"][name]
        return (self.read("CONFIG_STATUS") & mask) // (mask & -mask)

    def _needs_port(self):
        if not self.contexts:
            raise BoardError("the accelerator's weights are constants: none can be loaded")


def _entropy(p):
    """(...) of probabilities (..., n), in nats."""
    return -(p * np.log(np.maximum(p, 1e-300))).sum(axis=-1)
