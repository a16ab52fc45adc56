"""The base files that the families mutate, made once a session in a folder:
`prepare(folder, family)`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import onnx

from tests.fuzz import corpus

RECIPE = """\
name: net
description: a perceptron
data: {name: digits, scale: integer, batch: 64, validation: 0.1, split: stratified}
model:
  name: mlp
  hidden: [16, 8]
  input: {bits: 5, signed: false, scale: 1.0}
training:
  epochs: 1
  loss: squared_hinge
  method: {name: ste, optimiser: adam, lr: {start: 0.01, end: 0.0, kind: linear, per: step},
  clip_weights: true}
seed: 3
"""
SWEEP = """\
name: rates
description: learning rates
recipes: [recipe.yaml]
seeds: 2
epochs: 1
set: [data.batch=50]
grid: {training.method.clip_weights: [true, false], seed: [1, 2]}
"""
RECIPES = Path(__file__).parents[2] / "training" / "recipes"
PUBLISHED = {
    "stages.yaml": "alizadeh2019/alizadeh_two_stage_mnist.yaml",
    "cnn.yaml": "hardware/bnew_resnet20_hardware_ste.yaml",
}
FOLDING = {"layer0": {"PE": 7, "SIMD": 3}, "layer1": {"PE": 1, "SIMD": 7}}
FINN_FOLDING = {
    "Defaults": {"mem_mode": ["internal_decoupled", ["MVAU"]]},
    "MVAU_rtl_0": {"PE": 1, "SIMD": 4, "ram_style": "auto", "mem_mode": "internal_decoupled"},
    "MVAU_hls_1": {"PE": 5, "SIMD": 1, "resType": "lut"},
    "StreamingFIFO_rtl_0": {"depth": 32, "impl_style": "rtl"},
}


def prepare(folder: Path, family: str) -> None:
    """Write what the family's mutants and targets read."""
    folder.mkdir(parents=True, exist_ok=True)
    if family in ("accelerator", "folding", "npy"):
        onnx.save(corpus.mlp(), folder / "model.onnx")
    if family == "accelerator":
        from hw_bnn.compile import compile_model

        made = compile_model(folder / "model.onnx", folder / "accelerator", fifo_sizing="none")
        shutil.copy(made / "accelerator.json", folder / "accelerator.json")
    if family == "folding":
        (folder / "folding.json").write_text(json.dumps(FOLDING))
        (folder / "finn_folding.json").write_text(json.dumps(FINN_FOLDING))
    if family in ("recipe", "sweep", "checkpoint"):
        (folder / "recipe.yaml").write_text(RECIPE)
        for name, recipe in PUBLISHED.items():
            shutil.copy(RECIPES / recipe, folder / name)
        (folder / "sweep.yaml").write_text(SWEEP)
    if family == "checkpoint":
        from hw_bnn.train import train

        run = train(folder / "recipe.yaml", out=folder / "run")
        shutil.copy(Path(run) / "selected.pt", folder / "selected.pt")
