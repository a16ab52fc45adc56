"""xnor_mvau as DSLX, the language of the open synthesis tool XLS: a proc with two channels.

    y[c] as at the head of rtl/bnn_xnor_mvau.sv; one step of the proc is one step of the folding.

Weights and thresholds are constants of the text. Threshold sets by position and MMV have no form
here.
"""

from __future__ import annotations

from ..errors import Unsupported
from ..kernels.base import Parameters
from ..kernels.xnor_mvau import XnorMvau

PROC = "mvau"


def xnor_mvau(parameters: Parameters, weights: list[str], thresholds: list[str], node: str) -> str:
    """DSLX text of one node.

    Args:
        parameters: of the SystemVerilog module.
        weights, thresholds: lines of its memory files.

    Raises:
        Unsupported: threshold sets by position, several pixels at once (MMV).
    """
    kernel = XnorMvau()
    p = kernel.values(parameters)
    for what, number in (("thresholds by position", "N_SETS"), ("several pixels at once", "MMV")):
        if p[number] > 1:
            raise Unsupported(f"{what} have no DSLX form", node=node,
                              remedy="keep the SystemVerilog of this node")  # fmt: skip
    pe, simd, nf, sf = p["PE"], p["SIMD"], p["MH"] // p["PE"], p["MW"] // p["SIMD"]
    acc, out = p["MW"].bit_length(), pe * p["OUT_BITS"]
    rows, places = nf * sf, (max(1, (nf - 1).bit_length()), max(1, (sf - 1).bit_length()))
    lines = [
        "import std;",
        "",
        _table("WEIGHTS", pe * simd, weights),
        *([_table("LIMITS", kernel.memory("THRESHOLDS_FILE", parameters).word_bits, thresholds)]
          if p["N_THRESHOLDS"] else []),
        "",
        f"pub proc {PROC} {{",
        f"  s: chan<uN[{simd}]> in;",
        f"  m: chan<uN[{out}]> out;",
        f"  config(s: chan<uN[{simd}]> in, m: chan<uN[{out}]> out) {{ (s, m) }}",
        f"  init {{ (uN[{places[0]}]:0, uN[{places[1]}]:0, "
        f"uN[{simd}][{sf}]:[{_zeros(simd, sf)}], uN[{acc}][{pe}]:[{_zeros(acc, pe)}]) }}",
        f"  next(state: (uN[{places[0]}], uN[{places[1]}], uN[{simd}][{sf}], uN[{acc}][{pe}])) {{",
        "    let (nf, sf, kept, sums) = state;",
        f"    let first = nf == uN[{places[0]}]:0;",
        f"    let (tok, given) = recv_if(join(), s, first, uN[{simd}]:0);",
        "    let x = if first { given } else { kept[sf] };",
        "    let kept = if first { update(kept, sf, x) } else { kept };",
        f"    let row = WEIGHTS[(nf as u32) * u32:{sf} + (sf as u32)];" if rows > 1
        else "    let row = WEIGHTS[u32:0];",
        f"    let start = sf == uN[{places[1]}]:0;",
        f"    let last = sf == uN[{places[1]}]:{sf - 1};",
        *_lanes(p, acc, simd, kernel.threshold_bits(p)),
        f"    let sums = uN[{acc}][{pe}]:[{', '.join(f'p{i}' for i in range(pe))}];",
        f"    send_if(tok, m, last, {' ++ '.join(f'y{i}' for i in reversed(range(pe)))});",
        f"    let nf_next = if nf == uN[{places[0]}]:{nf - 1} {{ uN[{places[0]}]:0 }} "
        f"else {{ nf + uN[{places[0]}]:1 }};",
        f"    (if last {{ nf_next }} else {{ nf }}, "
        f"if last {{ uN[{places[1]}]:0 }} else {{ sf + uN[{places[1]}]:1 }}, kept, sums)",
        "  }",
        "}",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _lanes(p: dict[str, int], acc: int, simd: int, bits: int) -> list[str]:
    """p<i>: the popcount so far; y<i>: the output element, of each lane."""
    lines, out = [], p["OUT_BITS"]
    if p["N_THRESHOLDS"]:
        lines.append("    let limits = LIMITS[nf as u32];")
    for i in range(p["PE"]):
        low = i * simd
        lines += [
            f"    let agree{i} = !(x ^ row[{low}:{low + simd}]);",
            f"    let p{i} = (if start {{ uN[{acc}]:0 }} else {{ sums[u32:{i}] }}) "
            f"+ (std::popcount(agree{i}) as uN[{acc}]);",
        ]
        if not p["N_THRESHOLDS"]:
            lines.append(f"    let y{i} = ((p{i} as uN[{out}]) << 1) - uN[{out}]:{p['MW']};")
            continue
        reached = []
        for t in range(p["N_THRESHOLDS"]):
            at = (i * p["N_THRESHOLDS"] + t) * bits
            reached.append(f"((p{i} as uN[{bits}]) >= limits[{at}:{at + bits}]) as uN[{out}]")
        bias = f"uN[{out}]:{p['OUT_BIAS'] % (1 << out)}" if out > 1 else f"uN[{out}]:0"
        lines.append(f"    let y{i} = {bias} + ({') + ('.join(reached)});")
    return lines


def _table(name: str, bits: int, words: list[str]) -> str:
    held = ", ".join(f"uN[{bits}]:{int(word, 16):#x}" for word in words)
    return f"const {name} = uN[{bits}][{len(words)}]:[{held}];"


def _zeros(bits: int, count: int) -> str:
    return ", ".join([f"uN[{bits}]:0"] * count)
