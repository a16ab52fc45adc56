"""regs.yaml: what is generated from it is fresh, and what cannot be is refused."""

import pytest

from hw_bnn.boards import registers


@pytest.mark.parametrize("path", registers.generated(registers.load()), ids=lambda path: path.name)
def test_generated_files_are_what_the_yaml_file_makes(path):
    assert path.read_text() == registers.generated(registers.load())[path], (
        "run python -m hw_bnn.boards.registers"
    )


def test_control_registers_stand_where_hls_puts_them():
    """Vitis HLS, UG1399: ap_ctrl_hs at 0x00, GIER, IER, ISR; FINN's drivers start, poll by them."""
    shell = registers.load()
    assert [shell[name].offset for name in ("CTRL", "GIER", "IER", "ISR")] == [0, 4, 8, 12]
    fields = shell["CTRL"].fields
    assert [fields[name].mask for name in ("START", "DONE", "IDLE", "READY")] == [1, 2, 4, 8]


@pytest.mark.parametrize(
    "old, new, reason",
    [
        ("offset: 0x04", "offset: 0x06", "no multiple of 4"),
        ("offset: 0x08", "offset: 0x04", "offset taken"),
        ("offset: 0x60", "offset: 0x1000", "outside"),
        ("name: DONE, bits: [1]", "name: DONE, bits: [0]", "overlaps"),
        ("name: VERSION\n", "name: ID\n", "twice"),
        ("offset: 0x14, access: rw", "offset: 0x14, access: wr", "access"),
    ],
)
def test_a_map_that_cannot_be_is_refused(old, new, reason, tmp_path):
    text = registers.SOURCE.read_text()
    assert old in text
    (tmp_path / "regs.yaml").write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=reason):
        registers.load(tmp_path / "regs.yaml")
