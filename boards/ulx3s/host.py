"""Run frames on a ULX3S that holds a bitstream of `hw-bnn bitstream`: needs numpy and pyserial.

    python host.py ACCELERATOR_FOLDER PORT --inputs x.npy [--outputs y.npz]

x.npy holds integers (N, ...), in the input's range and shape (accelerator.json). y.npz
receives scores (N, n) and labels (N,), as far as the accelerator puts them out; labels are
printed, one a line.

How frames lie in words is the business of words.py, of the driver that runs on PYNQ boards: it
stands beside this one, as `hw-bnn bitstream` puts both, or in ../pynq/driver, as in the repository.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

PATIENCE_S = 5.0  # for an answer, besides the accelerator's own time
HERE = Path(__file__).resolve().parent


def load_driver() -> ModuleType:
    """words.py, which packs and unpacks words."""
    for path in (HERE / "words.py", HERE.parent / "pynq" / "driver" / "words.py"):
        spec = importlib.util.spec_from_file_location("hw_bnn_board_words", path)
        if path.is_file() and spec is not None and spec.loader is not None:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise OSError(f"words.py is not beside {Path(__file__).name}: copy it from boards/pynq/driver")


def exchange(line, accelerator: dict, frames: np.ndarray) -> np.ndarray:
    """Send frames, one after the other's answer.

    Args:
        line: an open serial port. frames: (N, words, bytes a word) uint8.

    Returns:
        (N, words, bytes a word) uint8, the output words.

    Raises:
        TimeoutError: an answer did not come, or not whole.
    """
    output = accelerator["output"]
    shape = (output["words"], output["tdata_bits"] // 8)
    size = shape[0] * shape[1]
    answers = np.empty((len(frames), *shape), np.uint8)
    for number, frame in enumerate(frames):
        line.write(frame.tobytes())
        answer = line.read(size)
        if len(answer) != size:
            raise TimeoutError(
                f"frame {number}: {len(answer)} of {size} bytes came back in {line.timeout:.3g} s"
            )
        answers[number] = np.frombuffer(answer, np.uint8).reshape(shape)
    return answers


def run(folder: Path, port: str, x: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Scores and labels of frames, by the accelerator's output mode.

    Raises:
        ValueError: x does not fit the accelerator's input. OSError: no such folder or
            port, or no answer.
    """
    driver = load_driver()
    accelerator = json.loads((folder / "accelerator.json").read_text())
    result = json.loads((folder / "board" / "ulx3s" / "result.json").read_text())
    frames = driver.pack(accelerator["input"], x, accelerator["input"]["tdata_bits"] // 8)
    import serial

    own = 4 * accelerator["bound_cycles"] / (result["freq_mhz"] * 1e6)
    bytes_out = accelerator["output"]["words"] * accelerator["output"]["tdata_bits"] // 8
    travel = 10 * (frames[:1].size + bytes_out) / result["baud"]  # ten bits a byte
    with serial.Serial(port, result["baud"], timeout=PATIENCE_S + own + 2 * travel) as line:
        line.reset_input_buffer()
        return driver.unpack(accelerator["output"], exchange(line, accelerator, frames))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("port")
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--outputs", type=Path)
    arguments = parser.parse_args()
    try:
        scores, labels = run(arguments.folder, arguments.port, np.load(arguments.inputs))
        if arguments.outputs:
            made = {"scores": scores, "labels": labels}
            np.savez(arguments.outputs, **{k: v for k, v in made.items() if v is not None})
    except TimeoutError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ImportError:
        print("error: pyserial is not installed; run `pip install pyserial`", file=sys.stderr)
        return 3
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for label in () if labels is None else labels:
        print(label)
    return 0


if __name__ == "__main__":
    sys.exit(main())
