"""Data for the tests that are marked `mnist` or `cifar10`, the folder named by HW_BNN_DATA; time
for those that are marked `full`; the order of files for several workers."""

import os
from collections import Counter
from pathlib import Path

import pytest

FILES = {"mnist": "MNIST/raw", "cifar10": "cifar-10-batches-py"}
FULL_SECONDS = 4 * 3600


@pytest.fixture
def data_root():
    """The folder of data sets, in torchvision's layout."""
    return Path(os.environ["HW_BNN_DATA"])


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory):
    """Folders are signed with a key of this session, never with the user's."""
    os.environ["HW_BNN_STATE"] = str(tmp_path_factory.mktemp("state"))


def pytest_runtest_setup(item):
    for marker, folder in FILES.items():
        if item.get_closest_marker(marker) is None:
            continue
        root = os.environ.get("HW_BNN_DATA")
        if not root or not (Path(root) / folder).is_dir():
            pytest.skip(f"needs {folder} in the folder named by HW_BNN_DATA")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("full") is not None:
            item.add_marker(pytest.mark.timeout(FULL_SECONDS))
    if "PYTEST_XDIST_WORKER" in os.environ:
        longest_files_first(items)


def longest_files_first(items):
    """Files with the most slow tests go to the workers first, so that none of them ends alone."""
    slow = Counter(
        item.path for item in items
        if item.get_closest_marker("slow") is not None and item.get_closest_marker("full") is None
    )  # fmt: skip
    items.sort(key=lambda item: -slow[item.path])
