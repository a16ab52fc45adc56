"""A csynth.xml as Vitis HLS 2022.2 writes them, of a manifest's processes: the elements that are
read, and around them some that are not. No Vitis wrote it."""

from __future__ import annotations

from xml.sax.saxutils import escape

from hw_bnn.hls.top import TOP

_HEAD = """<profile>
    <ReportVersion>
        <Version>2022.2</Version>
    </ReportVersion>
    <UserAssignments>
        <unit>ns</unit>
        <ProductFamily>zynq</ProductFamily>
        <Part>xc7z020-clg400-1</Part>
        <TopModelName>{top}</TopModelName>
        <TargetClockPeriod>10.00</TargetClockPeriod>
        <ClockUncertainty>2.70</ClockUncertainty>
        <FlowTarget>vivado</FlowTarget>
    </UserAssignments>
    <PerformanceEstimates>
        <PipelineType>dataflow</PipelineType>
        <SummaryOfTimingAnalysis>
            <unit>ns</unit>
            <EstimatedClockPeriod>{estimated}</EstimatedClockPeriod>
        </SummaryOfTimingAnalysis>
        <SummaryOfOverallLatency>
            <unit>clock cycles</unit>
            <Best-caseLatency>900</Best-caseLatency>
            <Average-caseLatency>undef</Average-caseLatency>
            <Worst-caseLatency>1000</Worst-caseLatency>
            <Worst-caseRealTimeLatency>10.000 us</Worst-caseRealTimeLatency>
            <DataflowPipelineThroughput>{interval}</DataflowPipelineThroughput>
            <Interval-min>{interval}</Interval-min>
            <Interval-max>{interval}</Interval-max>
        </SummaryOfOverallLatency>
    </PerformanceEstimates>
    <AreaEstimates>
        <Resources>
            <FF>298</FF> <LUT>582</LUT> <BRAM_18K>3</BRAM_18K> <DSP>0</DSP> <URAM>0</URAM>
        </Resources>
        <AvailableResources>
            <BRAM_18K>280</BRAM_18K> <DSP>220</DSP> <FF>106400</FF> <LUT>53200</LUT> <URAM>0</URAM>
        </AvailableResources>
    </AreaEstimates>
"""
_LOOP = """<SummaryOfLoopLatency>
                    <{name}>
                        <Name>{name}</Name>
                        <Slack>7.30</Slack>
                        <TripCount>{trips}</TripCount>
                        <Latency>{trips}</Latency>
                        <PipelineII>{ii}</PipelineII>
                        <PipelineDepth>3</PipelineDepth>
                        <PipelineType>yes(flp)</PipelineType>
                        <InstanceList/>
                    </{name}>
                </SummaryOfLoopLatency>"""
_MODULE = """        <Module>
            <Name>{name}</Name>
            <PerformanceEstimates>
                <SummaryOfTimingAnalysis>
                    <EstimatedClockPeriod>7.300</EstimatedClockPeriod>
                </SummaryOfTimingAnalysis>
                <SummaryOfOverallLatency>
                    <Worst-caseLatency>{interval}</Worst-caseLatency>
                    <PipelineInitiationInterval>{interval}</PipelineInitiationInterval>
                    <PipelineType>no</PipelineType>
                </SummaryOfOverallLatency>
                {loops}
            </PerformanceEstimates>
            <AreaEstimates>
                <Resources>
                    <FF>87</FF> <AVAIL_FF>106400</AVAIL_FF> <UTIL_FF>~0</UTIL_FF>
                    <LUT>291</LUT> <BRAM_18K>0</BRAM_18K> <{dsp}>2</{dsp}> <URAM>0</URAM>
                </Resources>
            </AreaEstimates>
        </Module>
"""


def csynth_xml(
    manifest: dict, *, top: str = TOP, estimated: str = "7.300", frames: int = 1,
    ii: dict[str, object] | None = None, trips: dict[str, object] | None = None,
    outlined: bool = False, without: str = "", dsp: str = "DSP",
) -> str:  # fmt: skip
    """Text of a report.

    Args:
        frames: of a call.
        ii, trips: process -> another initiation interval, another trip count.
        outlined: each loop stands in a module of its own below its process.
        without: a process that is not there.
    """
    modules, instances, widest = [], [], 0
    for process in manifest["processes"]:
        name, steps = process["name"], process["interval"] * frames
        if name == without:
            continue
        widest = max(widest, steps + 3)
        loop = _LOOP.format(name="VITIS_LOOP_49_1", ii=(ii or {}).get(name, 1),
                            trips=(trips or {}).get(name, steps))  # fmt: skip
        inner = f"{name}_Pipeline_VITIS_LOOP_49_1"
        modules.append(
            _MODULE.format(name=name, interval=steps + 3, loops="" if outlined else loop, dsp=dsp)
        )
        below = ""
        if outlined:
            modules.append(_MODULE.format(name=inner, interval=steps + 2, loops=loop, dsp=dsp))
            below = (f"<InstancesList><Instance><InstName>grp_{inner}_fu_40</InstName>"
                     f"<ModuleName>{inner}</ModuleName></Instance></InstancesList>")  # fmt: skip
        instances.append(f"                <Instance><InstName>{name}_U0</InstName>"
                         f"<ModuleName>{name}</ModuleName>{below}</Instance>\n")  # fmt: skip
    return (
        _HEAD.format(top=escape(top), estimated=estimated, interval=widest)
        + "    <RTLDesignHierarchy>\n        <TopModule MAX_DEPTH=\"3\">\n"
        + f"            <ModuleName>{top}</ModuleName>\n            <InstancesList>\n"
        + "".join(instances)
        + "            </InstancesList>\n        </TopModule>\n    </RTLDesignHierarchy>\n"
        + "    <ModuleInformation>\n" + "".join(modules) + "    </ModuleInformation>\n</profile>\n"
    )  # fmt: skip
