"""The C++ as HLS tools take it: pragmas by the whitelist, no language feature that cannot be
hardware, and scripts whose commands and options there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hw_bnn.hls import HLS_FILES
from hw_bnn.hls.pragmas import faults

HEADERS = sorted((HLS_FILES / "include/hw_bnn").glob("*.hpp"))
STUB = Path(__file__).with_name("vitis_stub.tcl")


@pytest.mark.parametrize("path", HEADERS, ids=lambda path: path.stem)
def test_pragmas_are_of_the_whitelist(path):
    text = path.read_text()
    assert faults(text) == []
    if "hls::stream" in text and path.stem != "word":
        loop = "#pragma HLS PIPELINE II=1 style=flp\n    HW_BNN_STEP;" in text
        assert loop or re.search(r"^  (mvau|pool2d)<", text, re.M), "no loop, nor a call of one"


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("PIPELINE II=1", "PIPELINE II=x", "PIPELINE II cannot be x"),
        ("PIPELINE II=1 style=flp", "PIPELINE style=flp", "PIPELINE lacks II"),
        ("PIPELINE II=1 style=flp", "PIPELINE II=1 style=fast", "PIPELINE style cannot be fast"),
        ("PIPELINE II=1", "PIPELIN II=1", "PIPELIN is no pragma of ours"),
        ("#pragma HLS UNROLL", "#pragma HLS UNROLL complete", "UNROLL has no option complete"),
        ("#pragma HLS UNROLL", "#pragma unroll", "a pragma that is no HLS one"),
        ("variable=acc", "variable=ack", "ARRAY_PARTITION names ack, which is not declared in"),
        ("variable=acc dim=1", "variable=acc", "ARRAY_PARTITION lacks dim"),
        ("#pragma HLS PIPELINE II=1 style=flp\n    HW_BNN_STEP;",
         "HW_BNN_STEP;\n#pragma HLS PIPELINE II=1 style=flp\n", "is not first in a loop's body"),
        ("  ap_uint<SIMD * Unit::BITS> kept[SF];", "#pragma HLS UNROLL\n",
         "UNROLL is not first in a loop's body"),
        ("  unsigned nf = 0,", "  unsigned\n#pragma HLS INLINE\n nf = 0,", "inside a statement"),
        ("    if (nf == 0) kept", "#pragma HLS DATAFLOW\n    if (nf == 0) kept",
         "DATAFLOW does not stand in a function's body"),
    ],
)  # fmt: skip
def test_planted_pragmas_are_found(right, wrong, fault):
    text = (HLS_FILES / "include/hw_bnn/mvau.hpp").read_text()
    assert right in text
    assert any(fault in found for found in faults(text.replace(right, wrong, 1)))


# -- language --


def language_faults(text: str) -> list[str]:
    """Dynamic memory, virtual functions, floating point and recursion in our own code."""
    cindex = pytest.importorskip(
        "clang.cindex", reason="libclang is missing (pip install libclang)"
    )
    places = ["include", "csim/stream", "csim/ap"]
    unit = cindex.Index.create().parse(
        "unit.cpp", ["-std=c++14", *(f"-I{HLS_FILES / place}" for place in places)],
        unsaved_files=[("unit.cpp", text)],
    )  # fmt: skip
    errors = [d.spelling for d in unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
    # libclang brings no standard library's headers: what they would declare is not ours to check.
    own = (str(HLS_FILES / "include"), "unit.cpp")
    assert not [e for e in errors if "hw_bnn" in e], errors
    return _walk(cindex, unit.cursor, own, None)


def _walk(cindex, cursor, own, function) -> list[str]:
    kinds, found = cindex.CursorKind, []
    callables = (kinds.FUNCTION_DECL, kinds.FUNCTION_TEMPLATE, kinds.CXX_METHOD)
    for child in cursor.get_children():
        place = child.location.file
        if place is not None and not str(place).startswith(own):
            continue
        inner = child if child.kind in callables else function
        if child.kind in (kinds.CXX_NEW_EXPR, kinds.CXX_DELETE_EXPR):
            found.append("dynamic memory")
        if child.kind == kinds.CXX_METHOD and child.is_virtual_method():
            found.append(f"{child.spelling} is virtual")
        if child.type.get_canonical().kind in (cindex.TypeKind.FLOAT, cindex.TypeKind.DOUBLE):
            found.append(f"{child.spelling or 'a number'} is a floating-point number")
        names = (kinds.CALL_EXPR, kinds.OVERLOADED_DECL_REF, kinds.DECL_REF_EXPR)
        if child.kind in names and function is not None and child.spelling == function.spelling:
            found.append(f"{function.spelling} calls itself")
        found += _walk(cindex, child, own, inner)
    return found


ALLOWED = {"bits_for calls itself", "write_all calls itself"}
"""Both are gone when the code is compiled: a constant expression, and a pack that gets shorter."""

ALL = "".join(f'#include "hw_bnn/{path.name}"\n' for path in HEADERS)


def test_kernels_have_nothing_that_cannot_be_hardware():
    assert set(language_faults(ALL)) == ALLOWED


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("int* f() { return new int[3]; }", "dynamic memory"),
        ("void f(int* p) { delete p; }", "dynamic memory"),
        ("struct S { virtual int g() { return 1; } };", "g is virtual"),
        ("int f(int a) { return (int)(a * 0.5); }", "a number is a floating-point number"),
        ("int f(int a) { float b = a; return b > 1; }", "b is a floating-point number"),
        ("int f(int a) { return a ? f(a - 1) : 0; }", "f calls itself"),
    ],
)
def test_planted_code_is_found(code, fault):
    assert fault in language_faults(ALL + code)


# -- scripts --


def run_tcl(folder: Path, launcher: str) -> tuple[int, str]:
    if shutil.which("tclsh") is None:
        pytest.skip("tclsh is not installed (Debian, Ubuntu: apt install tcl)")
    script = f"source {STUB}\nhw_bnn_stub {launcher}\nsource run_hls.tcl\n"
    run = subprocess.run(["tclsh"], input=script, cwd=folder, capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


@pytest.fixture
def scripts(tmp_path):
    shutil.copy(HLS_FILES / "vitis/run_hls.tcl", tmp_path)
    options = (
        "set hw_bnn_top bnn_accelerator_hls\n"
        "set hw_bnn_part xc7z020clg400-1\nset hw_bnn_clock_ns 10\n"
    )
    (tmp_path / "options.tcl").write_text(options)
    return tmp_path


LATER = ["set_part", "create_clock", "csim_design", "csynth_design", "export_design"]
FILES = ["set_top", "add_files", "add_files", "add_files"]


@pytest.mark.parametrize(
    ("launcher", "calls"),
    [
        ("projects", ["open_project", *FILES, "open_solution", *LATER]),
        ("components", ["open_component", *FILES, *LATER]),
    ],
)
def test_one_script_for_both_launchers(scripts, launcher, calls):
    assert run_tcl(scripts, launcher) == (0, " ".join(calls) + "\n")


def test_an_option_that_there_is_not_is_found(scripts):
    path = scripts / "run_hls.tcl"
    path.write_text(path.read_text().replace("-format ip_catalog", "-fromat ip_catalog"))
    assert "export_design has no option -fromat" in run_tcl(scripts, "projects")[1]
