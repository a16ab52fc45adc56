"""Reading an ONNX file that anybody may have written: whole, self-contained and in
order, or refused.

    model = load_onnx("model.onnx")      # a ModelProto with every tensor inside it

A model may keep tensors in files beside it (ONNX "external data": location, offset and
length). Such a location is text from an untrusted file: it is followed only to ordinary files
inside the model's own folder, after symbolic links, and only as many bytes are read as the
tensor's shape needs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath

import onnx
from google.protobuf.message import DecodeError, Message
from onnx import AttributeProto, TensorProto

from ..errors import BadInput, Unsupported
from ..files.given import given_path

OPSET_OLDEST, OPSET_NEWEST = 9, 23
"""Versions of the default operator set whose operators have one meaning for us: before 9 the
constants are also graph inputs and BatchNormalization has further modes."""

LONGEST_NAME = 4096
"""Characters of a tensor's or node's name: as many as accelerator.json takes of one."""

LARGEST_FILE = 2**31 - 1  # bytes; what protobuf can parse

_PACKED = {"INT4": 2, "UINT4": 2, "FLOAT4E2M1": 2, "INT2": 4, "UINT2": 4}  # elements a byte


def load_onnx(path: str | os.PathLike) -> onnx.ModelProto:
    """Read an ONNX file and the tensors that it keeps in files beside it.

    Args:
        path: the file.

    Returns:
        The model. Its tensors hold their data (none is external), as many bytes as their shapes
        say; its nodes are in topological order and read only tensors that exist.

    Raises:
        BadInput: the file is missing, unreadable, truncated or no ONNX; a tensor lies outside the
            model's folder, is cut short or has another size than its shape.
        Unsupported: an operator set outside OPSET_OLDEST..OPSET_NEWEST, local functions, control
        flow.
    """
    path = given_path(path)
    content = _read(path)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except (DecodeError, RuntimeError, ValueError):
        raise BadInput(
            f"{path} is no complete ONNX file (it is truncated or of another format)",
            remedy="export or copy it again",
        ) from None
    if not model.HasField("graph") or not model.graph.node:
        raise BadInput(
            f"{path} holds no ONNX graph (it is truncated, empty or of another format)",
            remedy="export or copy it again",
        )
    for tensor in _tensors(model.graph):
        if tensor.data_location == TensorProto.EXTERNAL:
            _load_external(tensor, path.parent)
    check_model(model)
    return model


def check_model(model: onnx.ModelProto) -> None:
    """Check what :func:`load_onnx` promises on a model that is in memory already.

    Raises:
        BadInput, Unsupported: as load_onnx; external tensors are refused, as there is no folder.
    """
    if not model.graph.node:
        raise BadInput("the ONNX graph has no nodes", remedy="export the model again")
    _check_text(model)
    _check_opset(model)
    if model.functions:
        raise Unsupported(
            f"the model defines local functions ({model.functions[0].name}, ...)",
            remedy="inline them with onnx.inliner.inline_local_functions",
        )
    for tensor in _tensors(model.graph):
        _check_tensor(tensor)
    _check_names(model.graph)
    _check_order(model.graph)


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise BadInput(f"{path} is a folder", remedy="name the .onnx file in it")
        if not path.is_file():
            raise BadInput(f"{path} does not exist or is no ordinary file", remedy="check the path")
        size = path.stat().st_size
        if size == 0:
            raise BadInput(f"{path} is empty", remedy="export or copy it again")
        if size > LARGEST_FILE:
            raise BadInput(
                f"{path} has {size} bytes, more than the 2 GiB that an ONNX file can hold",
                remedy="save its tensors as external data beside it",
            )
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read ({error.strerror})", remedy="check its permissions"
        ) from None


def _check_opset(model: onnx.ModelProto) -> None:
    versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    if len(versions) != 1:
        raise BadInput(
            f"the model names {len(versions)} versions of the ONNX operator set, not one",
            remedy="export it again; the file may be truncated",
        )
    if not OPSET_OLDEST <= versions[0] <= OPSET_NEWEST:
        raise Unsupported(
            f"the model uses version {versions[0]} of the ONNX operator set, "
            f"supported are {OPSET_OLDEST} to {OPSET_NEWEST}",
            remedy="export it with opset 13, or convert it with onnx.version_converter",
        )


def _tensors(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    """All tensors of a graph: initializers and attributes, also in graphs inside of nodes."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)


def _bytes_needed(tensor: TensorProto) -> int | None:
    """Size of the tensor's raw data in bytes; None for text."""
    if tensor.data_type in (TensorProto.UNDEFINED, TensorProto.STRING):
        return None
    if any(d < 0 for d in tensor.dims):
        raise BadInput(
            f"it has the shape {list(tensor.dims)}",
            node=f"tensor {tensor.name}",
            remedy="export the model again",
        )
    elements = prod(tensor.dims)
    try:
        name = TensorProto.DataType.Name(tensor.data_type)
        if name in _PACKED:
            return -(-elements // _PACKED[name])
        return elements * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except (KeyError, ValueError):
        raise BadInput(
            f"it has the unknown element type {tensor.data_type}",
            node=f"tensor {tensor.name}",
            remedy="export the model again",
        ) from None


def _load_external(tensor: TensorProto, folder: Path) -> None:
    """Read an external tensor into the model, if it lies in an ordinary file inside `folder`."""
    entry = {item.key: item.value for item in tensor.external_data}
    where = f"tensor {tensor.name}"
    location = entry.get("location", "")
    inside = "keep the file inside the model's folder and name it by a relative path"
    if not location:
        raise BadInput(
            "its external data names no file", node=where, remedy="export the model again"
        )
    parts = (PurePosixPath(location), PureWindowsPath(location))
    if (
        any(p.is_absolute() or p.drive or p.root or ".." in p.parts for p in parts)
        or "\0" in location
    ):
        raise BadInput(
            f"its external data {location!r} leaves the model's folder", node=where, remedy=inside
        )
    try:
        target = (folder / location).resolve(strict=True)
    except (OSError, RuntimeError):
        raise BadInput(
            f"its external data {location!r} is missing",
            node=where,
            remedy="copy the file to the model's folder",
        ) from None
    if not target.is_relative_to(folder.resolve()):
        raise BadInput(
            f"its external data {location!r} leaves the model's folder by a symbolic link",
            node=where,
            remedy=inside,
        )
    if not target.is_file():
        raise BadInput(
            f"its external data {location!r} is no ordinary file", node=where, remedy=inside
        )
    needed = _bytes_needed(tensor)
    try:
        offset = int(entry.get("offset", 0))
        length = int(entry.get("length", needed if needed is not None else -1))
    except ValueError:
        raise BadInput(
            "its external data has an offset or length that is no number",
            node=where,
            remedy="export the model again",
        ) from None
    if needed is None or length != needed or offset < 0:
        raise BadInput(
            f"its external data says offset {offset} and {length} bytes, its shape needs {needed}",
            node=where,
            remedy="export the model again",
        )
    tensor.raw_data = _read_part(target, offset, length, where, location)
    del tensor.external_data[:]
    tensor.data_location = TensorProto.DEFAULT


def _read_part(target: Path, offset: int, length: int, where: str, location: str) -> bytes:
    try:
        if offset + length > target.stat().st_size:
            raise BadInput(
                f"its external data {location!r} ends before the tensor does",
                node=where,
                remedy="export or copy the file again",
            )
        with target.open("rb") as stream:
            stream.seek(offset)
            return stream.read(length)
    except OSError as error:
        raise BadInput(
            f"its external data {location!r} cannot be read ({error.strerror})",
            node=where,
            remedy="check its permissions",
        ) from None


def _check_tensor(tensor: TensorProto) -> None:
    where = f"tensor {tensor.name}"
    if tensor.data_location == TensorProto.EXTERNAL:
        raise BadInput(
            "its data is in another file",
            node=where,
            remedy="load the model from its file, which finds the data beside it",
        )
    if tensor.HasField("segment"):
        raise BadInput(
            "it is stored in segments", node=where, remedy="store it whole: export the model again"
        )
    needed = _bytes_needed(tensor)
    if needed is None:
        return
    if tensor.HasField("raw_data"):
        if len(tensor.raw_data) != needed:
            raise BadInput(
                f"it has {len(tensor.raw_data)} bytes, its shape {list(tensor.dims)} needs "
                f"{needed}",
                node=where,
                remedy="export or copy the model again",
            )
        return
    try:
        onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError):
        raise BadInput(
            f"its data does not fill its shape {list(tensor.dims)}",
            node=where,
            remedy="export or copy the model again",
        ) from None


def _check_text(message: Message) -> None:
    """Every name and text is UTF-8; protobuf hands others out as bytes, which no code expects."""
    for field, value in message.ListFields():
        if field.type not in (field.TYPE_STRING, field.TYPE_MESSAGE):
            continue
        for each in [value] if isinstance(value, (str, bytes, Message)) else value:
            if isinstance(each, bytes):
                raise BadInput(
                    f"{field.name} {each[:40]!r} of the file is no text (UTF-8)",
                    remedy="export or copy the model again",
                )
            if isinstance(each, Message):
                _check_text(each)


def _check_names(graph: onnx.GraphProto) -> None:
    names = [name for node in graph.node for name in (node.name, *node.output)]
    names += [value.name for value in graph.input]
    for name in names:
        if len(name) > LONGEST_NAME:
            raise BadInput(
                f"the name {name[:40]!r}... has {len(name):,} characters, "
                f"{LONGEST_NAME:,} are supported",
                remedy="rename it, with qonnx's GiveReadableTensorNames say",
            )


def _check_order(graph: onnx.GraphProto) -> None:
    """Each tensor written once, before it is read; no graphs inside of nodes."""
    known = {i.name for i in graph.initializer} | {s.values.name for s in graph.sparse_initializer}
    known |= {i.name for i in graph.input} | {""}
    for node in graph.node:
        where = node.name or f"{node.op_type}({', '.join(node.output)})"
        if any(a.g.node or a.graphs for a in node.attribute):
            raise Unsupported(
                f"{node.op_type} contains graphs of its own (control flow)",
                node=where,
                remedy="export the network without branches or loops",
            )
        for name in node.input:
            if name not in known:
                raise BadInput(
                    f"its input {name!r} is made by no node before it",
                    node=where,
                    remedy="export the model again, its nodes in topological order",
                )
        for name in node.output:
            if name and name in known:
                raise BadInput(
                    f"its output {name!r} exists already",
                    node=where,
                    remedy="export the model again, each tensor written once",
                )
            known.add(name)
    for output in graph.output:
        if output.name not in known:
            raise BadInput(
                f"the graph output {output.name!r} is made by no node",
                remedy="export the model again",
            )
