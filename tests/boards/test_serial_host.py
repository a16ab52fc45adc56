"""boards/ulx3s/host.py, pyserial replaced: frames as the contract packs them, refusals, scores."""

import importlib.util
import json
import shutil
import sys
from types import ModuleType

import numpy as np
import pytest

from hw_bnn.accelerator import Input, Output
from hw_bnn.boards import BOARD_FILES
from hw_bnn.sim.packing import pack_input, pack_output

HOST = BOARD_FILES / "ulx3s" / "host.py"
BIPOLAR = Input(
    datatype="BIPOLAR", minimum=-1, maximum=1, shape=[2, 2, 5], tensor="x", elements=20,
    stream_shape=[2, 5, 2], transpose=[1, 2, 0], element_bits=1, words=3, word_bits=7, tdata_bits=8,
)  # fmt: skip
INT4 = Input(
    datatype="INT4", minimum=-8, maximum=7, shape=[5], tensor="x", elements=5,
    stream_shape=[5], transpose=None, element_bits=4, words=2, word_bits=12, tdata_bits=16,
)  # fmt: skip


def output(datatype, low, high, bits, mode="both"):
    used = bits + (2 if mode == "both" else 0)
    return Output(
        mode=mode, tensor="y", datatype=datatype, minimum=low, maximum=high,
        scores=3, lanes=1, score_bits=bits, label_bits=2,
        label_offset=bits, words=3, tdata_bits=-(-used // 8) * 8,
    )  # fmt: skip


OUTPUTS = [
    output("INT7", -64, 63, 7),
    output("UINT5", 0, 31, 5),
    output("BIPOLAR", -1, 1, 1, "scores"),
]


@pytest.fixture
def board(tmp_path, monkeypatch):
    """board(contract in, contract out, answers) runs host.py: folder, what it sent, exit code."""

    class Serial:
        sent, answers, short = [], [], 0

        def __init__(self, port, baud, timeout):
            assert (port, baud) == ("/dev/ttyX", 1_000_000) and timeout > 5
            self.timeout = timeout

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def reset_input_buffer(self):
            pass

        def write(self, data):
            self.sent.append(data)

        def read(self, size):
            answer = self.answers[len(self.sent) - 1]
            assert len(answer) == size
            return answer[: size - self.short]

    serial = ModuleType("serial")
    serial.Serial = Serial
    monkeypatch.setitem(sys.modules, "serial", serial)

    def call(host, given, taken, x, answers=()):
        Serial.sent, Serial.answers = [], [word.tobytes() for word in answers]
        document = {"input": given.model_dump(), "output": taken.model_dump(), "bound_cycles": 1000}
        (tmp_path / "board" / "ulx3s").mkdir(parents=True, exist_ok=True)
        (tmp_path / "accelerator.json").write_text(json.dumps(document))
        (tmp_path / "board" / "ulx3s" / "result.json").write_text(
            '{"baud": 1000000, "freq_mhz": 100}'
        )
        np.save(tmp_path / "x.npy", x)
        places = ["--inputs", tmp_path / "x.npy", "--outputs", tmp_path / "y.npz"]
        monkeypatch.setattr(
            sys, "argv", [str(a) for a in ("host.py", tmp_path, "/dev/ttyX", *places)]
        )
        spec = importlib.util.spec_from_file_location("ulx3s_host", host)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.main(), Serial.sent

    call.serial, call.place = Serial, tmp_path
    return call


def drawn(contract, count=4):
    x = np.random.default_rng(1).integers(
        contract.minimum, contract.maximum + 1, (count, *contract.shape)
    )
    return np.where(x < 0, -1, 1) if contract.datatype == "BIPOLAR" else x


@pytest.mark.parametrize("taken", OUTPUTS, ids=lambda o: o.datatype)
@pytest.mark.parametrize("given", [BIPOLAR, INT4], ids=lambda i: i.datatype)
def test_words_are_the_contracts(board, given, taken, capsys):
    x, y = drawn(given), _scores(taken)
    labels = np.array([2, 0, 1, 2]) if taken.mode == "both" else None
    code, sent = board(HOST, given, taken, x, pack_output(taken, y, labels))
    assert code == 0 and sent == [frame.tobytes() for frame in pack_input(given, x)]
    made = np.load(board.place / "y.npz")
    np.testing.assert_array_equal(made["scores"], y)
    assert ("labels" in made) == (labels is not None)
    assert capsys.readouterr().out == ("2\n0\n1\n2\n" if labels is not None else "")


def _scores(contract):
    y = np.random.default_rng(2).integers(contract.minimum, contract.maximum + 1, (4, 3))
    return np.where(y < 0, -1, 1) if contract.datatype == "BIPOLAR" else y


@pytest.mark.parametrize("given, x, reason", [
    (INT4, drawn(INT4).astype(float), "float64, not integers"),
    (INT4, drawn(INT4) + 16, "allowed are -8..7"),
    (INT4, drawn(INT4)[:, :3], "expected"),
    (BIPOLAR, 0 * drawn(BIPOLAR), "-1 and 1"),
])  # fmt: skip
def test_what_the_contract_refuses_is_not_sent(board, given, x, reason, capsys):
    code, sent = board(HOST, given, OUTPUTS[0], x)
    assert code == 2 and not sent and reason in capsys.readouterr().err
    assert not (board.place / "y.npz").exists()


def test_an_answer_that_is_short_is_a_failure(board, capsys):
    board.serial.short = 1
    code, _ = board(
        HOST,
        INT4,
        OUTPUTS[0],
        drawn(INT4),
        pack_output(OUTPUTS[0], _scores(OUTPUTS[0]), np.zeros(4, int)),
    )
    assert code == 1 and "frame 0: 5 of 6 bytes" in capsys.readouterr().err


def test_a_copy_takes_the_driver_beside_it(board, tmp_path, capsys):
    copy = shutil.copy(HOST, tmp_path)
    assert (
        board(copy, INT4, OUTPUTS[0], drawn(INT4))[0] == 2
        and "words.py is not beside" in capsys.readouterr().err
    )
    shutil.copy(BOARD_FILES / "pynq" / "driver" / "words.py", tmp_path)
    answers = pack_output(OUTPUTS[0], _scores(OUTPUTS[0]), np.zeros(4, int))
    assert board(copy, INT4, OUTPUTS[0], drawn(INT4), answers)[0] == 0
