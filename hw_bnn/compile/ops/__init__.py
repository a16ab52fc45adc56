"""Our FINN custom ops; importing this package registers them."""

from . import argmax, maps, mvau, streams, thresholding  # noqa: F401
