"""High-level synthesis: C++ twins of the kernels, and an accelerator's top made of them.

The C++ itself stands in the repository's folder `hls/`, which is installed as the package
`hw_bnn.hls_files`.
"""

from importlib.resources import files
from pathlib import Path

HLS_FILES = Path(str(files("hw_bnn.hls_files").joinpath("__init__.py"))).parent
"""The folder with include/, csim/ and vitis/."""
