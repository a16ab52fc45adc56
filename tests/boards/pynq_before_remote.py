"""The program of pynq_program.py for pynq before 3.1, which knows no remote boards.

A device below pynq's public interface passes register accesses, buffers and downloads on to the
simulated board's server; pynq itself (Overlay, MMIO, allocate, register_map, Clocks, its parser) is
unmodified.

    python pynq_before_remote.py DEPLOYED X.npy RESULTS.npz PROTOCOL armv7l|aarch64

PROTOCOL is hw_bnn/boards/remote/protocol.py, which stands alone.
"""

import importlib.util
import os
import sys
import warnings

warnings.simplefilter("ignore")  # of pynq's own imports

import grpc  # noqa: E402
import numpy as np  # noqa: E402
import pynq.ps  # noqa: E402

pynq.ps.CPU_ARCH = sys.argv[5]  # this program runs on another machine than its board
pynq.ps.CPU_ARCH_IS_SUPPORTED = True

import pynq  # noqa: E402
from pynq.pl_server import device as devices  # noqa: E402
from pynq.pl_server import hwh_parser  # noqa: E402
from pynq_program import main  # noqa: E402

spec = importlib.util.spec_from_file_location("protocol", sys.argv[4])
protocol = importlib.util.module_from_spec(spec)
spec.loader.exec_module(protocol)
KINDS = protocol.messages()
CHANNEL = grpc.insecure_channel(f"{os.environ['PYNQ_REMOTE_DEVICES']}:{protocol.PORT}")


def call(service, name, *parts):
    """One call; `parts` are the fields of each request."""
    package = service.split(".")[0]
    message, many_in, many_out = protocol.SERVICES[service][name]
    request = KINDS[f"{package}.{message}Request"]
    kind = f"{'stream' if many_in else 'unary'}_{'stream' if many_out else 'unary'}"
    send = getattr(CHANNEL, kind)(
        f"/{service}/{name}",
        request.SerializeToString,
        KINDS[f"{package}.{message}Response"].FromString,
    )
    made = [request(**part) for part in parts]
    result = send(iter(made) if many_in else made[0])
    for one in [] if many_out else [result]:
        if getattr(one, "msg", ""):
            raise RuntimeError(one.msg)
    return list(result) if many_out else result


class Buffer(np.ndarray):
    """Host memory, and the board's beside it."""

    def flush(self):
        call("buffer.RemoteBuffer", "write", {"buffer_id": self.name, "data": self.tobytes()})
        call("buffer.RemoteBuffer", "flush", {"buffer_id": self.name})

    def invalidate(self):
        call("buffer.RemoteBuffer", "invalidate", {"buffer_id": self.name})
        parts = call("buffer.RemoteBuffer", "read", {"buffer_id": self.name})
        self[:] = np.frombuffer(b"".join(part.data for part in parts), np.uint8)

    def freebuffer(self):
        call("buffer.RemoteBuffer", "freebuffer", {"buffer_id": self.name})


class SimulatedDevice(devices.Device):
    """Registers, buffers and bitstreams of the served board."""

    def __init__(self):
        super().__init__("simulated")
        self.capabilities = {"REGISTER_RW": True}
        self.windows = {}

    def window(self, address):
        page = address & ~0xFFF
        if page not in self.windows:
            found = call("mmio.Mmio", "get_mmio", {"base_addr": page, "length": 4096})
            self.windows[page] = found.mmio_id
        return {"mmio_id": self.windows[page], "offset": address - page}

    def read_registers(self, address, length):
        words = [
            call("mmio.Mmio", "read", dict(self.window(address + at), length=4)).data
            for at in range(0, length, 4)
        ]
        return b"".join(word.to_bytes(4, "little") for word in words)[:length]

    def write_registers(self, address, data):
        call("mmio.Mmio", "write", dict(self.window(address), data=bytes(data)))

    def allocate(self, shape, dtype, **kwargs):
        made = np.zeros(shape, dtype).view(Buffer)
        asked = {"size": made.nbytes, "dtype": "u1"}
        made.name = call("buffer.RemoteBuffer", "allocate", asked).buffer_id
        where = call("buffer.RemoteBuffer", "physical_address", {"buffer_id": made.name})
        made.device_address = where.address
        return made

    def get_bitfile_metadata(self, bitfile_name, partial=False):
        hwh = os.path.splitext(bitfile_name)[0] + ".hwh"
        if hasattr(devices.Device, "set_bitfile_name"):  # from 3.0 on: its default parser
            from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
            from pynqmetadata.frontends import Metadata

            parser = RuntimeMetadataParser(Metadata(input=hwh))
            parser.refresh_hierarchy_dict()
            return parser
        kinds = {"armv7l": hwh_parser._HWHZynq, "aarch64": hwh_parser._HWHUltrascale}
        return kinds[pynq.ps.CPU_ARCH](hwh)

    def download(self, bitstream, parser=None):
        with open(bitstream.bitfile_name, "rb") as file:
            content = file.read()
        for path, data in (
            ("/lib/firmware/x.bin", content),
            ("/sys/class/fpga_manager/fpga0/flags", b"0"),
            ("/sys/class/fpga_manager/fpga0/firmware", b"x.bin"),
        ):
            call("remote_device.RemoteDevice", "writefile", {"file_path": path, "data": data})
        self.post_download(bitstream, parser)


if __name__ == "__main__":
    devices.Device.active_device = SimulatedDevice()
    main(*sys.argv[1:4])
