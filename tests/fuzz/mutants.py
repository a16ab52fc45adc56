"""A mutant: a base and a list of mutations, each with a seed of its own, as one line of text.

    onnx/mlp:rename_tensor.123+flip_bit.5

The text alone makes the same bytes again, so that it is all a report has to tell; a finding
shrinks by leaving mutations out.

>>> str(Mutant.parse("onnx/mlp:rename_tensor.123+flip_bit.5"))
'onnx/mlp:rename_tensor.123+flip_bit.5'
>>> [str(m) for m in random_mutants("folding", 2,
seed=1)] == [str(m) for m in random_mutants("folding", 2, seed=1)]
True
"""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml

from tests.fuzz import (
    byte_mutations,
    checkpoint_mutations,
    corpus,
    npy_mutations,
    onnx_structure,
    tree_mutations,
)


@dataclass(frozen=True)
class Mutant:
    family: str
    base: str
    steps: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return f"{self.family}/{self.base}:" + "+".join(
            f"{name}.{seed}" for name, seed in self.steps
        )

    @classmethod
    def parse(cls, text: str) -> Mutant:
        place, _, steps = text.partition(":")
        family, _, base = place.partition("/")
        parts = (s.rsplit(".", 1) for s in steps.split("+") if s)
        return cls(family, base, tuple((name, int(seed)) for name, seed in parts))

    def smaller(self) -> Iterator[Mutant]:
        """With one mutation less each."""
        for i in range(len(self.steps)):
            yield replace(self, steps=self.steps[:i] + self.steps[i + 1 :])

    @property
    def plain(self) -> bool:
        """Whether only bytes are changed."""
        return all(name in byte_mutations.MUTATORS for name, _ in self.steps)


@dataclass(frozen=True)
class Family:
    """How one kind of file is read into a document, changed, and written to bytes again.

    bases: names of its base files. load(materials, base) -> document. change: name -> function
    of (document, generator), that returns the document or changes it. text: the same of the
    written text.
    """

    bases: tuple[str, ...]
    load: Callable[[Path, str], Any]
    write: Callable[[Any], bytes]
    change: dict[str, Callable]
    text: dict[str, Callable] = None


def _onnx(_materials: Path, base: str) -> onnx.ModelProto:
    return corpus.BASES[base]()


def _json(materials: Path, base: str) -> Any:
    return json.loads((materials / base).read_text())


def _yaml(materials: Path, base: str) -> Any:
    return yaml.safe_load((materials / base).read_text())


def _dump_json(tree: Any) -> bytes:
    return json.dumps(tree, indent=1, default=str).encode("utf-8", "surrogatepass")


def _dump_yaml(tree: Any) -> bytes:
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).encode(
        "utf-8", "surrogatepass"
    )


def _save_npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


_TREE = tree_mutations.MUTATORS
FAMILIES = {
    "onnx": Family(tuple(corpus.BASES), _onnx, lambda m: m.SerializeToString(),
    onnx_structure.MUTATORS),
    "accelerator": Family(("accelerator.json",), _json, _dump_json, _TREE,
    tree_mutations.TEXT_MUTATORS),
    "folding": Family(("folding.json", "finn_folding.json"), _json, _dump_json, _TREE,
    tree_mutations.TEXT_MUTATORS),
    "recipe": Family(("recipe.yaml", "stages.yaml", "cnn.yaml"), _yaml, _dump_yaml, _TREE,
    tree_mutations.YAML_MUTATORS),
    "sweep": Family(("sweep.yaml",), _yaml, _dump_yaml, _TREE, tree_mutations.YAML_MUTATORS),
    "npy": Family(("integers", "reals"), npy_mutations.load, _save_npy, npy_mutations.MUTATORS),
    "checkpoint": Family(("selected.pt",), checkpoint_mutations.load, checkpoint_mutations.write,
                         checkpoint_mutations.MUTATORS),
}  # fmt: skip


MILD = ("parameter_value", "parameter_scaled", "parameter_type", "quantiser_bits", "insert_node",
"rename_tensor",
        "rename_tensors", "rename_end", "rename_node", "attribute_number", "add_attribute",
        "repeat_node")  # fmt: skip
"""Mutations that often leave a network: they are drawn three times as often as others."""


def make(mutant: Mutant, materials: Path) -> bytes:
    """The file's bytes. Mutations of the document come first, then those of its text, then of its
    bytes."""
    family = FAMILIES[mutant.family]
    text, raw = family.text or {}, byte_mutations.MUTATORS
    document = copy.deepcopy(family.load(materials, mutant.base))
    for name, seed in mutant.steps:
        if name in family.change:
            found = family.change[name](document, np.random.default_rng(seed))
            document = (
                document if found is None and isinstance(document, onnx.ModelProto) else found
            )
    data = document if isinstance(document, bytes) else family.write(document)
    for name, seed in mutant.steps:
        if name in text:
            data = text[name](data.decode(), np.random.default_rng(seed)).encode()
    if mutant.family == "checkpoint" and mutant.plain:
        data = (materials / mutant.base).read_bytes()
    for name, seed in mutant.steps:
        if name in raw:
            data = raw[name](data, np.random.default_rng(seed))
    return data


def random_mutants(family: str, count: int, seed: int) -> Iterator[Mutant]:
    """Mutants of 1 to 4 mutations; about every sixth has one of bytes or text."""
    rng = np.random.default_rng([seed, *family.encode()])
    known = FAMILIES[family]
    structured = [*known.change, *(n for n in known.change if n in MILD for _ in range(2))]
    raw = [*(known.text or {}), *byte_mutations.MUTATORS]
    for i in range(count):
        names = [
            structured[int(rng.integers(len(structured)))]
            for _ in range(int(rng.choice([1, 1, 1, 2, 2, 3, 4])))
        ]
        if rng.random() < 1 / 6:
            names = [*names[: int(rng.integers(2))], raw[int(rng.integers(len(raw)))]]
        base = known.bases[i % len(known.bases)]
        yield Mutant(family, base, tuple((n, int(rng.integers(10**6))) for n in names))
