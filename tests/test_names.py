"""The command line and the functions: the same names, with the same defaults."""

import inspect
import pydoc
from dataclasses import fields
from fractions import Fraction

import numpy as np
import pytest

import hw_bnn as hb
from hw_bnn import cli
from hw_bnn.cli.options import flags
from hw_bnn.cli.wording import as_flags, parameter_names
from hw_bnn.errors import BadInput
from hw_bnn.options import CompileOptions, EngineOptions, FrameOptions, flat

ONLY_FLAGS = {"json", "debug", "shell", "quiet", "verbose"}
"""How to print, of all commands, and --shell, which is short for --engine shell."""

ONLY_ARGUMENTS = {"quiet", "x", "progress", "fifo_caps", "preamble", "example_input", "ready"}
"""Arrays, callbacks and mappings, which a command line has no words for; quiet, a flag of all."""

LISTS = {("get", "name")}
"""Arguments that a command lists the choices of where it is left out; its function needs them."""

COMMANDS = {c.name or c.callback.__name__: c.callback for c in cli.app.registered_commands}


def parameters(function) -> dict[str, object]:
    return {name: p.default for name, p in inspect.signature(function).parameters.items()}


def test_every_command_has_its_function():
    assert set(COMMANDS) == set(hb.__all__) - {"Accelerator", "GoldenModel", "recipes"}  # a group


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_takes_what_its_function_takes(name):
    flag, argument = parameters(COMMANDS[name]), parameters(getattr(hb, name))
    assert set(flag) - ONLY_FLAGS == set(argument) - ONLY_ARGUMENTS
    for each in set(flag) & set(argument):
        if (name, each) in LISTS:
            assert (flag[each], argument[each]) == (None, inspect.Parameter.empty)
            continue
        same = {str(flag[each] or None), str(argument[each] or None)}  # Path("demo") and "demo"
        assert len(same) == 1, f"{name}: {each} is {flag[each]!r} and {argument[each]!r}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_flag_is_its_parameters_name(name, capsys):
    assert cli.run([name, "--help"]) == 0
    told = capsys.readouterr().out
    for parameter in parameters(COMMANDS[name]):
        assert f"--{parameter.replace('_', '-')}" in told or parameter in told


def test_a_command_hands_on_what_it_was_given():
    got = []

    @flags(build=CompileOptions, asked=EngineOptions)
    def command(model: str, *, build: CompileOptions, asked: EngineOptions, run: str = "") -> None:
        got.append((model, build, asked, run))

    given = {f.name: f.default for kind in (CompileOptions, EngineOptions) for f in fields(kind)}
    command(model="m", run="r", **{**given, "target_cycles": 3, "stall": 0.5, "window": "4:9"})
    assert got == [
        ("m", CompileOptions(target_cycles=3), EngineOptions(stall=0.5, window=(4, 9)), "r")
    ]


def test_a_field_of_two_classes_is_one_argument():
    @flat(chosen=FrameOptions, asked=EngineOptions)
    def function(x, *, chosen, asked, seed=None):
        return chosen, asked, seed

    assert function(1, seed=7) == (FrameOptions(seed=7), EngineOptions(), 7)
    assert function(1, asked=EngineOptions(jobs=2)) == (FrameOptions(), EngineOptions(jobs=2), None)
    with pytest.raises(TypeError, match="did you mean 'throttle'"):
        function(1, throtle=3)
    with pytest.raises(TypeError, match=r"function\(\) got jobs=, stall= beside asked="):
        function(1, asked=EngineOptions(), jobs=2, stall=0.5)
    with pytest.raises(TypeError, match="takes asked= as EngineOptions, not as dict"):
        function(1, asked={"jobs": 2})
    assert function(1, asked=EngineOptions(), seed=7)[2] == 7  # the function's own, too


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        (CompileOptions, dict(target_cycles="64"), r"target_cycles= is '64' \(str\); give a whole"),
        (CompileOptions, dict(target_cycles=64.0), "target_cycles= is 64.0.*whole number or None"),
        (CompileOptions, dict(target_cycles=True), "target_cycles= is True"),
        (CompileOptions, dict(clk_period_ns="5"), "clk_period_ns= is '5'.*give a number"),
        (CompileOptions, dict(clk_period_ns=None), "clk_period_ns= is None"),
        (CompileOptions, dict(folding=3), "folding= is 3.*a text or a Path or a dict or None"),
        (CompileOptions, dict(check=1), "check= is 1.*True or False"),
        (CompileOptions, dict(memory=7), "memory= is 7.*one of auto, lut, block"),
        (CompileOptions, dict(name=b"x"), "name= is b'x'"),
        (FrameOptions, dict(limit="all"), "limit= is 'all'"),
        (EngineOptions, dict(stall=(0.1, "0.2")), "stall= is .*a number or 2 of them"),
        (EngineOptions, dict(window=(1, 2, 3)), "window= is"),
        (EngineOptions, dict(jobs=[2]), "jobs= is"),
    ],
)
def test_an_option_of_another_type_is_refused_by_name(kind, given, told):
    with pytest.raises(BadInput, match=told):
        kind(**given)


def test_numbers_of_numpy_are_numbers():
    options = CompileOptions(
        target_cycles=np.int32(64), clk_period_ns=np.float32(5), check=np.True_, target_fps=10
    )
    assert options == CompileOptions(target_cycles=64, clk_period_ns=5.0, target_fps=10)
    assert type(options.target_cycles) is int and type(options.clk_period_ns) is float
    asked = EngineOptions(stall=[np.float64(0.25), 0], throttle=Fraction(5, 2), window=[1, 9])
    assert asked == EngineOptions(stall=(0.25, 0), throttle=Fraction(5, 2), window=(1, 9))


@pytest.mark.parametrize("name", sorted(set(hb.__all__) - {"Accelerator", "GoldenModel"}))
def test_help_shows_the_functions_arguments(name):
    function = getattr(hb, name)
    told = pydoc.plain(pydoc.render_doc(function))
    first = inspect.getdoc(function).splitlines()
    assert all(parameter in told for parameter in inspect.signature(function).parameters)
    assert all(line.strip() in told for line in first)


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("slow_frames= is 0", "--slow-frames is 0"),
        ("use target_fps=1000000.5 or less", "use --target-fps 1000000.5 or less"),
        ('output_mode="scores", or trust=True', "--output-mode scores, or --trust"),
        ("data.frames=3 and my_seed=4 and x==seed", "data.frames=3 and my_seed=4 and x==seed"),
    ],
)
def test_arguments_are_told_as_flags(sentence, told):
    assert as_flags(sentence, parameter_names(cli.app)) == told


def test_an_error_names_what_the_user_wrote(capsys, tmp_path):
    from hw_bnn.verify import verify

    with pytest.raises(BadInput, match="^slow_frames= is 0"):
        verify(tmp_path / "model.onnx", slow_frames=0)
    assert cli.run(["verify", str(tmp_path / "model.onnx"), "--slow-frames", "0"]) == 2
    assert capsys.readouterr().err.startswith("error: --slow-frames is 0")
