"""Results of checks as JUnit XML, which continuous integration servers read.

>>> print(junit_xml("verify net.onnx", [Check("rtl == golden", 1.5, None)]).decode())
<?xml version='1.0' encoding='utf-8'?>
<testsuites tests="1" failures="0" time="1.500">
  <testsuite name="verify net.onnx" tests="1" failures="0" errors="0" skipped="0" time="1.500">
    <testcase classname="verify net.onnx" name="rtl == golden" time="1.500" />
  </testsuite>
</testsuites>
<BLANKLINE>
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as xml

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Check:
    """One check: its name, how long it took, and what failed (None: it passed)."""

    name: str
    seconds: float
    failure: str | None


def junit_xml(suite: str, checks: Sequence[Check]) -> bytes:
    """The document, UTF-8; characters that XML cannot hold become question marks."""
    failures = sum(check.failure is not None for check in checks)
    seconds = f"{sum(check.seconds for check in checks):.3f}"
    counts = {"tests": str(len(checks)), "failures": str(failures)}
    root = xml.Element("testsuites", {**counts, "time": seconds})
    node = xml.SubElement(
        root,
        "testsuite",
        {"name": _clean(suite), **counts, "errors": "0", "skipped": "0", "time": seconds},
    )
    for check in checks:
        item = xml.SubElement(
            node,
            "testcase",
            {
                "classname": _clean(suite),
                "name": _clean(check.name),
                "time": f"{check.seconds:.3f}",
            },
        )
        if check.failure is not None:
            message = _clean(check.failure)
            xml.SubElement(item, "failure", {"message": message.split("\n")[0]}).text = message
    xml.indent(root)
    return xml.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("?", text)
