"""Data: files read exactly or refused, splits, scales, augmentation, permutations,
image folders.
"""

import gzip
import io
import os
import pickle
import shutil
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from hw_bnn.data.cifar import _ArrayUnpickler
from hw_bnn.data.idx import parse_idx
from hw_bnn.data.images import centre_box, random_box
from hw_bnn.data.sets import load_arrays
from hw_bnn.errors import BadInput
from hw_bnn.train.data.pipeline import Part
from hw_bnn.train.data.source import make_source
from hw_bnn.train.data.whitening import Whitening, contrast_normalise
from hw_bnn.train.recipe import Data

DATA = os.environ.get("HW_BNN_DATA")
CPU = torch.device("cpu")
needs_mnist = pytest.mark.skipif(
    not DATA or not (Path(DATA) / "MNIST").is_dir(), reason="MNIST is not in HW_BNN_DATA"
)
needs_cifar = pytest.mark.skipif(
    not DATA or not (Path(DATA) / "cifar-10-batches-py").is_dir(),
    reason="CIFAR-10 is not in HW_BNN_DATA",
)


def source(seed=0, root=None, **options):
    return make_source(Data(**options), seed, root, CPU)


def test_digits_split_is_stratified_and_fixed():
    train_x, train_y = load_arrays("digits", "train")
    test_x, test_y = load_arrays("digits", "test")
    assert train_x.shape == (1437, 64) and test_x.shape == (360, 64)
    assert train_x.dtype == np.uint8 and train_x.max() == 16
    counts = np.bincount(test_y)
    assert counts.min() >= 34 and counts.max() <= 38
    rows = {x.tobytes() for x in train_x}
    assert len(rows) > 1400


def test_idx_parsing():
    content = struct.pack(">HBBII", 0, 8, 2, 2, 3) + bytes(range(6))
    assert parse_idx(content, "x").tolist() == [[0, 1, 2], [3, 4, 5]]
    for wrong in (
        content[:-1],
        content + b"x",
        content[:3],
        b"\x00\x00\x0d\x02" + content[4:],
        b"",
    ):
        with pytest.raises(BadInput):
            parse_idx(wrong, "x")


@pytest.mark.mnist
@needs_mnist
def test_mnist_gz_and_unzipped_agree_and_damage_is_noticed(tmp_path):
    images, labels = load_arrays("mnist", "test", DATA)
    assert images.shape == (10_000, 1, 28, 28) and labels[:5].tolist() == [7, 2, 1, 0, 4]
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (Path(DATA) / "MNIST" / "raw").glob("t10k*.gz"):
        (raw / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    again, _ = load_arrays("mnist", "test", tmp_path)
    assert np.array_equal(images, again)
    target = raw / "t10k-images-idx3-ubyte"
    target.write_bytes(target.read_bytes()[:-100])
    with pytest.raises(BadInput, match="not the published file"):
        load_arrays("mnist", "test", tmp_path)
    target.unlink()
    with pytest.raises(BadInput, match="has neither t10k-images"):
        load_arrays("mnist", "test", tmp_path)


@pytest.mark.cifar10
@needs_cifar
def test_cifar10(tmp_path):
    images, labels = load_arrays("cifar10", "test", DATA)
    assert images.shape == (10_000, 3, 32, 32) and labels[:4].tolist() == [3, 8, 8, 0]
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    shutil.copy(Path(DATA) / "cifar-10-batches-py" / "test_batch", folder)
    with (folder / "test_batch").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(BadInput, match="not the published file"):
        load_arrays("cifar10", "test", tmp_path)
    (folder / "test_batch").unlink()
    with pytest.raises(BadInput, match="does not exist"):
        load_arrays("cifar10", "test", tmp_path)


def test_the_unpickler_builds_arrays_only():
    array = np.arange(6, dtype=np.uint8)
    for protocol in (0, 2, 5):
        try:
            loaded = _ArrayUnpickler(io.BytesIO(pickle.dumps({b"data": array}, protocol))).load()
        except pickle.UnpicklingError:
            assert protocol == 5  # its buffers come through another global
        else:
            assert np.array_equal(loaded[b"data"], array)
    for evil in (os.system, eval, Path):
        with pytest.raises(pickle.UnpicklingError, match="not allowed"):
            _ArrayUnpickler(io.BytesIO(pickle.dumps(evil))).load()


def test_wrong_names_and_missing_roots(monkeypatch):
    monkeypatch.delenv("HW_BNN_DATA", raising=False)
    with pytest.raises(BadInput, match="no data set is called"):
        load_arrays("imagenet", "train")
    with pytest.raises(BadInput, match="no split"):
        load_arrays("digits", "validation")
    with pytest.raises(BadInput, match="data_root="):
        load_arrays("mnist", "train")
    with pytest.raises(BadInput, match="does not exist"):
        load_arrays("mnist", "train", "/nowhere/at/all")


@pytest.mark.parametrize("split", ["stratified", "random", "last"])
def test_splits_partition_the_training_set(split):
    data = source(name="digits", scale="integer", batch=32, validation=0.2, split=split)
    assert len(data.validation) == 287 and len(data.train) == 1150
    together = torch.cat([data.train.x, data.validation.x])
    whole, labels = load_arrays("digits", "train")
    assert sorted(map(bytes, together.numpy())) == sorted(map(bytes, whole))
    if split == "stratified":
        shares = torch.bincount(data.validation.y) / np.bincount(labels)
        assert (shares - 0.2).abs().max() < 0.01
    if split == "last":
        assert np.array_equal(data.validation.x, whole[-287:])
    other = source(1, name="digits", scale="integer", batch=32, validation=0.2, split=split)
    assert torch.equal(other.train.x, data.train.x) == (split == "last")
    fixed = [
        source(s, name="digits", scale="integer", batch=32, split=split, split_seed=5)
        for s in (0, 1)
    ]
    assert torch.equal(fixed[0].train.x, fixed[1].train.x)


def test_batches_visit_every_sample_once_in_a_seeded_order():
    data = source(name="digits", scale="integer", batch=64, validation=0, drop_last=False)
    batches = list(data.batches(torch.Generator().manual_seed(1)))
    assert len(batches) == data.steps_per_epoch == 23
    seen = torch.cat([x for x, _ in batches])
    assert sorted(map(tuple, seen.tolist())) == sorted(map(tuple, data.train.x.float().tolist()))
    again = list(data.batches(torch.Generator().manual_seed(1)))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(batches, again, strict=True))
    shares = [list(data.batches(torch.Generator().manual_seed(1), rank, 2)) for rank in (0, 1)]
    x = torch.empty_like(batches[0][0])
    x[0::2], x[1::2] = shares[0][0][0], shares[1][0][0]
    assert torch.equal(x, batches[0][0])
    labels = torch.empty_like(batches[0][1])
    labels[0::2], labels[1::2] = shares[0][0][1], shares[1][0][1]
    assert torch.equal(labels, batches[0][1])


def test_scales():
    data = source(name="digits", scale="unit", batch=64)
    assert data.prepare(torch.tensor([[0, 8, 16]], dtype=torch.uint8)).tolist() == [[0, 0.5, 1]]
    data = source(name="digits", scale="bipolar", batch=64)
    assert data.prepare(torch.tensor([[0, 8, 16]], dtype=torch.uint8)).tolist() == [[-1, 0, 1]]
    data = source(name="digits", scale="standardise", batch=64)
    x = data.prepare(data.train.x[:5])
    torch.testing.assert_close(x.mean(1), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std(1, unbiased=False), torch.ones(5), atol=1e-5, rtol=0)
    with pytest.raises(BadInput, match="does not fit"):
        source(name="two_moons", scale="unit", batch=10)


def test_crop_and_flip_take_pieces_of_the_image():
    data = source(name="digits", scale="integer", batch=64, augment={"crop": 2, "flip": True})
    images = torch.arange(200 * 3 * 6 * 6).remainder(251).to(torch.uint8).view(200, 3, 6, 6)
    out = data.augment(images, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(images, (2,) * 4)
    kinds = set()
    for image, frame in zip(out, padded, strict=True):
        matches = [
            (dy, dx, flip)
            for dy in range(5) for dx in range(5) for flip in (False, True)
            if torch.equal(image.flip(-1) if flip else image, frame[:, dy : dy + 6, dx : dx + 6])
        ]  # fmt: skip
        assert matches
        kinds |= set(matches[:1])
    assert len(kinds) > 40  # of 50


def test_permutations_differ_by_task_and_keep_the_pixels():
    data = source(name="digits", scale="integer", batch=64, permutation_seed=1)
    x = data.train.x[:3]
    first = data.prepare(x)
    data.set_task(1)
    second = data.prepare(x)
    data.set_task(0)
    assert torch.equal(data.prepare(x), first) and not torch.equal(first, second)
    assert torch.equal(first.sort(1).values, x.float().sort(1).values)
    draws = np.random.RandomState(1)
    orders = [draws.permutation(64) for _ in range(2)]
    assert torch.equal(second, x.float()[:, orders[1]])


def test_whitening_gives_the_identity_covariance_shrunk(tmp_path, monkeypatch):
    monkeypatch.delenv("HW_BNN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    images = np.random.default_rng(0).integers(0, 256, (4000, 3, 2, 2), dtype=np.uint8)
    whitening = Whitening.fitted(images)
    x = torch.from_numpy(images).float()
    flat = contrast_normalise(x)
    torch.testing.assert_close(flat.norm(dim=1), torch.full((4000,), 55.0))
    values = torch.linalg.eigvalsh(torch.cov(flat.T.double(), correction=0))
    white = torch.linalg.eigvalsh(torch.cov(whitening(x).flatten(1).T.double(), correction=0))
    torch.testing.assert_close(white, values / (values + 0.1), atol=1e-3, rtol=0)
    cached = list((tmp_path / "hw_bnn").glob("zca-*.pt"))
    assert len(cached) == 1
    assert torch.equal(Whitening.fitted(images).matrix, whitening.matrix)
    cached[0].write_bytes(b"damaged")
    assert torch.equal(Whitening.fitted(images).matrix, whitening.matrix)


def test_the_whitening_is_kept_where_everything_is(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 2, 2), dtype=np.uint8)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HW_BNN_CACHE", str(tmp_path / "ours"))
    Whitening.fitted(images)
    assert len(list((tmp_path / "ours").glob("zca-*.pt"))) == 1 and not (tmp_path / "xdg").exists()

    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HW_BNN_CACHE")
    monkeypatch.setattr("pathlib.Path.home", nobody)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Whitening.fitted(images)
    assert len(list(tmp_path.glob("hw_bnn-*/cache/zca-*.pt"))) == 1


def test_arrays_of_files_give_no_warning(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 2, 2), dtype=np.uint8)
    images.flags.writeable = False  # as what np.frombuffer made of a file
    monkeypatch.setenv("HW_BNN_CACHE", str(tmp_path))
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            part = Part(images, np.zeros(40, np.int64), CPU)
            Whitening.fitted(images)
    finally:
        torch.set_warn_always(False)
    part.x[0] = 0
    assert images[0].any()


def test_toy_sets(tmp_path):
    x, y = load_arrays("two_moons", "train")
    assert x.shape == (200, 2) and y.sum() == 100
    np.testing.assert_allclose(x.std(0, ddof=1), 1, rtol=1e-5)
    folder = tmp_path / "snelson"
    folder.mkdir()
    for name in ("train_inputs", "train_outputs", "test_inputs"):
        (folder / name).write_text("\n".join(str(v) for v in (1.0, 2.0, 4.0)))
    x, y = load_arrays("snelson", "train", tmp_path)
    assert x.shape == y.shape == (3, 1) and abs(x.mean()) < 1e-6
    grid, none = load_arrays("snelson", "test", tmp_path)
    assert np.isnan(none).all() and np.array_equal(grid, x)
    (folder / "train_outputs").write_text("1\n2")
    with pytest.raises(BadInput, match="3 inputs and 2 outputs"):
        load_arrays("snelson", "train", tmp_path)
    (folder / "train_outputs").write_text("1\nzwei")
    with pytest.raises(BadInput, match="one number a line"):
        load_arrays("snelson", "train", tmp_path)


FOLDER = dict(
    name="image_folder", classes=2, image_size=16, batch=4, validation=2, workers=0,
    augment={"resized_crop": True, "flip": True},
)  # fmt: skip


@pytest.fixture
def pictures(tmp_path):
    """An image folder of two classes, 6 training and 2 validation images each."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 2)):
        for name in ("ants", "bees"):
            (tmp_path / split / name).mkdir(parents=True)
            for index in range(count):
                pixels = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / split / name / f"{index}.png")
    return tmp_path


def test_image_folders(pictures):
    data = source(root=pictures, **FOLDER)
    assert data.classes == ["ants", "bees"]
    batches = list(data.batches(torch.Generator().manual_seed(0)))
    assert [tuple(x.shape) for x, _ in batches] == [(4, 3, 16, 16)] * 2
    assert batches[0][0].max() <= 1
    forked = source(root=pictures, **{**FOLDER, "workers": 2})
    for (a, _), (b, _) in zip(
        batches, forked.batches(torch.Generator().manual_seed(0)), strict=True
    ):
        assert torch.equal(a, b)
    test = list(data.evaluation_batches(data.test()))
    assert torch.cat([y for _, y in test]).tolist() == [0, 0, 1, 1]
    with pytest.raises(BadInput, match="2 class folders, the recipe says 3"):
        source(root=pictures, **{**FOLDER, "classes": 3})


@pytest.mark.parametrize(
    ("renames", "words"),
    [
        ({"val/bees": "val/wasps"},
         r"val has other classes than \S+train: only 'wasps' there and no 'bees' there"),
        ({"val/ants": "val/Ants"}, "only 'Ants' there and no 'ants' there; .*lower case"),
        ({"val/bees": "val/.bees"}, "no 'bees' there"),
        ({"val": "test"}, "val does not exist"),
        ({"val/ants": "lost1", "val/bees": "lost2"}, "val has no class folders"),
        ({"train/bees/0.png": "train/bees/zero.txt"}, None),
        ({f"val/bees/{i}.png": f"val/.{i}.png" for i in range(2)}, r"val/bees holds no image"),
        ({f"train/ants/{i}.png": f"train/ants/._{i}.png" for i in range(6)}, "ants holds no image"),
    ],
)  # fmt: skip
def test_splits_of_other_classes_are_refused(pictures, renames, words):
    for old, new in renames.items():
        (pictures / old).rename(pictures / new)
    if words is None:
        assert len(source(root=pictures, **FOLDER).train) == 9
        return
    with pytest.raises(BadInput, match=words):
        source(root=pictures, **FOLDER).test()


def test_classes_too_many_in_a_split_and_in_test(pictures):
    shutil.copytree(pictures / "val" / "ants", pictures / "val" / "moths")
    with pytest.raises(BadInput, match="only 'moths' there"):
        source(root=pictures, **FOLDER)
    shutil.move(pictures / "val" / "moths", pictures / "test" / "moths")
    with pytest.raises(BadInput, match="test has other classes"):
        source(root=pictures, **FOLDER)
    shutil.rmtree(pictures / "test" / "moths")
    (pictures / "test" / "1.png").write_bytes(b"ImageNet's test images have no classes")
    for hidden in (".ipynb_checkpoints", ".git"):
        (pictures / "train" / hidden).mkdir()
    assert source(root=pictures, **FOLDER).classes == ["ants", "bees"]


def test_images_in_deeper_folders_count(pictures):
    (pictures / "val" / "bees" / "wild").mkdir()
    (pictures / "val" / "bees" / "0.png").rename(pictures / "val" / "bees" / "wild" / "0.PNG")
    data = source(root=pictures, **FOLDER)
    assert data.test().y.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_images_are_named(pictures, workers):
    from PIL import Image

    target = pictures / "val" / "ants" / "0.png"
    whole = target.read_bytes()
    deep = io.BytesIO()
    Image.fromarray(np.full((9, 9), 40_000, np.uint16)).save(deep, "PNG")
    for content, words in (
        (b"no image", "cannot be read as an image"),
        (b"", "cannot be read as an image"),
        (whole[: len(whole) // 2], "cannot be read as an image"),
        (whole[:40] + b"\xff" * 20 + whole[60:], "cannot be read as an image"),
        (deep.getvalue(), "another kind than 8 bits"),
    ):
        target.write_bytes(content)
        data = source(root=pictures, **{**FOLDER, "workers": workers})
        with pytest.raises(BadInput, match=words) as raised:
            list(data.evaluation_batches(data.test()))
        assert str(target) in str(raised.value) and "\n" not in str(raised.value)


def test_one_channel_and_other_sizes_become_the_recipe_s(pictures):
    from PIL import Image

    folder = pictures / "val" / "ants"
    grey = np.arange(0, 250, dtype=np.uint8).reshape(25, 10)
    Image.fromarray(grey).save(folder / "0.png")
    Image.fromarray(grey).convert("P").save(folder / "1.png")
    Image.new("RGBA", (1, 1), (9, 8, 7, 255)).save(folder / "2.png")
    data = source(root=pictures, **FOLDER)
    (x, _), *_ = data.evaluation_batches(data.test())
    assert x.shape == (5, 3, 16, 16)
    assert torch.equal(x[0, 0], x[0, 1]) and torch.equal(x[0], x[1])
    assert (x[2] * 255).round()[:, 0, 0].tolist() == [9, 8, 7]


def test_validation_of_no_sample_is_refused():
    with pytest.raises(BadInput, match="holds out none of 1437"):
        source(name="digits", scale="integer", batch=64, validation=0.0001)


def test_crop_boxes_stay_inside():
    rng = np.random.default_rng(1)
    for _ in range(300):
        width, height = rng.integers(5, 500, 2)
        left, top, right, bottom = random_box(width, height, tuple(rng.random(5)))
        assert 0 <= left < right <= width + 1e-9 and 0 <= top < bottom <= height + 1e-9
    assert centre_box(256, 320) == (16, 48, 240, 272)
