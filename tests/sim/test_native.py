"""The native engine on the toy accelerator: exact under any pauses, loud when anything is wrong."""

import itertools
import shutil

import numpy as np
import pytest

from hw_bnn.accelerator.folder import reseal
from hw_bnn.errors import BadInput, CheckFailed
from hw_bnn.sim import NativeModel, capture, observe, pack_input, unpack_output
from hw_bnn.sim.config import Config
from hw_bnn.simulation import simulate
from tests.sim.toy_accelerator import WORDS, N, make_toy, random_inputs


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    toy = make_toy(tmp_path_factory.mktemp("native") / "toy")
    return toy, random_inputs(500)


@pytest.mark.parametrize("stall", [0.0, 0.3, (0.0, 0.6), (0.6, 0.0), (0.9, 0.9)])
def test_scores_and_labels_are_exact_under_pauses(shared, stall):
    toy, x = shared
    result = simulate(toy.folder, x, stall=stall, seed=5)
    scores, labels = toy.expected(x)
    assert (result.scores == scores).all() and (result.labels == labels).all()
    assert result.frames == len(x)


def test_cycle_counts_are_those_of_the_slowest_layer(shared):
    toy, x = shared
    result = simulate(toy.folder, x)
    assert result.cycles_per_frame == toy.accelerator.bound_cycles == N
    # 3 words in, of which the last needs 1 cycle in fifo_0; 1 in the layer; 1 in
    # fifo_1; 5 words out
    assert result.latency_cycles == WORDS + 1 + 1 + N
    assert result.cycles == result.latency_cycles + (len(x) - 1) * N + 1


def test_a_single_frame_has_no_steady_state(shared):
    toy, x = shared
    result = simulate(toy.folder, x, limit=1)
    assert result.frames == 1 and result.cycles_per_frame is None and result.latency_cycles == 10


def test_pauses_depend_on_the_seed_alone(shared):
    toy, x = shared
    one, same, other = (simulate(toy.folder, x, stall=0.4, seed=s).cycles for s in (3, 3, 4))
    assert one == same != other


def test_a_throttled_source_sets_the_pace(shared):
    toy, x = shared
    assert simulate(toy.folder, x, throttle=4).cycles_per_frame == 4 * WORDS
    assert simulate(toy.folder, x, throttle=2.5).cycles_per_frame == pytest.approx(7.5, abs=0.01)
    assert simulate(toy.folder, x, throttle=1).cycles_per_frame == N


def test_reset_in_the_middle_of_a_frame_leaves_nothing(shared):
    toy, x = shared
    scores, _ = toy.expected(x)
    for words in range(1, 2 * WORDS + 2):
        result = simulate(toy.folder, x, limit=20, preamble=words)
        assert (result.scores == scores[:20]).all()


def test_fifo_capacities_are_run_time_values(shared):
    toy, x = shared
    deep = simulate(toy.folder, x, fifo_caps={"fifo_0": 40})
    assert deep.fifo_max["fifo_0"] == 40  # an unthrottled source fills whatever there is
    assert deep.cycles_per_frame == N
    shallow = simulate(toy.folder, x, fifo_caps={"fifo_1": 1})
    assert shallow.fifo_max["fifo_1"] == 1 and shallow.cycles_per_frame > N
    assert (shallow.scores == toy.expected(x)[0]).all()
    with pytest.raises(BadInput, match="no FIFO 'fifo_9'.*fifo_0, fifo_1"):
        simulate(toy.folder, x, fifo_caps={"fifo_9": 4})


def test_stream_statistics_account_for_every_cycle(shared):
    toy, x = shared
    result = simulate(toy.folder, x, statistics=True, stall=(0.0, 0.5))
    for name, stream in result.streams.items():
        total = stream.moved + stream.stalled + stream.starved + stream.idle
        assert total == result.cycles, name
    assert result.streams["pixels"].moved == WORDS * len(x)
    assert result.streams["result"].moved == N * len(x)
    assert result.streams["result"].stalled > 0


def test_capture_gives_every_word_and_its_cycle(shared):
    toy, x = shared
    seen = capture(toy.folder, x[:9], stall=0.2)
    assert set(seen) == {s.name for s in toy.accelerator.streams}
    words, cycles = seen["pixels"]
    assert (words == pack_input(toy.accelerator.input, x[:9])).all()
    dots = seen["dots"][0][:, :, 0].astype(np.int8)
    assert (dots == toy.expected(x[:9])[0]).all()
    assert (np.diff(cycles.ravel().astype(int)) > 0).all()
    assert (seen["scores"][1] > seen["dots"][1]).all()  # behind a register


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_handshakes_that_are_looked_at_are_all_that_were_counted(shared, stall):
    toy, x = shared
    with NativeModel(toy.folder / "rtl", toy.accelerator) as model:
        words = pack_input(toy.accelerator.input, x[:40])
        run = model.run(words, stall=stall, look=range(10**6))
        assert list(run.looked) == list(range(run.cycles))
        for name, counts in run.streams.items():
            pairs = [row[name] for row in run.looked.values()]
            assert [pairs.count(pair) for pair in itertools.product((True, False), repeat=2)] == [
                counts.moved, counts.stalled, counts.starved, counts.idle
            ]  # fmt: skip
        part = model.run(words, stall=stall, look=range(30, 60))
        assert part.looked == {c: run.looked[c] for c in range(30, 60)}
        assert (part.words == run.words).all() and part.cycles == run.cycles


def test_signals_are_what_the_streams_carry(shared):
    toy, x = shared
    seen = capture(toy.folder, x[:9], stall=0.5)
    pixels, result = observe(toy.folder, x[:9], ["pixels", "result"], range(10**6), stall=0.5)
    assert (pixels.bits, result.bits) == (8, 11) and pixels.first == 0
    for wires in (pixels, result):
        words, cycles = seen[wires.stream]
        moved = [c for c in range(len(wires.valid)) if wires.valid[c] == wires.ready[c] == "1"]
        assert moved == cycles.ravel().tolist()
        flat = words.reshape(-1, words.shape[2])
        values = [int.from_bytes(word.tobytes(), "little") for word in flat]
        assert [int(wires.data[c], 16) for c in moved] == values
        assert len(wires.data[moved[0]]) == -(-wires.bits // 4)
        assert [wires.last[c] for c in moved] == list("0" * (words.shape[1] - 1) + "1") * 9
        waits = [c for c in range(len(wires.valid)) if wires.valid[c] > wires.ready[c]]
        assert waits and all(wires.data[c] == wires.data[c + 1] for c in waits)
        assert [word is None for word in wires.data] == [v == "0" for v in wires.valid]
    (inner,) = observe(toy.folder, x[:9], ["dots"], range(5, 8))
    assert inner.last is None and (inner.first, len(inner.ready)) == (5, 3)


def test_run_by_parts_equals_one_run_and_one_model_serves_many(shared):
    toy, x = shared
    with NativeModel(toy.folder / "rtl", toy.accelerator) as model:
        words = pack_input(toy.accelerator.input, x)
        told = []
        whole = model.run(words, progress=told.append)
        model.set_fifo_caps({"fifo_0": 9})
        again = model.run(words, stall=0.3)
        model.set_fifo_caps({"fifo_0": 2})
        assert again.fifo_max["fifo_0"] > model.run(words[:9]).fifo_max["fifo_0"]
        assert (whole.words == again.words).all() and sum(told) == len(x)
        scores, _ = unpack_output(toy.accelerator.output, model.run(words[:1]).words)
        assert (scores == toy.expected(x[:1])[0]).all()


def test_one_build_serves_other_weights(shared, tmp_path):
    toy, x = shared
    simulate(toy.folder, x, limit=1)
    other = make_toy(tmp_path / "other", seed=77)
    result = simulate(other.folder, x)
    assert (other.weights != toy.weights).any()
    assert (result.scores == other.expected(x)[0]).all()
    assert result.build_seconds < 2


def mutate(toy, tmp_path, file, old, new):
    """The toy with one change in its RTL."""
    folder = tmp_path / "mutant"
    shutil.copytree(toy.folder, folder)
    path = folder / "rtl" / file
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    reseal(folder)
    return folder


def test_a_deadlock_stops_by_itself_and_names_the_streams(shared, tmp_path):
    toy, x = shared
    broken = mutate(
        toy, tmp_path, "toy_layer.v", "assign s_axis_tready = !last",
        "assign s_axis_tready = !last && results != 40'h1",
    )  # fmt: skip
    (broken / "rtl/toy_layer.v").write_text(
        (broken / "rtl/toy_layer.v").read_text().replace("left == 1 && m_axis_tready", "1'b0")
        .replace("|| left == 0 ", "")
    )  # fmt: skip
    reseal(broken)
    with pytest.raises(CheckFailed, match="hangs") as caught:
        simulate(broken, x)
    text = str(caught.value)
    assert "blocked: pixels, packed" in text
    assert "packed: fifo_0 -> layer_0: BLOCKED" in text
    assert "dots: layer_0 -> fifo_1: empty" in text
    assert "in: frame 1 word 1, out: frame 0 word 0" in text  # two wait in fifo_0


def test_a_lost_word_is_a_hang_not_a_wrong_score(shared, tmp_path):
    toy, x = shared
    broken = mutate(
        toy,
        tmp_path,
        "bnn_fifo.sv",
        "tail <= tail + 1;",
        "tail <= tail + 6'(s_axis_tdata != 8'h5a);",
    )
    broken_fill = broken / "rtl/bnn_fifo.sv"
    broken_fill.write_text(broken_fill.read_text().replace(
        "fill <= fill + 32'(s_axis_tvalid && s_axis_tready)",
        "fill <= fill + 32'(s_axis_tvalid && s_axis_tready && s_axis_tdata != 8'h5a)"))  # fmt: skip
    reseal(broken)
    with pytest.raises(CheckFailed, match="tlast|hangs"):
        simulate(broken, x)


def test_a_wrong_tlast_is_found(shared, tmp_path):
    toy, x = shared
    broken = mutate(toy, tmp_path, "toy_argmax.v", "m_axis_tlast  = index == N - 1",
                    "m_axis_tlast  = index == N - 2")  # fmt: skip
    with pytest.raises(CheckFailed, match="tlast is 1 at word 3 of frame 0, which has 5 words"):
        simulate(broken, x)


def test_surplus_words_are_found(shared, tmp_path):
    toy, x = shared
    broken = mutate(toy, tmp_path, "toy_layer.v", "reg [7:0] word, left;",
                    "reg [7:0] word, left; reg [15:0] total = 0;")  # fmt: skip
    path = broken / "rtl/toy_layer.v"
    path.write_text(path.read_text().replace(
        "left    <= N;", "left <= total == 19 ? 2 * N : N; total <= total + 1;"))  # fmt: skip
    reseal(broken)
    with pytest.raises(CheckFailed, match="a word after the last frame"):
        simulate(broken, x[:20])


def test_a_withdrawn_word_is_found_when_watched(shared, tmp_path):
    toy, x = shared
    broken = mutate(toy, tmp_path, "toy_layer.v", "assign m_axis_tvalid = left != 0;",
                    "reg hide = 0; always @(posedge ap_clk) hide <= m_axis_tvalid & !m_axis_tready;"
                    "assign m_axis_tvalid = left != 0 && !hide;")  # fmt: skip
    with pytest.raises(CheckFailed, match="dots: tvalid was taken back before tready"):
        simulate(broken, x, stall=0.3, statistics=True)


def test_a_failing_assertion_stops_with_its_message(shared, tmp_path):
    toy, x = shared
    broken = mutate(toy, tmp_path, "toy_layer.v", "      word <= last",
                    '      if (s_axis_tdata == 8\'h5a) $error("seen 5a");\n'
                    "      word <= last")  # fmt: skip
    with pytest.raises(CheckFailed, match="seen 5a.*toy_layer"):
        simulate(broken, x)


def test_a_missing_memory_file_is_named(shared, tmp_path):
    toy, x = shared
    folder = tmp_path / "copy"
    shutil.copytree(toy.folder, folder)
    (folder / "rtl/layer_0_weights.hex").unlink()
    with pytest.raises(BadInput, match="layer_0_weights.hex"):
        simulate(folder, x)


def test_rtl_that_is_no_verilog_is_refused_with_the_place(shared, tmp_path):
    toy, x = shared
    broken = mutate(toy, tmp_path, "toy_argmax.v", "endmodule", "endmodul")
    with pytest.raises(CheckFailed, match="Verilator rejects.*toy_argmax.v:"):
        simulate(broken, x)


@pytest.mark.parametrize(
    "options, says",
    [
        (dict(engine="modelsim"), "unknown engine.*native, cocotb, netlist"),
        (dict(jobs=0), "jobs= is 0"),
        (dict(stall=1.0), "stall probability"),
        (dict(limit=0), "limit= is 0"),
        (dict(jobs=2, preamble=1), "several jobs"),
        (dict(engine="cocotb", scheduler="tcp://127.0.0.1:9"), "cocotb does not offer a cluster"),
        (dict(family="ecp5"), "does not offer a family of netlists; use the engine netlist or"),
        (dict(window=(1, 5)), "window 1:5 is of waves"),
        (dict(waves="x.fst", window=(5, 5)), "window 5:5 holds no cycle"),
        (dict(throttle=0), "throttle is 0"),
    ],
)
def test_bad_options_are_refused(shared, options, says):
    toy, x = shared
    with pytest.raises(BadInput, match=says):
        simulate(toy.folder, x, **options)


@pytest.mark.parametrize("wrong, says", [
    (lambda words: dict(words=words[:, :-1]), r"the input words: shape \(40, .*not contiguous"),
    (lambda words: dict(words=words.astype(np.int8)), "the input words: .*of int8"),
    (lambda words: dict(names=np.zeros(39, np.uint8)), r"names: shape \(39,\) of uint8; .*\(40,\)"),
    (lambda words: dict(names=np.zeros(41, np.uint8)), r"names: shape \(41,\)"),
    (lambda words: dict(names=np.zeros(40, np.int64)), "names: .*of int64"),
    (lambda words: dict(names=np.zeros(80, np.uint8)[::2]), "names: .*not contiguous"),
    (lambda words: dict(config=Config(np.zeros(6, np.int64))), r"config.words: .*of int64"),
    (lambda words: dict(config=Config(np.zeros(6, np.uint32)[::2])), "config.words: .*contiguous"),
    (lambda words: dict(config=Config(np.zeros(6, np.uint32), np.zeros(5))), "config.after .*6 w"),
])  # fmt: skip
def test_arrays_that_the_library_would_read_past_are_refused(shared, wrong, says):
    toy, x = shared
    words = pack_input(toy.accelerator.input, x[:40])
    with NativeModel(toy.folder / "rtl", toy.accelerator) as model:
        with pytest.raises(BadInput, match=says):
            model.run(**dict(words=words) | wrong(words))
        assert len(model.run(words).words) == 40
