"""`info`: what a file or folder is, who made it, what it takes and gives. Runs nothing in it.

info("digits.onnx")["inputs"]       # [{"name": "x", "shape": [1, 64], "type": "FLOAT"}]
info("digits_accelerator")["made"]  # "by you, on this machine"
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import console
from .accelerator import trust as trusting
from .accelerator.bitfile import BitFile, read_bitfile
from .accelerator.folder import DESCRIPTION, read_accelerator
from .accelerator.netlists import FAMILIES, read_netlist
from .errors import BadInput
from .files import yamlfile
from .files.given import given_path, open_file
from .files.jsonfile import read_object
from .files.output import MARKER
from .report.documents import read_verification
from .train.run_folder import LAST, RECIPE, RESULT, SELECTED
from .zoo import CARD

if TYPE_CHECKING:
    from onnx import TypeProto, ValueInfoProto

_KNOWN = "a QONNX file, an accelerator, a training run, what verify or get wrote, or a bitstream"
_SUMMARY = "summary.json"


def info(path: str | Path) -> dict[str, Any]:
    """Tell what PATH is.

    Args:
        path: a QONNX file, a bitstream (.bit), or a folder that `compile`, `train`, `verify` or
            `get` wrote.

    Returns:
        A document. Always `kind` ("model", "accelerator", "network", "run", "verification",
        "bitstream"), `path`, `sha256` (of the file, or of the folder's document, which holds the
        hashes of the rest) and `made` (by whom, in words). Then by kind: shapes, types, counts,
        figures.
        `verified` of an accelerator: whether all stages agreed; None where verify was not run.

    Raises:
        BadInput: there is nothing, it is damaged, or nothing that hw_bnn knows.
    """
    path = given_path(path)
    if not path.exists():
        raise BadInput(f"{path} does not exist", remedy=f"give {_KNOWN}")
    if path.is_dir():
        document = _folder(path)
    elif (bits := read_bitfile(path)) is not None:
        document = _bitstream(path, bits)
    elif path.suffix.lower() in (".onnx", ""):
        document = _model(path)
    else:
        raise BadInput(f"{path} is nothing that hw_bnn knows", remedy=f"give {_KNOWN}")
    return {"kind": document.pop("kind"), "path": str(path), **document}


def _folder(path: Path) -> dict[str, Any]:
    if (path / DESCRIPTION).exists():
        return _accelerator(path)
    if (path / _SUMMARY).exists() and any((path / n).exists() for n in ("accelerator", MARKER)):
        return _verification(path)
    if (path / CARD).exists():
        return _network(path)
    if (path / RECIPE).exists():
        return _run(path)
    raise BadInput(f"the folder {path} is nothing that hw_bnn knows", remedy=f"give {_KNOWN}")


def _model(path: Path) -> dict[str, Any]:
    from .onnxfile import load_onnx

    model = load_onnx(path)
    graph, stored = model.graph, {tensor.name for tensor in model.graph.initializer}
    types = {
        note.tensor_name: entry.value
        for note in graph.quantization_annotation
        for entry in note.quant_parameter_tensor_names
        if entry.key == "finn_datatype"
    }
    sizes = [_numbers(tensor.dims) for tensor in graph.initializer]
    return {
        "kind": "model",
        "sha256": _sha256(path),
        "made": " ".join(filter(None, [model.producer_name, model.producer_version])) or "not told",
        "bytes": path.stat().st_size,
        "opsets": {entry.domain or "ai.onnx": entry.version for entry in model.opset_import},
        "inputs": [_port(port, types) for port in graph.input if port.name not in stored],
        "outputs": [_port(port, types) for port in graph.output],
        "operators": dict(Counter(node.op_type for node in graph.node).most_common()),
        "stored_numbers": sum(sizes),
        "notes": {entry.key: entry.value for entry in model.metadata_props},
    }


def _numbers(dims: Any) -> int:
    count = 1
    for size in dims:
        count *= size
    return count


def _port(port: ValueInfoProto, types: dict[str, str]) -> dict[str, Any]:
    from onnx import TensorProto

    kind: TypeProto.Tensor = port.type.tensor_type
    shape = [d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in kind.shape.dim]
    stored = TensorProto.DataType.Name(kind.elem_type)
    return {"name": port.name, "shape": shape, "type": types.get(port.name, stored)}


def _accelerator(path: Path) -> dict[str, Any]:
    made, seen = read_accelerator(path), read_verification(path)
    synthesised = {family: read_netlist(path, family) for family in FAMILIES}
    return {
        "kind": "accelerator",
        "sha256": _sha256(path / DESCRIPTION),
        "made": _made(path, DESCRIPTION),
        "name": made.name,
        "top": made.top,
        "board": made.board,
        "part": made.part,
        "clk_period_ns": made.clk_period_ns,
        "input": made.input.model_dump(mode="json", include={"datatype", "shape", "words",
                                                             "tdata_bits"}),
        "output": made.output.model_dump(mode="json", include={"mode", "datatype", "scores",
                                                               "words", "tdata_bits"}),
        "layers": len([n for n in made.nodes if "fifo" not in n.op.lower()]),
        "bound_cycles": made.bound_cycles,
        "frames_per_second": round(1e9 / made.clk_period_ns / made.bound_cycles, 1),
        "resources": None if made.resources is None else made.resources.model_dump(),
        "synthesised": [family for family, document in synthesised.items() if document],
        "verified": None if seen is None else seen.exact,
        "versions": made.versions,
    }  # fmt: skip


def _made(path: Path, document: str) -> str:
    if trusting.vouched(path, document):
        return "by you, on this machine"
    return "not by you on this machine: its RTL runs with --trust alone"


def _verification(path: Path) -> dict[str, Any]:
    summary = read_object(path / _SUMMARY, remedy="verify the model again")
    own = (path / "accelerator").is_dir()  # not where an accelerator folder was verified
    inner = _accelerator(path / "accelerator") if own else {}
    kept = ("passed", "model", "input", "frames", "mismatches", "accuracy", "cycles_per_frame")
    return {
        **{
            "kind": "verification",
            "sha256": _sha256(path / _SUMMARY),
            "made": inner.get("made", "not told"),
        },
        **{key: summary.get(key) for key in kept},
        "accelerator": {k: v for k, v in inner.items() if k != "kind"},
    }


def _network(path: Path) -> dict[str, Any]:
    """A folder of the zoo, as `get` wrote it."""
    card = read_object(path / CARD, remedy="get the network again")
    name = str(card.get("name"))
    if Path(name).name != name:
        raise BadInput(f"{path / CARD} is damaged (name)", remedy="get the network again")
    kept = ("name", "what", "test", "accuracy", "mismatches", "weights", "cycles_per_frame", "luts",
            "seed", "epochs", "licence")  # fmt: skip
    found = _sha256(path / f"{name}.onnx")
    changed = "" if found == card.get("sha256") else ", but the file is not that of the card"
    return {
        "kind": "network",
        "sha256": found,
        "made": f"hw_bnn's zoo{changed}",
        **{key: card.get(key) for key in kept},
        "verify": card.get("command"),
    }


def _run(path: Path) -> dict[str, Any]:
    recipe = yamlfile.read(path / RECIPE)
    done = (path / RESULT).exists()
    result = read_object(path / RESULT, remedy="train it again") if done else {}
    weights = next((n for n in (SELECTED, LAST) if (path / n).is_file()), None)
    kept = ("epochs", "seconds", "validation_accuracy", "test_accuracy", "hardware")
    named = recipe if isinstance(recipe, dict) else {}
    return {
        "kind": "run",
        "sha256": None if weights is None else _sha256(path / weights),
        "made": _versions(result.get("versions")),
        "weights": weights,
        "finished": done,
        "recipe": named.get("name"),
        "seed": named.get("seed"),
        "method": _name(_part(named, "training").get("method")),
        "model": _name(named.get("model")),
        "data": _name(named.get("data")),
        **{key: result.get(key) for key in kept},
    }


def _part(document: dict[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _name(section: object) -> object:
    return section.get("name") if isinstance(section, dict) else section


def _versions(versions: object) -> str:
    if not isinstance(versions, dict):
        return "not told"
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _bitstream(path: Path, bits: BitFile) -> dict[str, Any]:
    return {
        "kind": "bitstream",
        "sha256": _sha256(path),
        "made": bits.tool,
        "bytes": path.stat().st_size,
        "family": bits.family,
        "design": bits.design,
        "part": bits.part,
        "date": bits.date,
    }


def _sha256(path: Path) -> str:
    try:
        with open_file(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror})") from error


def show(document: dict[str, Any]) -> None:
    """Print the document of :func:`info` as a table."""
    rows = [
        [re.sub("_", " ", key), _said(value, share="accuracy" in key)]
        for key, value in document.items()
        if value not in (None, {}, [])
    ]  # fmt: skip
    console.table(f"{document['path']}: {_TITLES[document['kind']]}", ["", "what"], rows)


_TITLES = {
    "model": "an ONNX model", "accelerator": "an accelerator", "run": "a training run",
    "network": "a trained network", "verification": "a verification", "bitstream": "a bitstream",
}  # fmt: skip


def _said(value: object, *, share: bool = False) -> str:
    """A value in words: lists and objects on one line; shares of 1 in %.

    >>> _said({"name": "x", "shape": [1, 64]})
    'name x, shape 1 x 64'
    >>> _said({"torch": 0.97222, "rtl": None}, share=True)
    'torch 97.22 %'
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{100 * value:.2f} %" if share else f"{value:,}".removesuffix(".0")
    if isinstance(value, dict):
        said = ((k, _said(v, share=share)) for k, v in value.items() if v is not None)
        return ", ".join(f"{k} {words}" for k, words in said)
    if isinstance(value, list):
        numbers = all(isinstance(item, int) for item in value)
        return " x ".join(map(str, value)) if numbers else "; ".join(map(_said, value))
    return str(value)
