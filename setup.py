"""The packages: those under hw_bnn/, and folders of data that ship inside it under another name."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["hw_bnn*"]), "hw_bnn.hls_files", "hw_bnn.board_files"])
