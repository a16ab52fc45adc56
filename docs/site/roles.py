"""Docstrings' roles (:func:`name`) as plain code, where a page is made of them."""

from __future__ import annotations

import re

from griffe import Extension


class Roles(Extension):
    """Rewrites each docstring that is read."""

    def on_instance(self, *, obj, **_) -> None:
        """`:func:`hw_bnn.frames.load_frames`` becomes `load_frames` in code."""
        if obj.docstring:
            text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", obj.docstring.value)
            obj.docstring.value = text
