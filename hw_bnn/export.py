"""torch -> QONNX, in the form that FINN and other QONNX readers take.

    BipolarQuant (weights) - MatMul/Conv - BatchNormalization - BipolarQuant (activations) - ...

with a Quant or BipolarQuant node at the input, batch size 1, NCHW, tensors `global_in` and
`global_out`. The written file is executed by qonnx on sample inputs and compared with torch.

    from hw_bnn.export import export
    export("runs/digits_mlp-seed0", "model.onnx")
    export(module, "model.onnx", example_input=x[:8])
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import console
from .data.pixels import METADATA, Pixels
from .errors import BadInput, CheckFailed, HwBnnError, Unsupported
from .files.output import at_home, check_output_file, output_file
from .files.temporary import temporary_folder

if TYPE_CHECKING:
    import torch
    from onnx import ModelProto

    from .train.trained import Trained

SAMPLES = 8
# Logits after a BatchNorm are sums of float32 products taken in another order: both sides
# are correctly rounded to some 1e-6 of the largest logit, while one flipped sign moves a
# logit by far more.
TOLERANCE = 1e-4


def export(
    run: str | os.PathLike | torch.nn.Module,
    output: str | Path,
    *,
    example_input: Any = None,
    sample: int | None = None,
) -> Path:
    """Write a network with weights of 1 to 8 bits as QONNX: of a training run, or a torch module.

    Args:
        run: a run folder (its selected weights), one of its checkpoint files, or a torch module of
            hw_bnn.nn's or Brevitas' layers, which is put in eval mode.
        output: the file to write; written whole or not at all.
        example_input: of a module: (N, ...) real numbers as it takes them, N >= 1. The first gives
            the file's input shape, all are compared with torch.
        sample: of a run of BayesBiNN: write a network drawn from its posterior with this seed, not
            the likeliest one.

    Returns:
        The path of the file.

    Raises:
        BadInput: no such run, damaged, of another version, or `output` cannot be written; the run
            keeps no posterior to draw from, or the seed is none.
        Unsupported: the network's weights are not quantised, its input is not quantised, or
            Brevitas cannot export it; names the layer.
        CheckFailed: the file computes something other than torch.
    """
    if not isinstance(run, str | os.PathLike):
        if sample is not None:
            raise BadInput("sample= is for a run, not a torch module", remedy="leave it out")
        example = _example(run, example_input)
        return export_model(unwrapped(run), output, example)
    if example_input is not None:
        raise BadInput(
            f"example_input= is for a torch module, and {run} is a run", remedy="leave it out"
        )
    from .train.run_folder import checkpoint_of

    checkpoint_of(run)  # what is not there is told before torch is loaded
    check_output_file(at_home(output), keeps=[Path(run)], suffix=".onnx")
    from .train import trained

    found = trained.load_trained(Path(run))
    if sample is not None:
        from .train.methods.bayesbinn import put_sample

        put_sample(found.model, found.extra, sample)
    return export_model(found.model, output, inputs_of(found), found.pixels)


def _example(model: object, example: Any) -> torch.Tensor:
    """Example inputs of a module as float32 on the CPU."""
    import torch

    if not isinstance(model, torch.nn.Module):
        raise BadInput(
            f"run= is a {type(model).__name__}",
            remedy="give a run folder, a checkpoint file or a torch module",
        )
    if example is None:
        raise BadInput("a torch module without example_input=", remedy="give a batch of its inputs")
    batch = torch.as_tensor(example).detach().to("cpu", torch.float32)
    if batch.ndim < 2 or not len(batch):
        raise BadInput(
            f"example_input= has the shape {tuple(batch.shape)}",
            remedy="give a batch (N, ...) of at least one input",
        )
    if not torch.isfinite(batch).all():
        raise BadInput(
            "example_input= holds NaN or infinity", remedy="give inputs that the network may get"
        )
    return batch


def unwrapped(model: torch.nn.Module) -> torch.nn.Module:
    """The module within torch.nn.DataParallel, DistributedDataParallel and torch.compile."""
    from torch import nn
    from torch.nn.parallel import DataParallel, DistributedDataParallel

    inner = model.module if isinstance(model, DataParallel | DistributedDataParallel) else None
    inner = inner or getattr(model, "_orig_mod", None)  # torch.compile's
    return unwrapped(inner) if isinstance(inner, nn.Module) else model


def load_trained(run: str | Path) -> tuple[torch.nn.Module, torch.Tensor]:
    """The model of a run in eval mode on the CPU, and (N, ...) float32 inputs of
    its shape and range.
    """
    from .train import trained

    found = trained.load_trained(Path(run))
    return found.model, inputs_of(found)


def inputs_of(found: Trained) -> torch.Tensor:
    """Sample inputs of a trained model, always the same ones."""
    import torch

    return sample_inputs(found.model, found.sample_shape, torch.Generator().manual_seed(0))


def sample_inputs(model: torch.nn.Module, shape: tuple[int, ...], generator) -> torch.Tensor:
    """SAMPLES random inputs (SAMPLES, *shape): every integer of the input's range, or [0, 1]."""
    import torch

    from .nn import InputQuantiser

    for module in model.modules():
        if isinstance(module, InputQuantiser):
            low = -(2 ** (module.bits - 1)) if module.signed else 0
            integers = torch.randint(
                low, low + 2**module.bits, (SAMPLES, *shape), generator=generator
            )
            return integers * module.scale
    return torch.rand((SAMPLES, *shape), generator=generator)


def export_model(
    model: torch.nn.Module,
    output: str | Path,
    inputs: torch.Tensor,
    pixels: Pixels | None = None,
) -> Path:
    """Write `model` (eval mode is set) as QONNX and check the file against torch.

    Args:
        inputs: (N, ...) float32, N >= 1; the first gives the file's input shape, all are compared.
        pixels: what stored samples become before the model; kept in the file's metadata, where
            `verify` and `simulate` read it.

    Raises: see :func:`export`.
    """
    from qonnx.core.modelwrapper import ModelWrapper

    output = at_home(output)
    if not output.parent.is_dir():
        raise BadInput(f"the folder {output.parent} does not exist", remedy="make it first")
    refuse_float_networks(model)
    model.eval()
    proto = to_qonnx(model, inputs[:1])
    compare(ModelWrapper(proto), model, inputs)
    if pixels is not None:
        proto.metadata_props.add(key=METADATA, value=pixels.to_json())
    with output_file(output) as partial:
        partial.write_bytes(proto.SerializeToString(deterministic=True))
    return output


def refuse_float_networks(model: torch.nn.Module) -> None:
    """Raise Unsupported for a network that has no quantised weights or keeps them real."""
    from .nn import binary_layers, quantised_layers

    if not quantised_layers(model):
        raise Unsupported(
            "the network has no layer with quantised weights",
            remedy="build it of hw_bnn.nn's layers, or of Brevitas' QuantLinear and QuantConv2d",
        )
    for name, layer in binary_layers(model):
        if getattr(layer, "eval_real", False):
            raise Unsupported(
                "the weights are real (a full-precision run)",
                node=name,
                remedy="train with a method that makes them binary",
            )


def to_qonnx(model: torch.nn.Module, example: torch.Tensor) -> ModelProto:
    """The cleaned-up QONNX graph of `model`, which is put in eval mode;
    `example` is (1, ...) float32.

    Raises:
        Unsupported: the module does not run on the example, or Brevitas cannot export it.
    """
    os.environ.setdefault("BREVITAS_JIT", "0")  # TorchScript quantisers do not export
    import onnx
    import torch
    from qonnx.core.modelwrapper import ModelWrapper

    from .cleanup import cleaned_up

    from brevitas.export import export_qonnx  # isort: skip  (after BREVITAS_JIT is set)
    from brevitas.quant_tensor import QuantTensor

    from .nn.running import Running, Values

    model.eval()
    with warnings.catch_warnings(), temporary_folder("export") as folder:
        warnings.simplefilter("ignore")
        path = folder / "model.onnx"
        with torch.no_grad(), Running(model) as running:
            try:
                given = model(example)
                _tensor(given, running.place)
                exported = Values(model).eval() if isinstance(given, QuantTensor) else model
                export_qonnx(exported, args=(example,), export_path=str(path), dynamo=False)
            except Exception as error:  # of torch, of Brevitas and of the user's own forward
                raise _refused(error, running.place) from error
        proto = onnx.load(str(path))
        try:
            return cleaned_up(ModelWrapper(proto)).model
        except Exception as error:  # qonnx' own is a plain one
            raise _refused(error, type(model).__name__) from error


def _tensor(output: Any, place: str) -> torch.Tensor:
    """What a module gives as one tensor.

    Raises:
        Unsupported: it gives something else.
    """
    import torch

    values = getattr(output, "value", output)  # of a quantised tensor of Brevitas
    if not isinstance(values, torch.Tensor):
        raise Unsupported(
            f"it gives a {type(output).__name__}, not one tensor",
            node=place,
            remedy="wrap it in a module whose forward returns the scores alone",
        )
    return values


def _refused(error: Exception, place: str) -> Exception:
    """What a user is told of an error of torch or Brevitas; theirs where it is of the machine."""
    said = " ".join(str(error).split())
    if isinstance(error, HwBnnError | MemoryError | OSError) or "DefaultCPUAllocator" in said:
        return error
    if "caling factors are different" in said:  # QuantTensor's check of sums and concatenations
        return Unsupported(
            "tensors of different scales are added or joined, which have no common integers",
            node=place,
            remedy="give one quantiser (the same QuantIdentity) to all of them before the sum",
        )
    return Unsupported(
        f"torch or Brevitas cannot run or export it ({said[:300]})",
        node=place,
        remedy="run the module on the example in eval form first",
    )


def compare(graph, model: torch.nn.Module, inputs: torch.Tensor) -> None:
    """Execute the QONNX graph (a ModelWrapper) on each input and compare with torch.

    Where float32 decided a tie one way here and the other there, and the golden model proves that
    it is one and all else is equal, the two agree; the user is told.

    Raises:
        CheckFailed: an output differs by more than float32's rounding, or in its size.
    """
    import torch
    from qonnx.core.onnx_exec import execute_onnx

    name_in, name_out = graph.graph.input[0].name, graph.graph.output[0].name
    with torch.no_grad():
        expected = _tensor(model(inputs), type(model).__name__).numpy()
    for index, sample in enumerate(inputs.numpy()):
        # A squeeze() in the network takes the batch axis of a single sample too.
        found = execute_onnx(graph, {name_in: sample[None]})[name_out].reshape(-1)
        if found.size * len(inputs) != expected.size:
            raise CheckFailed(
                f"the exported file gives {found.size} numbers a sample, torch the shape "
                f"{expected.shape} for {len(inputs)} of them",
                remedy="keep the batch apart in forward: a row of scores for every sample",
            )
        wanted = expected.reshape(len(inputs), -1)[index]
        scale = max(1.0, float(np.abs(wanted).max()))
        worst = float(np.abs(found - wanted).max()) / scale
        if worst <= TOLERANCE:
            continue
        if not np.issubdtype(expected.dtype, np.floating):
            raise Unsupported(
                "it gives labels, and of equal scores torch and the file take different ones",
                node=type(model).__name__,
                remedy="return the scores: the accelerator finds the label itself",
            )
        if ties := _proven_ties(graph, model, inputs.numpy()):
            console.say(
                f"note: {ties} of {len(inputs)} sample inputs meet a threshold exactly, where "
                "torch's rounding decides; the file keeps to the exact numbers"
            )
            return
        raise CheckFailed(
            f"the exported file and torch differ by {worst:.3g} (relative) on sample input {index}",
            remedy="report this network; its QONNX file was not written",
        )


def _proven_ties(graph, model: torch.nn.Module, inputs: np.ndarray) -> int | None:
    """How many inputs torch and the file decide differently by proven ties; None: not by those."""
    from qonnx.core.onnx_exec import execute_onnx

    from .golden import GoldenModel
    from .verify.torch_proof import OUTPUT, proven_ties

    name_in, name_out = graph.graph.input[0].name, graph.graph.output[0].name
    try:
        golden = GoldenModel.from_onnx(graph.model)
        traces = [
            execute_onnx(graph, {name_in: sample[None]}, return_full_exec_context=True)
            for sample in inputs
        ]
        names = {name: name for name in (*golden.program.quantisers, golden.output_tensor)}
        executed = {
            key: np.stack([trace[name] for trace in traces])
            for key, name in {**names, OUTPUT: name_out}.items()
        }
        return proven_ties(golden, model, inputs, executed, TOLERANCE)
    except Unsupported:  # no hardware can follow it: that is what has to be told
        raise
    except BadInput:
        return None
