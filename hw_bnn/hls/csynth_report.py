"""The report of a synthesis by Vitis HLS, csynth.xml, as numbers.

What is read of it:

    ReportVersion                      Version
    UserAssignments                    TopModelName, Part, TargetClockPeriod, ClockUncertainty (ns)
    PerformanceEstimates               EstimatedClockPeriod (ns), Worst-caseLatency and Interval-max
                                       (cycles)
    AreaEstimates/Resources            LUT, FF, BRAM_18K, DSP (older: DSP48E), URAM
    RTLDesignHierarchy                 ModuleName of each instance, nested in InstancesList
    ModuleInformation/Module           Name, and of each module the figures above, its
                                       PipelineInitiationInterval, and of each loop TripCount,
                                       PipelineII, PipelineDepth

Where the tool put a loop into a module of its own, that module stands below its function's in the
hierarchy. The shape is that of reports of 2022.2 which others have published.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from ..errors import BadInput
from ..files.given import open_file

LARGEST_BYTES = 64 << 20
REMEDY = "give the csynth.xml that csynth_design wrote (in syn/report)"

_RESOURCES = {"luts": ("LUT",), "ffs": ("FF",), "bram18s": ("BRAM_18K",), "dsps": ("DSP", "DSP48E"),
              "urams": ("URAM",)}  # fmt: skip


@dataclass(frozen=True)
class Loop:
    """trip_count: iterations a call; ii: cycles from one to the next; depth: of its pipeline; None
    where the tool does not know ("undef", "?")."""

    trip_count: int | None
    ii: int | None
    depth: int | None


@dataclass(frozen=True)
class Module:
    """interval: cycles from call to call; latency: cycles of a call; resources: with all below."""

    interval: int | None
    latency: int | None
    resources: dict[str, int | None]
    loops: list[Loop] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """A csynth.xml: clock in ns; below: module -> modules that it has instances of."""

    top: str
    version: str
    part: str
    clock_ns: float
    uncertainty_ns: float
    estimated_ns: float
    modules: dict[str, Module]
    below: dict[str, set[str]]
    whole: Module

    def loops(self, name: str) -> list[Loop]:
        """Those of a module and of all below it."""
        seen, waiting = [], [name]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.append(name)
                waiting += sorted(self.below.get(name, ()))
        return [loop for name in seen if name in self.modules for loop in self.modules[name].loops]


def read_report(path: str | Path) -> Report:
    """A csynth.xml.

    Raises:
        BadInput: it cannot be read, or is no such report.
    """
    root = _root(Path(path))

    def text(place: str) -> str:
        found = root.findtext(place)
        if found is None or not found.strip():
            raise BadInput(f"{path} is no report of a synthesis: it lacks {place}", remedy=REMEDY)
        return found.strip()

    def number(place: str) -> float:
        try:
            value = float(text(place))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise BadInput(f"{path}: {place} is no number", remedy=REMEDY)
        return value

    modules = {}
    below: dict[str, set[str]] = {}
    for element in root.iterfind("ModuleInformation/Module"):
        modules[(element.findtext("Name") or "").strip()] = _module(element)
    for place in (*root.iter("TopModule"), *root.iter("Instance")):
        parts = below.setdefault((place.findtext("ModuleName") or "").strip(), set())
        parts |= {(i.findtext("ModuleName") or "").strip() for i in
                  place.iterfind("InstancesList/Instance")}  # fmt: skip
    return Report(
        top=text("UserAssignments/TopModelName"),
        version=text("ReportVersion/Version"),
        part=text("UserAssignments/Part"),
        clock_ns=number("UserAssignments/TargetClockPeriod"),
        uncertainty_ns=number("UserAssignments/ClockUncertainty"),
        estimated_ns=number("PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"),
        modules=modules, below=below, whole=_module(root),
    )  # fmt: skip


def _root(path: Path) -> ElementTree.Element:
    try:
        with open_file(path) as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read ({error.strerror or error})", remedy=REMEDY
        ) from None
    try:
        if len(data) > LARGEST_BYTES:
            raise ValueError(f"larger than {LARGEST_BYTES >> 20} MiB")
        words = data.decode("utf-8")
        if "<!" in words.replace("<!--", ""):  # no report declares anything, entities least of all
            raise ValueError("a declaration in it")
        return ElementTree.fromstring(words)
    except (ValueError, ElementTree.ParseError) as error:
        reason = str(error) if not isinstance(error, UnicodeDecodeError) else "it is no UTF-8"
        raise BadInput(f"{path} is no report of a synthesis ({reason})", remedy=REMEDY) from None


def _module(element: ElementTree.Element) -> Module:
    """Of a Module, or of the whole report."""
    latency = "PerformanceEstimates/SummaryOfOverallLatency/"
    loops = element.find("PerformanceEstimates/SummaryOfLoopLatency")
    interval = _count(element, f"{latency}Interval-max")
    return Module(
        interval=_count(element, f"{latency}PipelineInitiationInterval") if interval is None
        else interval,
        latency=_count(element, f"{latency}Worst-caseLatency"),
        resources={name: _resource(element, tags) for name, tags in _RESOURCES.items()},
        loops=[] if loops is None else [
            Loop(*(_count(loop, tag) for tag in ("TripCount", "PipelineII", "PipelineDepth")))
            for loop in loops
        ],
    )  # fmt: skip


def _resource(element: ElementTree.Element, tags: tuple[str, ...]) -> int | None:
    """Under the first of the names that it has."""
    counts = (_count(element, f"AreaEstimates/Resources/{tag}") for tag in tags)
    return next((count for count in counts if count is not None), None)


def _count(element: ElementTree.Element, place: str) -> int | None:
    """A whole number, or the larger one of "low ~ high"; None where there is none."""
    words = (element.findtext(place) or "").replace("~", " ").split()
    known = words and all(word.isdecimal() and len(word) < 19 for word in words)
    return max(map(int, words)) if known else None
