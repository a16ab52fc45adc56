"""Every case of the support matrix: exact in all stages, or refused by name, nothing written."""

from __future__ import annotations

import onnx
import pytest

from hw_bnn.compile.frontend import import_model
from hw_bnn.errors import Unsupported
from tests.compile.compile_stages import check_rtl, check_stages
from tests.networks import support_matrix
from tests.networks.keras_network import keras_network
from tests.networks.support_cases import CASES

EXACT = [c for c in CASES if c.refused is None]
REFUSED = [c for c in CASES if c.refused is not None]


def names(cases):
    return {"argvalues": cases, "ids": [c.name for c in cases]}


def test_every_case_has_its_own_name():
    assert EXACT and REFUSED, "no module has registered its cases"
    assert len({c.name for c in CASES}) == len(CASES)


@pytest.mark.parametrize("case", **names(EXACT))
def test_exact(case):
    pytest.importorskip("finn")
    check_stages(case.build(), seed=1, frames=8)


@pytest.mark.parametrize("case", **names(REFUSED))
def test_refused(case, tmp_path):
    from hw_bnn.compile import compile_model

    path = tmp_path / "network.onnx"
    onnx.save(case.build(), path)
    with pytest.raises(Unsupported, match=case.refused) as error:
        compile_model(path, tmp_path / "out")
    assert error.value.exit_code == 2
    assert error.value.remedy, "what to do instead has to be said"
    assert (
        error.value.node or "graph" in error.value.reason or "float network" in error.value.reason
    )
    assert [p.name for p in tmp_path.iterdir()] == ["network.onnx"]


@pytest.mark.full
@pytest.mark.parametrize("case", **names(EXACT))
def test_exact_in_rtl(case, tmp_path):
    pytest.importorskip("finn")
    check_rtl(case.build(), tmp_path, seed=1)


@pytest.mark.slow
def test_keras_habits_in_rtl(tmp_path):
    pytest.importorskip("finn")
    check_rtl(keras_network(), tmp_path, seed=1, frames=100)


def test_the_page_is_fresh():
    page = support_matrix.PAGE.read_text() if support_matrix.PAGE.exists() else ""
    assert page == support_matrix.render(), "run python -m tests.networks.support_matrix"


def test_import_alone_accepts_every_exact_case():
    for case in EXACT:
        graph = import_model(case.build()).graph
        assert graph.ops, case.name
