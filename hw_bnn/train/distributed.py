"""One run over several processes (torchrun): each trains on a share of every batch.

The gradients are averaged by torch's DistributedDataParallel. BatchNorm's statistics are taken over
the whole batch: their sums are all-reduced within the graph, on CPU as on GPU, so that the result
is that of one process on the same global batch, but for the order of float32 additions. Random
draws that concern weights are alike on all processes, since all start from the same seed.

    torchrun --nproc-per-node 2 -m hw_bnn.cli train RECIPE.yaml
"""

from __future__ import annotations

import functools
import os

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ..errors import BadInput


def world() -> tuple[int, int]:
    """(rank, number of processes) as torchrun tells it; (0, 1) without it."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def start(device: torch.device) -> None:
    """Join the process group that torchrun's environment describes, if there is one."""
    if world()[1] > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def check_batch(batch: int) -> None:
    """Raise BadInput unless every process gets the same share of a batch."""
    count = world()[1]
    if batch % count:
        raise BadInput(
            f"a batch of {batch} cannot be shared equally by {count} processes",
            remedy="choose data.batch as a multiple of them",
        )


def wrap(model: nn.Module) -> nn.Module:
    """The model as it is trained: itself, or wrapped for averaged gradients
    and shared BatchNorm.
    """
    if world()[1] == 1:
        return model
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            # on purpose: this module alone computes otherwise
            shared = functools.partial(_shared_batch_norm, module)
            module.forward = shared  # type: ignore[method-assign]
    return nn.parallel.DistributedDataParallel(model, broadcast_buffers=False)


def total(*values: float | Tensor) -> list[float]:
    """The sums of numbers over all processes."""
    numbers = [float(v) for v in values]
    if world()[1] == 1:
        return numbers
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    tensor = torch.tensor(numbers, dtype=torch.float64, device=device)
    dist.all_reduce(tensor)
    return tensor.tolist()


def is_main() -> bool:
    """Whether this process writes files and shows progress."""
    return world()[0] == 0


def barrier() -> None:
    """Wait for all processes."""
    if world()[1] > 1:
        dist.barrier()


def _shared_batch_norm(module: nn.BatchNorm1d | nn.BatchNorm2d, x: Tensor) -> Tensor:
    """BatchNorm with the batch of all processes; mean first, then variance,
    as one process does it.
    """
    if not module.training:
        return type(module).forward(module, x)
    from torch.distributed.nn.functional import all_reduce

    axes = [0, *range(2, x.dim())]
    shape = [1, -1] + [1] * (x.dim() - 2)
    count = world()[1] * x.numel() // x.shape[1]
    mean = all_reduce(x.sum(axes)) / count
    centred = x - mean.view(shape)
    variance = all_reduce(centred.square().sum(axes)) / count
    batches = module.num_batches_tracked
    running_mean, running_var = module.running_mean, module.running_var
    if batches is not None and running_mean is not None and running_var is not None:
        with torch.no_grad():
            # Without a momentum torch takes the plain mean over all batches.
            batches += 1
            momentum = 1 / float(batches) if module.momentum is None else module.momentum
            running_mean.lerp_(mean, momentum)
            running_var.lerp_(variance * (count / max(count - 1, 1)), momentum)
    out = centred * torch.rsqrt(variance + module.eps).view(shape)
    if module.weight is not None:
        out = out * module.weight.view(shape) + module.bias.view(shape)
    return out
