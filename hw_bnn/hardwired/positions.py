"""Thresholds that differ by position: what makes up for exact zeros around a map of bits.

A padded element goes in as -1, and each position of the window has the thresholds that make up for
it. They depend on the row and the column of the output pixel, each of which is one of few kinds (at
the upper edge, within, ...): the sums of a layer are compared with constants chosen by both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Positions:
    """Thresholds of a map's pixels.

    tables: int64 (kinds of rows, kinds of columns, neurons). rows, columns: the kind of each.
    """

    tables: np.ndarray
    rows: np.ndarray
    columns: np.ndarray

    @classmethod
    def of(cls, sets: Sequence[np.ndarray], index: np.ndarray, width: int) -> Positions:
        """From thresholds (neurons,) a set, and each pixel's set (row by row, `width` a row)."""
        grid = np.asarray(index).reshape(-1, width)
        _, first_row, rows = np.unique(grid, axis=0, return_index=True, return_inverse=True)
        _, first_column, columns = np.unique(grid, axis=1, return_index=True, return_inverse=True)
        tables = np.stack(sets)[grid[np.ix_(first_row, first_column)]]
        return cls(tables, rows.reshape(-1), columns.reshape(-1))

    @property
    def state_bits(self) -> tuple[int, int]:
        """Bits of the counters, and of the kinds that they choose."""
        counted = _bits(len(self.rows)) + _bits(len(self.columns))
        return counted, _bits(self.tables.shape[0]) + _bits(self.tables.shape[1])


def _bits(n: int) -> int:
    return max(n - 1, 1).bit_length()


def compare_module(name: str, positions: Positions, sum_bits: int, delay: int) -> str:
    """SystemVerilog of y[n] = (sums[n] >= threshold of n at the pixel's position).

    Ports: ap_clk, ap_rst_n, ce, taken (a pixel's vector goes in in this cycle), sums (signed, of
    `sum_bits` each, `delay` enabled cycles behind their vector), y (one more behind).
    """
    neurons = positions.tables.shape[2]
    return f"""\
// {name}: sums of a hard-wired layer against thresholds by position, generated.
//
//   y[n] = (sums[n] >= threshold[kind of row][kind of column][n])
//
// Latency 1 enabled cycle from the sums, initiation interval 1. The pixel that goes in is counted;
// what its row and column are waits {delay} enabled cycles for its sums.
module {name} (
    input  logic ap_clk,
    input  logic ap_rst_n,
    input  logic ce,
    input  logic taken,
    input  logic [{neurons * sum_bits - 1}:0] sums,
    output logic [{neurons - 1}:0] y
);
{_kinds(positions, delay)}
{_comparison(positions.tables, sum_bits)}
endmodule : {name}
"""


def _kinds(positions: Positions, delay: int) -> str:
    """`kinds`: the kinds of row and column of the pixel whose sums are there."""
    row_bits, column_bits = _bits(len(positions.rows)), _bits(len(positions.columns))
    r_bits, c_bits = (_bits(n) for n in positions.tables.shape[:2])
    bits = r_bits + c_bits
    return f"""\
  logic [{row_bits - 1}:0] row;
  logic [{column_bits - 1}:0] column;
  logic [{r_bits - 1}:0] row_kind;
  logic [{c_bits - 1}:0] column_kind;
  logic last_row, last_column;
  assign last_row = row == {row_bits}'d{len(positions.rows) - 1};
  assign last_column = column == {column_bits}'d{len(positions.columns) - 1};
  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      row <= '0;
      column <= '0;
    end else if (taken) begin
      column <= last_column ? '0 : column + 1'b1;
      if (last_column) row <= last_row ? '0 : row + 1'b1;
    end
  end
  always_comb begin
    case (row)
{_chosen("row_kind", positions.rows, row_bits, r_bits)}
    endcase
    case (column)
{_chosen("column_kind", positions.columns, column_bits, c_bits)}
    endcase
  end

  logic [{delay * bits - 1}:0] waiting;
  logic [{bits - 1}:0] kinds;
  assign kinds = waiting[{delay * bits - 1}:{(delay - 1) * bits}];
  always_ff @(posedge ap_clk)
    if (ce) waiting <= {delay * bits}'({{waiting, row_kind, column_kind}});
"""


def _comparison(tables: np.ndarray, sum_bits: int) -> str:
    """`y` of `sums` and `kinds`."""
    rows, columns, neurons = tables.shape
    wide = sum_bits + 1  # one above the largest sum: never
    constants = np.clip(tables, -(1 << sum_bits - 1), 1 << sum_bits - 1)
    cases = "\n".join(
        f"      {{{_bits(rows)}'d{r}, {_bits(columns)}'d{c}}}: "
        f"limits = {_number(constants[r, c], wide)};"
        for r in range(rows)
        for c in range(columns)
    )
    return f"""\
  logic [{neurons * wide - 1}:0] limits;
  always_comb begin
    case (kinds)
{cases}
      default: limits = '0;
    endcase
  end
  for (genvar n = 0; n < {neurons}; n++) begin : g_neuron
    always_ff @(posedge ap_clk)
      if (ce) y[n] <= $signed(sums[n*{sum_bits}+:{sum_bits}]) >= $signed(limits[n*{wide}+:{wide}]);
  end"""


def _number(values: np.ndarray, bits: int) -> str:
    """A literal of all values, two's complement, the first in the lowest bits."""
    whole = sum((int(v) & (1 << bits) - 1) << i * bits for i, v in enumerate(values))
    return f"{len(values) * bits}'h{whole:x}"


def _chosen(name: str, kinds: np.ndarray, bits: int, kind_bits: int) -> str:
    """Cases of a counter: those that are not of the commonest kind."""
    common = int(np.bincount(kinds).argmax())
    lines = [
        f"      {bits}'d{i}: {name} = {kind_bits}'d{kind};"
        for i, kind in enumerate(kinds.tolist())
        if kind != common
    ]
    return "\n".join([*lines, f"      default: {name} = {kind_bits}'d{common};"])
