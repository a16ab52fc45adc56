"""The command line and the functions: the same names, with the same defaults."""

import inspect
from dataclasses import fields

import pytest

import hw_bnn as hb
from hw_bnn import cli
from hw_bnn.cli.options import flags
from hw_bnn.cli.wording import as_flags, parameter_names
from hw_bnn.options import CompileOptions, EngineOptions, FrameOptions, flat

ONLY_FLAGS = {"json", "debug", "shell"}
"""How to print, and --shell, which is short for --engine shell."""

ONLY_ARGUMENTS = {"x", "progress", "fifo_caps", "preamble", "example_input", "ready"}
"""Arrays, callbacks and mappings, which a command line has no words for."""

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
    from hw_bnn.errors import BadInput
    from hw_bnn.verify import verify

    with pytest.raises(BadInput, match="^slow_frames= is 0"):
        verify(tmp_path / "model.onnx", slow_frames=0)
    assert cli.run(["verify", str(tmp_path / "model.onnx"), "--slow-frames", "0"]) == 2
    assert capsys.readouterr().err.startswith("error: --slow-frames is 0")
