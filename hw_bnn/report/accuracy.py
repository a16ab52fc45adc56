"""The labels: the confusion matrix, histograms of raw scores, frames that are taken for others."""

from __future__ import annotations

from ..accelerator import Description
from .charts import figure, histogram, matrix, picture
from .documents import Labels
from .markup import Markup, section, table

MOST_COLUMNS, MOST_PAIRS = 20, 10


def labels_section(accelerator: Description, labels: Labels | None) -> Markup:
    """The section; nothing where no labels are known."""
    if labels is None:
        return Markup("")
    parts = [_confusion(labels.confusion or [])]
    if labels.scores is not None:
        scores = labels.scores
        series = {"of the label said": scores.said, "of the others": scores.others}
        parts.append(histogram("share of raw scores, by value", scores.low, scores.high, series))
    parts.append(_wrong(accelerator, labels))
    return section("Labels", *(part for part in parts if part))


def _confusion(confusion: list[list[int]]) -> Markup:
    if confusion and len(confusion) <= MOST_COLUMNS:
        return matrix("frames by label and by what the golden model says", confusion)
    pairs = [
        (count, label, said)
        for label, row in enumerate(confusion)
        for said, count in enumerate(row)
        if count and said != label
    ]
    most = sorted(pairs, key=lambda pair: (-pair[0], pair))[:MOST_PAIRS]
    columns = ["label", "taken for", "frames"]
    return table("labels confused most often", columns, [[a, b, n] for n, a, b in most])


def _wrong(accelerator: Description, labels: Labels) -> Markup:
    """The pictures of frames that are taken for another label, where they are pictures; white is
    the largest value in any of them, as few use all of the input's type."""
    port, found = accelerator.input, ""
    white = max((max(w.x) for w in labels.wrong if w.x), default=port.maximum)
    for wrong in labels.wrong:
        seen = picture(wrong.x or [], port.stream_shape, port.minimum, white)
        if seen:
            found += figure(f"frame {wrong.frame:,}: {wrong.label}, said {wrong.said}", seen)
    return Markup(
        f'<h3>Taken for another label</h3><div class="pictures">{found}</div>' * bool(found)
    )
