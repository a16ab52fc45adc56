"""The first line of the report: passed or not, and what of the board it takes."""

from __future__ import annotations

from ..accelerator import Description
from ..accelerator.netlists import NetlistDocument
from ..compile.boards import BOARDS, NAMES, Budget, device_of, shell_of
from .documents import Verification
from .markup import Markup, text


def headline(
    accelerator: Description, verification: Verification | None, counted: NetlistDocument | None
) -> Markup:
    """PASS, FAIL or NOT VERIFIED, and the share of the board.

    Args:
        counted: what synthesis for Xilinx' 7 series counted, which goes before the estimate.
    """
    fits, board = _board(accelerator, counted)
    exact = None if verification is None else verification.exact
    if verification is None or exact is None:
        word, said, kind = "NOT VERIFIED", "nothing has been compared yet", "open"
    elif exact:
        stages = len(verification.mismatches)
        frames = max(verification.frames.values(), default=0)
        word, kind = "PASS", "good"
        said = f"bit-exact, {stages} stages, up to {frames:,} frames"
    else:
        wrong = {k: v for k, v in verification.mismatches.items() if v}
        told = ", ".join(
            f"{stage} in {n:,} of {verification.frames.get(stage, n):,} frames"
            for stage, n in wrong.items()
        )
        parts = [f"differs from the golden model: {told}"] if told else []
        parts += [f"stopped in {stage}" for stage in verification.failures]
        word, said, kind = "FAIL", "; ".join(parts) or "see below", "bad"
    if not fits:
        kind = "bad"
    parts = [f"<b>{word}</b>: {text(said)}", text(board)]
    return Markup(f'<p class="headline {kind}">{"; ".join(p for p in parts if p)}</p>')


def device(accelerator: Description) -> Budget | None:
    """What the accelerator's board holds, in the estimate's units; None where it is not known."""
    board = accelerator.board
    return device_of(board) if board is not None and board in BOARDS else None


def taken(accelerator: Description, counted: NetlistDocument | None) -> dict[str, float] | None:
    """LUTs, registers, block RAMs and DSP blocks, counted or else by estimate."""
    if counted is not None:
        return {kind: counted.total.get(kind, 0) for kind in NAMES}
    return None if accelerator.resources is None else accelerator.resources.model_dump()


def _board(accelerator: Description, counted: NetlistDocument | None) -> tuple[bool, str]:
    whole, needs = device(accelerator), taken(accelerator, counted)
    if whole is None or needs is None or accelerator.board is None:
        return True, ""
    shell, title = shell_of(accelerator.board), BOARDS[accelerator.board].title
    title, by = title or accelerator.board, "by synthesis" if counted else "by estimate"
    over = [
        name for kind, name in NAMES.items()
        if needs[kind] > getattr(whole, kind) - getattr(shell, kind)
    ]  # fmt: skip
    if over:
        return False, f"does not fit {title} beside its shell: too many {', '.join(over)} ({by})"
    shares = [
        f"{100 * needs[kind] / getattr(whole, kind):.1f} % of its {name}"
        for kind, name in NAMES.items() if needs[kind] and getattr(whole, kind)
    ]  # fmt: skip
    return True, f"fits {title}: {', '.join(shares)} ({by})"
