"""A network trained by any method exports to the same kind of QONNX and runs as integers alike."""

import copy

import numpy as np
import onnx
import pytest
import torch

from hw_bnn.data.sets import load_arrays
from hw_bnn.export import export
from hw_bnn.golden import GoldenModel
from hw_bnn.train import train
from hw_bnn.train.trained import load_trained

REAL = {"optimiser": "adam", "lr": 0.01}
METHODS = {
    "ste": {"name": "ste", "lr": 0.01},
    "bop": {"name": "bop", "gamma": 1e-2, "tau": 1e-7, "real": REAL},
    "bop2": {"name": "bop2", "gamma": 1e-2, "tau": 1e-6, "real": REAL},
    "proxquant": {"name": "proxquant", "lr": 0.01, "reg_rate": 0.05, "freeze_after": 1},
    "bnew": {"name": "bnew", "lr": 0.01, "pull": 0.1, "freeze_after": 1},
    "bmd": {"name": "bmd", "lr": 0.01, "beta": 3.0, "real": REAL},
    "md_tanh": {"name": "md_tanh", "lr": 0.01, "beta": 3.0, "real": REAL},
    "pmf": {"name": "pmf", "lr": 0.01, "beta": 5.0, "real": REAL},
    "bayesbinn": {"name": "bayesbinn", "lr": 3e-4, "real": REAL},
}


@pytest.mark.parametrize("method", METHODS)
def test_trained_exported_and_run_as_integers(method, tmp_path):
    document = {
        "name": "digits",
        "data": {"name": "digits", "scale": "integer", "batch": 64, "split": "stratified"},
        "model": {"name": "mlp", "hidden": [64], "input": {"bits": 5}},
        "training": {
            "epochs": 3,
            "loss": "squared_hinge",
            "method": copy.deepcopy(METHODS[method]),
        },
    }
    run = train(document, out=tmp_path / "run", quiet=True, tensorboard=False)
    path = export(run, tmp_path / "model.onnx")
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert kinds.count("BipolarQuant") == 3 and kinds.count("MatMul") == 2
    images, labels = load_arrays("digits", "test")
    model = load_trained(run).model
    with torch.no_grad():
        x = torch.from_numpy(images).float()
        hidden = model.activation1(model.norm1(model.linear1(model.input(x))))
        accumulators = model.linear2(hidden).numpy()
        expected = model(x).argmax(1).numpy()
    golden = GoldenModel.from_onnx(path)
    scores = golden.scores(images.astype(np.int64))
    np.testing.assert_array_equal(scores, accumulators.astype(np.int64))
    assert (golden.labels(scores) == expected).mean() >= 0.997  # float32 ties of the last BatchNorm
    assert (expected == labels).mean() > 0.5
