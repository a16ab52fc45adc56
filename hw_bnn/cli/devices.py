"""From an accelerator to a device: synth, hls, bitstream, deploy, board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import console
from .app import app, finish
from .options import Debug, Folder, Force, Frequency, Json, Seed, TimeOut, Trust


@app.command()
def synth(
    folder: Folder,
    family: Annotated[str, typer.Option(help="xc7, xcup or ecp5.")] = "xc7",
    pnr: Annotated[bool, typer.Option("--pnr", help="Place and route too (ecp5).")] = False,
    freq_mhz: Frequency = None,
    timeout_s: TimeOut = 3600,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Resources and timing with open tools (Yosys, nextpnr)."""
    from ..synth import synth

    with console.stage(f"synth ({family})"):
        document = synth(
            folder, family, pnr=pnr, freq_mhz=freq_mhz, timeout_s=timeout_s, trust=trust
        )
    finish(document, _show_resources, json)


def _show_resources(document: dict) -> None:
    kinds = list(document["total"])
    layers = [[name, *(n[k] for k in kinds)] for name, n in document["layers"].items()]
    rows = [*layers, ["all", *(document["total"][k] for k in kinds)]]
    title = f"{document['name']} on {document['part']}"
    console.table(title, ["layer", *kinds], rows, right=range(1, len(kinds) + 1))
    depth = document["depth"]
    console.out(f"longest path: {depth['lut_levels']} LUTs, about {depth['estimated_mhz']:g} MHz")
    if "pnr" in document:
        console.out(f"placed and routed: {document['pnr']['fmax_mhz']:g} MHz")


@app.command()
def hls(
    folder: Folder,
    least: Annotated[
        bool, typer.Option("--least", help="Least depths of streams between forks and joins.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Write no code: read Vitis' csynth.xml beside what is expected."),
    ] = None,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """C++ for Vitis HLS: kernels, top, test bench, scripts. In FOLDER/hls."""
    from ..hls import csynth
    from ..hls.write import hls

    with console.stage("hls"):
        document = hls(folder, least=least, report=report, trust=trust)
    finish(document, _show_hls if report is None else csynth.show, json)
    if report is not None and (error := csynth.failed(document)):
        raise error


def _show_hls(document: dict) -> None:
    rows = [
        [p["name"], p["kernel"], p["layer"] or "", p["interval"]] for p in document["processes"]
    ]
    console.table(
        f"HLS code of {document['accelerator']}", ["process", "kernel", "layer", "cycles"], rows
    )
    console.out(f"expected interval: {document['interval']} cycles a frame")


@app.command()
def bitstream(
    folder: Folder,
    board: Annotated[
        str, typer.Option(help="ulx3s, pynq-z1, pynq-z2, ultra96-v2, zcu104 or kv260.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write sources, run no tool.")] = False,
    freq_mhz: Frequency = None,
    timeout_s: Annotated[
        float | None, typer.Option(help="Limit for each tool; an hour, four for Vivado.")
    ] = None,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """A bitstream for a board: by open tools, or Vivado for a Zynq."""
    from ..boards.bitstream import bitstream

    with console.stage("bitstream"):
        document = bitstream(
            folder, board, dry_run=dry_run, freq_mhz=freq_mhz, timeout_s=timeout_s, trust=trust
        )
    finish(document, _show_bitstream, json)


def _show_bitstream(document: dict) -> None:
    rows = [
        [k, document[k]]
        for k in ("file", "freq_mhz", "fmax_mhz", "baud", "checked")
        if k in document
    ]
    for site, count in document.get("used", {}).items():
        share = f" ({count['used'] / count['available']:.1%})" if count["available"] else ""
        rows.append([site, f"{count['used']:,} of {count['available']:,}{share}"])
    rows += [[f"{kind} slack", f"{ns} ns"] for kind, ns in document.get("slack_ns", {}).items()]
    console.table(f"bitstream for {document['board']}", ["figure", "value"], rows)


@app.command()
def package(
    folder: Folder,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The folder to write; NAME_ip.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the example frame.")] = 0,
    force: Force = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """An IP for a Vivado or FuseSoC project of your own."""
    from ..boards.package import package

    document = package(folder, out, seed=seed, force=force)
    finish(document, _show_packaged, json)


def _show_packaged(document: dict) -> None:
    console.out(f"wrote {document['folder']}: {document['module']}, {len(document['files'])} files")
    console.out("package_ip.tcl makes the component in Vivado; README.md tells how")


@app.command()
def deploy(
    folder: Folder,
    board: Annotated[str, typer.Option(help="pynq-z1, pynq-z2, ultra96-v2, zcu104 or kv260.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The zip to write; NAME_BOARD.zip.")
    ] = None,
    weights: Annotated[
        list[Path] | None,
        typer.Option(help="An image of these to load: a folder of `hw-bnn weights`. Repeatable."),
    ] = None,
    frames: Annotated[int, typer.Option(help="Golden frames in the zip.")] = 64,
    seed: Seed = 0,
    simulated: Annotated[
        bool,
        typer.Option(
            "--simulated", help="For the simulated board: a stand-in where there is no bitstream."
        ),
    ] = False,
    trust: Trust = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """A zip for a PYNQ board: overlay, driver, vectors, notebook."""
    from ..boards.deploy import deploy

    document = deploy(
        folder, board, out, weights=weights or (), frames=frames, seed=seed, simulated=simulated,
        trust=trust,
    )  # fmt: skip
    finish(document, _show_deployed, json)


def _show_deployed(document: dict) -> None:
    console.out(
        f"wrote {document['zip']}: {len(document['files']) + 1} files for {document['board']}"
    )
    if not document["overlay"]:
        console.out("it holds no overlay: Vivado makes that (hw-bnn bitstream)")


@app.command()
def board(
    folder: Folder,
    board: Annotated[str, typer.Option(help="pynq-z1, pynq-z2, ultra96-v2, zcu104 or kv260.")],
    serve: Annotated[bool, typer.Option("--serve", help="Until interrupted.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="pynq knows 7967 only.")] = 7967,
    trust: Trust = False,
    debug: Debug = False,
) -> None:
    """A simulated board to which the real pynq connects."""
    from ..boards.remote.server import board as simulated

    simulated(folder, board, serve=serve, host=host, port=port, trust=trust, ready=_show_served)


def _show_served(address: str) -> None:
    console.out(f"PYNQ_REMOTE_DEVICES={address.rpartition(':')[0]} connects pynq to {address}")
