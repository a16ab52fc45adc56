"""The frames that a simulation or verification runs on: random, from a file, or from a data set.

All end as integers of the network's input contract (see :class:`hw_bnn.golden.GoldenModel`).
Real-valued data (files of floating-point numbers, data sets) goes through the model's own input
quantiser first, on the host, exactly as the model file defines it. What the stored pixels of a data
set become before that is told by the run that trained the model, by the file that was exported from
one, by `scale`, or else by the data set's default (:mod:`hw_bnn.data.pixels`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .arrays import as_array
from .data.pixels import METADATA, PLAIN_SCALES, Pixels
from .errors import BadInput
from .files.given import open_file
from .options import FrameOptions, changed, flat

if TYPE_CHECKING:
    from .golden import GoldenModel

RANDOM_FRAMES = 1000
MOST_RANDOM_ELEMENTS = 1 << 30
"""Numbers in all random frames, of 8 bytes each on the way."""
SPLITS = ("train", "test", "all")
SCALES = ("auto", *PLAIN_SCALES)


@dataclass(frozen=True)
class Frames:
    """Frames in the integers of the input contract.

    x: (N, *shape) integers. labels: (N,) int64, None where there are none. source: what they are.
    training: so many of the first frames were seen in training; accuracy is of the others.
    pixels: what the host makes of stored pixels, None where there are none.
    warnings: what looks wrong about the frames.
    """

    x: np.ndarray
    labels: np.ndarray | None
    source: str
    training: int = 0
    pixels: str | None = None
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.x)

    @property
    def held_out(self) -> slice:
        """The frames not seen in training (all, where only such were asked for)."""
        return slice(self.training, None)


@flat(chosen=FrameOptions)
def load_frames(
    model: GoldenModel, *, chosen: FrameOptions, trained: Pixels | None = None
) -> Frames:
    """The frames asked for; random ones where nothing is asked for.

    Args:
        model: gives the input contract and the host's quantiser.
        inputs: a .npy file, or an array, (N, *shape): integers of the input contract, or real
            numbers as the model's graph input takes them.
        dataset: a name of :mod:`hw_bnn.data.sets`; `split`, `data_root` and `scale` go with it.
        scale: how stored pixels p become the model's real input: `integer` p, `unit` p/m, `bipolar`
            p/(m/2) - 1 or `standardise`, m being 16 for digits and 255 for images; `auto` is what
            the model was `trained` with, else `integer` for digits and `unit` for images.
        trained: what the model's run or file says, see :func:`trained_pixels`.
        limit: the first so many frames only.
        frames: number of random frames (default RANDOM_FRAMES).
        seed: of the random frames.

    Raises:
        BadInput: options that contradict each other, a file or data set that does
            not fit the model.
    """
    limit, frames, seed = chosen.limit, chosen.frames, chosen.seed
    for name, value in (("limit=", limit), ("frames=", frames)):
        if value is not None and value < 1:
            raise BadInput(f"{name} is {value}", remedy="ask for at least one frame")
    if chosen.inputs is not None and chosen.dataset is not None:
        raise BadInput("inputs= and dataset= are both given", remedy="give one of them")
    if frames is not None and (chosen.inputs is not None or chosen.dataset is not None):
        raise BadInput("frames= counts random frames, and others are given", remedy="use limit=")
    if chosen.dataset is None and (of_set := {"split", "scale"} & set(changed(chosen))):
        raise BadInput(
            f"{min(of_set)}= is of a data set, and none is given",
            remedy="give dataset=, or leave it out",
        )
    if isinstance(chosen.inputs, str | os.PathLike):
        return _from_file(model, Path(chosen.inputs), limit)
    if chosen.inputs is not None:
        return frames_of(
            model, as_array(chosen.inputs, "inputs="), "inputs=", limit, "given frames"
        )
    if chosen.dataset is not None:
        return _from_dataset(model, chosen, trained)
    count = min(n for n in (frames or RANDOM_FRAMES, limit) if n is not None)
    if seed < 0:
        raise BadInput(f"the seed is {seed}", remedy="use 0 or more")
    if count * int(np.prod(model.input.shape, dtype=object)) > MOST_RANDOM_ELEMENTS:
        raise BadInput(
            f"{count:,} random frames are more than memory is asked for",
            remedy=f"ask for at most {MOST_RANDOM_ELEMENTS:,} numbers in all",
        )
    return Frames(random_frames(model, count, seed), None, f"random frames, seed {seed}")


def random_frames(model: GoldenModel, count: int, seed: int = 0) -> np.ndarray:
    """(count, *shape) int64 frames over the whole input range.

    The first three are extremes: all least, all greatest, and both in turn. Of the others every
    eighth draws from the two extremes alone, the rest uniformly from all values.
    """
    contract = model.input
    least, greatest = contract.minimum, contract.maximum
    shape = (count, *contract.shape)
    random = np.random.default_rng(seed)
    ends = np.array([least, greatest], np.int64)
    if contract.datatype == "BIPOLAR":
        x = ends[random.integers(0, 2, shape)]
    else:
        x = random.integers(least, greatest, shape, dtype=np.int64, endpoint=True)
        x[7::8] = ends[random.integers(0, 2, x[7::8].shape)]
    turn = ends[np.arange(np.prod(contract.shape)) % 2].reshape(contract.shape)
    for i, frame in enumerate((least, greatest, turn)[:count]):
        x[i] = frame
    return x


def _from_file(model: GoldenModel, path: Path, limit: int | None) -> Frames:
    try:
        open_file(path).close()
        data = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise BadInput(f"{path} does not exist", remedy="check the path") from None
    except IsADirectoryError:
        raise BadInput(f"{path} is a folder", remedy="name a file in it") from None
    except (MemoryError, BadInput):
        raise
    except Exception as error:  # a header is a Python literal, an archive a zip: any error
        reason = " ".join(str(error).split())
        if "pickle" in reason:  # what numpy takes everything for that has not its first bytes
            reason = "it begins like none"
        raise BadInput(
            f"{path} is no readable .npy file ({reason})", remedy="write it with numpy.save"
        ) from None
    if not isinstance(data, np.ndarray):
        raise BadInput(f"{path} is an archive of arrays", remedy="write one array with numpy.save")
    return frames_of(model, data, str(path), limit, source=path.name)


def frames_of(
    model: GoldenModel, data: np.ndarray, what: str, limit: int | None, source: str
) -> Frames:
    """The frames of an array: integers of the input contract, or real numbers to be quantised.

    Args:
        data: (N, *shape). what: its name in an error. limit: the first so many. source: see Frames.

    Raises:
        BadInput: another shape or type, numbers out of range or not finite, or no frame.
    """
    kind = data.dtype.kind
    if kind not in "iuf":
        raise BadInput(
            f"{what} holds {data.dtype}, neither integers nor real numbers",
            remedy="write integers of the input type (1-bit inputs as -1 and 1)",
        )
    wanted = _real_shape(model) if kind == "f" else tuple(model.input.shape)
    _check_shape(wanted, data.shape, what)
    data = data[:limit]
    if len(data) == 0:
        raise BadInput(f"{what} holds no frames", remedy="write at least one")
    if kind == "f":
        x = _quantise(model, np.asarray(data), what)
        return Frames(x, None, source, warnings=_warnings(model, data, x, what))
    _check_range(model, data, what)
    return Frames(np.asarray(data).astype(np.int64), None, source)


def _real_shape(model: GoldenModel) -> tuple[int, ...]:
    """Shape of a frame of real numbers, as the model's graph input takes it."""
    host = model.program.host
    return tuple(model.input.shape if host is None else host.graph_shape)


def _check_shape(wanted: tuple[int, ...], shape: tuple[int, ...], what: str) -> None:
    if shape[1:] != wanted or not shape:
        raise BadInput(
            f"{what} has the shape {shape}, the model takes frames of {wanted}",
            remedy=f"shape it ({', '.join(map(str, ('N', *wanted)))})",
        )


def _check_range(model: GoldenModel, data: np.ndarray, what: str) -> None:
    """Refuse integers outside the input type."""
    contract = model.input
    wrong = (data < contract.minimum) | (data > contract.maximum)
    if contract.datatype == "BIPOLAR":
        wrong |= data == 0
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        allowed = (
            "-1 and 1" if contract.datatype == "BIPOLAR"
            else f"{contract.minimum} to {contract.maximum}"
        )  # fmt: skip
        raise BadInput(
            f"{what} holds {data[where]} at {where}, the input type {contract.datatype} has "
            f"{allowed}",
            remedy="write integers of that type, or real numbers as a floating-point array",
        )


def _quantise(model: GoldenModel, real: np.ndarray, what: str) -> np.ndarray:
    if not np.isfinite(real).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(real))[0])
        raise BadInput(f"{what} holds {real[where]} at {where}", remedy="write finite numbers")
    with np.errstate(over="ignore"):
        single = real.astype(np.float32)
    if not np.isfinite(single).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(single))[0])
        raise BadInput(
            f"{what} holds {real[where]} at {where}, which no float32 is",
            remedy="write numbers on the scale that the model was trained with",
        )
    return np.asarray(model.host_quantise(single)).astype(np.int64)


def _from_dataset(model: GoldenModel, chosen: FrameOptions, trained: Pixels | None) -> Frames:
    dataset, split, data_root = chosen.dataset, chosen.split, chosen.data_root
    assert dataset is not None
    if split not in SPLITS:
        raise BadInput(f"there is no split {split!r}", remedy=f"use one of {', '.join(SPLITS)}")
    pixels = choose_pixels(dataset, chosen.scale, trained)
    stored, labels, training = _stored(model, dataset, split, data_root, chosen.limit, trained)
    wanted = _real_shape(model)
    # A flattened image is the same frame; any other shape is another network's.
    if wanted not in (stored.shape[1:], (int(np.prod(stored.shape[1:])),)):
        _check_shape(wanted, stored.shape, f"the data set {dataset}")
    real = real_inputs(pixels, stored, data_root).reshape(len(stored), *wanted)
    x = _quantise(model, real, f"the data set {dataset}")
    known = labels.astype(np.int64) if np.issubdtype(labels.dtype, np.integer) else None
    what = "both splits" if split == "all" else f"{split} split"
    return Frames(
        x, known, f"{dataset}, {what}", min(training, len(x)), pixels.text,
        _warnings(model, stored, x, f"{dataset} as {pixels.text}"),
    )  # fmt: skip


def _stored(
    model: GoldenModel,
    dataset: str,
    split: str,
    data_root: str | Path | None,
    limit: int | None,
    trained: Pixels | None,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Stored samples and labels, and how many of them are training samples."""
    from .data.sets import check_classes, load_arrays, resolve_root

    parts = ("train", "test") if split == "all" else (split,)
    if dataset != "image_folder":
        if trained is not None and trained.classes is not None:
            check_classes(None, list(trained.classes), f"the data set {dataset}", "the model's run")
        loaded = [load_arrays(dataset, part, data_root) for part in parts]
    else:
        from .data.images import load_images

        root, shape = resolve_root(data_root, dataset), _real_shape(model)
        size = trained.image_size if trained is not None else None
        if size is None:
            if len(shape) != 3 or shape[0] != 3 or shape[1] != shape[2]:
                raise BadInput(
                    f"an image folder gives square colour images, the model takes frames of "
                    f"{shape}",
                    remedy="give frames of its shape with inputs=",
                )
            size = shape[1]
        loaded = []
        for part in parts:
            images, labels, names = load_images(root, part, size, limit)
            if trained is not None:
                wanted = None if trained.classes is None else list(trained.classes)
                check_classes(names, wanted, str(root), "the model's run")
            loaded.append((images, labels))
    stored = np.concatenate([samples for samples, _ in loaded])[:limit]
    labels = np.concatenate([targets for _, targets in loaded])[:limit]
    return stored, labels, len(loaded[0][0]) if split == "all" else 0


def choose_pixels(dataset: str, scale: str, trained: Pixels | None) -> Pixels:
    """What stored samples of `dataset` become: as trained, as `scale` says, or the default.

    Raises:
        BadInput: no such scale, or another one than the model was trained with.
    """
    if scale not in SCALES:
        raise BadInput(f"there is no scale {scale!r}", remedy=f"use one of {', '.join(SCALES)}")
    if trained is None:
        default = Pixels.default(dataset)
        return default if scale == "auto" or default.scale == "raw" else Pixels(dataset, scale)
    if scale not in ("auto", trained.scale):
        raise BadInput(
            f"the model was trained on {trained.text} (scale {trained.scale}), and scale= says "
            f"{scale}",
            remedy="leave scale= out",
        )
    pixels = trained.of(dataset)
    if (pixels.scale == "raw") != (Pixels.default(dataset).scale == "raw"):
        raise BadInput(
            f"the model was trained on {trained.dataset}, stored otherwise than {dataset}",
            remedy=f"give frames of {trained.dataset}",
        )
    return pixels


def real_inputs(pixels: Pixels, stored: np.ndarray, data_root: str | Path | None) -> np.ndarray:
    """Stored samples as float32 inputs, whitened by the training images where the model was."""
    if pixels.scale != "gcn_zca":
        return pixels.real(stored)
    import torch

    from .data.sets import load_arrays
    from .train.data.whitening import Whitening

    fit = Whitening.fitted(load_arrays(pixels.dataset, "train", data_root)[0])
    batches = range(0, len(stored), 1000)  # as the training's own evaluation
    return np.concatenate([
        pixels.real(stored[i : i + 1000], lambda x: fit(torch.tensor(x)).numpy())
        for i in batches
    ])  # fmt: skip


def trained_pixels(model: Path, run: str | Path | object | None) -> Pixels | None:
    """What the model was trained with: as its run says, else as its file; None if neither does.

    Args:
        model: the ONNX file. run: a run's folder or checkpoint; anything else says nothing.

    Raises:
        BadInput: the run cannot be read, or the file's entry is damaged.
    """
    if isinstance(run, str | Path):
        from .train.trained import pixels_of_run

        return pixels_of_run(run)
    from .onnxfile.read import load_onnx

    for entry in load_onnx(model).metadata_props:
        if entry.key == METADATA:
            return Pixels.from_json(entry.value)
    return None


def _warnings(model: GoldenModel, given: np.ndarray, x: np.ndarray, what: str) -> tuple[str, ...]:
    """Whether quantising lost nearly everything: the sign of a scale that is not the model's.

    What could be told apart (different numbers given, and integers of the input type) is compared
    with the integers found, and the share of the commonest one with its share among the numbers.
    """
    contract = model.input
    levels = 2 if contract.datatype == "BIPOLAR" else contract.maximum - contract.minimum + 1
    _, numbers = np.unique(given, return_counts=True)
    integers, counts = np.unique(x, return_counts=True)
    possible = min(levels, len(numbers))
    share, before = counts.max() / x.size, numbers.max() / given.size
    few = possible > 1 and len(integers) <= max(1, possible // 8)
    if not few and not (share >= 0.99 and before < 0.9):
        return ()
    common = int(integers[counts.argmax()])
    return (
        f"{what}: the model's input quantiser makes {100 * share:.1f} % of all numbers one value "
        f"({common}) and {len(integers)} of {levels} values in all; the pixels are probably on "
        f"another scale than the model was trained with (scale=, or run=)",
    )
