"""SFC (784-256-256-256-10) on MNIST's whole test set in RTL, at the rates it is folded for."""

import os

import numpy as np
import pytest

CYCLES = (16, 1024)


@pytest.fixture(scope="module")
def sfc(tmp_path_factory):
    """FINN's SFC_1W1A with random BatchNorm statistics and gains of both signs, as a QONNX file."""
    os.environ["BREVITAS_JIT"] = "0"
    import torch

    from hw_bnn.export import export_model
    from hw_bnn.nn import zoo

    torch.manual_seed(1)
    model = zoo.randomise_norms(zoo.build("sfc_1w1a"), seed=1).eval()
    path = tmp_path_factory.mktemp("sfc") / "sfc.onnx"
    return export_model(model, path, torch.rand(4, 1, 28, 28))


@pytest.fixture(scope="module")
def images():
    from hw_bnn.data.sets import load_arrays

    return load_arrays("mnist", "test", data_root=os.environ["HW_BNN_DATA"])[0]


@pytest.mark.mnist
@pytest.mark.slow
@pytest.mark.parametrize("cycles", CYCLES)
def test_whole_test_set_at_the_folded_rate(sfc, images, tmp_path, cycles):
    from hw_bnn.accelerator import Description
    from hw_bnn.compile import compile_model
    from hw_bnn.golden import GoldenModel
    from hw_bnn.simulation import simulate

    folder = compile_model(sfc, tmp_path / "sfc", target_cycles=cycles, check=False)
    accelerator = Description.load(folder)
    assert accelerator.bound_cycles == cycles
    assert (
        accelerator.input.words * accelerator.input.word_bits == 98 * 8
    )  # bytes of a packed frame

    golden = GoldenModel.from_onnx(sfc)
    x = golden.host_quantise((images / np.float32(255)).astype(np.float32).reshape(-1, 1, 28, 28))
    result = simulate(folder, x)
    scores = golden.scores(x)
    assert len(x) == 10_000
    assert np.array_equal(result.scores, scores)
    assert np.array_equal(result.labels, golden.labels(scores))
    assert result.cycles_per_frame == cycles


@pytest.mark.mnist
@pytest.mark.full
def test_whole_test_set_through_a_boards_shell(sfc, images, tmp_path):
    """Driver, registers, DMA and core: the same scores, at 95 % of the core's own rate at least."""
    from hw_bnn.accelerator import Description
    from hw_bnn.compile import compile_model
    from hw_bnn.golden import GoldenModel
    from hw_bnn.simulation import simulate

    folder = compile_model(sfc, tmp_path / "sfc", target_cycles=64, check=False, fifo_sizing="none")
    golden = GoldenModel.from_onnx(sfc)
    x = golden.host_quantise((images / np.float32(255)).astype(np.float32).reshape(-1, 1, 28, 28))
    result = simulate(folder, x, engine="shell")
    scores = golden.scores(x)
    assert len(x) == 10_000
    assert np.array_equal(result.scores, scores)
    assert np.array_equal(result.labels, golden.labels(scores))
    assert 0.95 * result.cycles_per_frame <= Description.load(folder).bound_cycles


@pytest.mark.mnist
@pytest.mark.slow
def test_threshold_on_chip(sfc, images, tmp_path):
    """8-bit pixels in, binarised on chip: the same scores as binarised on the host."""
    from fractions import Fraction

    from hw_bnn.compile import compile_model
    from hw_bnn.golden import GoldenModel
    from hw_bnn.simulation import simulate

    folder = compile_model(
        sfc,
        tmp_path / "sfc",
        target_cycles=784,
        check=False,
        fifo_sizing="none",
        input_datatype="UINT8",
        input_scale=Fraction(1, 255),
    )
    pixels = images[:1000].reshape(-1, 1, 28, 28)
    host = GoldenModel.from_onnx(sfc)
    x = host.host_quantise((pixels / np.float32(255)).astype(np.float32))
    assert np.array_equal(simulate(folder, pixels).scores, host.scores(x))


@pytest.mark.mnist
@pytest.mark.full
def test_whole_test_set_through_the_code_for_hls_tools(sfc, images, tmp_path):
    from hw_bnn.compile import compile_model
    from hw_bnn.golden import GoldenModel
    from hw_bnn.hls.write import hls
    from hw_bnn.sim import stream_frames

    folder = compile_model(sfc, tmp_path / "sfc", target_cycles=64, check=False, fifo_sizing="none")
    assert hls(folder)["interval"] == 64
    golden = GoldenModel.from_onnx(sfc)
    x = golden.host_quantise((images / np.float32(255)).astype(np.float32).reshape(-1, 1, 28, 28))
    assert len(x) == 10_000
    assert np.array_equal(stream_frames(folder, x, engine="hls", jobs=2).scores, golden.scores(x))
