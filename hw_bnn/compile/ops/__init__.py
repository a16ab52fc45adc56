"""Our FINN custom ops; importing this package registers them."""

from . import argmax, hardwired, maps, mvau, streams, thresholding  # noqa: F401
