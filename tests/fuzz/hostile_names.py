"""Names as files bring them: users' habits, what a tool's language would read, and code that
leaves a canary.

The payloads would make the file CANARY if a tool ran them.
"""

from __future__ import annotations

import os

CANARY = f"/tmp/hw_bnn_canary_{os.getuid()}"
"""A file that only code run by a tool would make."""

HABITS = (
    "global_in", "global_out", "global_out_1", "input", "input.1", "output", "scores", "label",
    "x", "t1",
    "module", "wire", "endmodule", "begin", "always_ff", "logic", "clk", "ap_clk", "rst",
    "bnn_fifo",
    "s_axis_tdata", "XnorMVAU_rtl_0", "StreamingFIFO_rtl_0", "Fork_rtl_0", "MultiThreshold_0",
    "class", "None",
    "a.b", "a/b", "a:b", "a-b", "a b", "a_b", "/model/layer.0/MatMul_output_0",
    "StatefulPartitionedCall:0",
    "1st", "42", "-1", "", " ", "_", "é中文", "x" * 300, "null", "nan", "../up", "/etc/passwd", "~",
    "*", "CON",
)  # fmt: skip

PAYLOADS = (
    f"a\nshell touch {CANARY}\n",
    f"a; !touch {CANARY}",
    f"a$(touch {CANARY})",
    f"a`touch {CANARY}`",
    f"a'; touch {CANARY}; '",
    f'a"; touch {CANARY}; "',
    f"a | touch {CANARY} #",
    f"a [exec touch {CANARY}]",
    f"a}}; exec touch {CANARY}; {{",
    f"a'''); __import__('os').system('touch {CANARY}') #",
    f"{{{{ cycler.__init__.__globals__.os.popen('touch {CANARY}').read() }}}}",
    f"{{% for c in range(9) %}} {CANARY} {{% endfor %}}",
    f'a; initial $system("touch {CANARY}"); //',
    f'a */ initial $system("touch {CANARY}"); /*',
    f'a\n`include "{CANARY}"\n',
    f"$(shell touch {CANARY})",
    f"a\\\ntouch {CANARY}\\\n",
    f"$TOUCH {CANARY} %n%s%x",
    f"../../../../../..{CANARY}",
    f"{CANARY}",
    "<script>alert(1)</script>",
    "a\x1b[31m\x1b]0;title\x07",
    "a\x00b",
    "a\r\nb\tc",
)

NAMES = HABITS + PAYLOADS
