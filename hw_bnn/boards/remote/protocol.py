"""pynq's gRPC protocol (PYNQ.remote, pynq 3.1 to 4.0): its messages and services, as tables.

    Messages = messages()
    Messages["mmio.ReadRequest"](offset=0x40)

Only names, numbers and types go over the wire, so this is all that two programs have to agree on.
This file stands alone: it needs protobuf and Python 3.8. It has no module of generated code, since
one made by another version of protobuf is refused.
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PORT = 7967
"""Where pynq looks for a board."""

_TYPES = {"string": 9, "bytes": 12, "bool": 8, "int32": 5, "uint32": 13, "uint64": 4}

MESSAGES = {
    "remote_device": {
        "ReadFileRequest": "1 string file_path",
        "ReadFileResponse": "1 bytes data",
        "WriteFileRequest": "1 string file_path, 2 bytes data",
        "WriteFileResponse": "",
        "ExistsFileRequest": "1 string file_path",
        "ExistsFileResponse": "1 bool exists",
        "SetBitstreamAttrsRequest": "1 string binfile_name, 2 bool partial",
        "SetBitstreamAttrsResponse": "1 bool status",
    },
    "mmio": {
        "GetMmioRequest": "1 uint64 base_addr, 2 uint64 length",
        "GetMmioResponse": "1 bool status, 2 string msg, 3 string mmio_id",
        "ReadRequest": "1 string mmio_id, 2 uint64 length, 3 uint64 offset, 4 string word_order",
        "ReadResponse": "1 bool status, 2 string msg, 3 uint32 data",  # pynq 3.1 reads an int32
        "WriteRequest": "1 string mmio_id, 2 uint64 offset, 3 bytes data",
        "WriteResponse": "1 bool status, 2 string msg",
    },
    "buffer": {
        "AllocateRequest": "1 int32 size, 2 string dtype, 3 bool cacheable",
        "AllocateResponse": "2 string msg, 3 string buffer_id",
        "AddressRequest": "1 string buffer_id",
        "AddressResponse": "2 string msg, 3 uint64 address",
        "CacheableRequest": "1 string buffer_id",
        "CacheableResponse": "2 string msg, 3 bool cacheable",
        "InvalidateRequest": "1 string buffer_id",
        "InvalidateResponse": "2 string msg",
        "FlushRequest": "1 string buffer_id",
        "FlushResponse": "2 string msg",
        "BufferWriteRequest": "1 string buffer_id, 2 bytes data, 3 int32 start, 4 int32 end",
        "BufferWriteResponse": "2 string msg",
        "BufferReadRequest": "1 string buffer_id, 2 int32 start, 3 int32 end",
        "BufferReadResponse": "2 string msg, 3 bytes data",
        "FreeBufferRequest": "1 string buffer_id",
        "FreeBufferResponse": "2 string msg",
    },
}
"""Package -> message -> fields: number, type, name."""

ONE, STREAM = False, True
SERVICES = {
    "remote_device.RemoteDevice": {
        "existsfile": ("ExistsFile", ONE, ONE),
        "readfile": ("ReadFile", ONE, STREAM),
        "writefile": ("WriteFile", STREAM, ONE),
        "set_bitstream_attrs": ("SetBitstreamAttrs", ONE, ONE),
    },
    "mmio.Mmio": {
        "get_mmio": ("GetMmio", ONE, ONE),
        "read": ("Read", ONE, ONE),
        "write": ("Write", ONE, ONE),
    },
    "buffer.RemoteBuffer": {
        "allocate": ("Allocate", ONE, ONE),
        "write": ("BufferWrite", STREAM, ONE),
        "read": ("BufferRead", ONE, STREAM),
        "freebuffer": ("FreeBuffer", ONE, ONE),
        "flush": ("Flush", ONE, ONE),
        "invalidate": ("Invalidate", ONE, ONE),
        "physical_address": ("Address", ONE, ONE),
        "virtual_address": ("Address", ONE, ONE),
        "cacheable": ("Cacheable", ONE, ONE),
    },
}
"""Service -> call -> (message without Request and Response, streams of requests, of responses)."""


def messages():
    """Qualified name -> message class, of a pool of their own."""
    pool = descriptor_pool.DescriptorPool()
    result = {}
    for package, group in MESSAGES.items():
        file = descriptor_pb2.FileDescriptorProto(
            name=package + ".proto", package=package, syntax="proto3"
        )
        for name, fields in group.items():
            message = file.message_type.add(name=name)
            for field in filter(None, fields.split(", ")):
                number, kind, label = field.split(" ")
                message.field.add(name=label, number=int(number), type=_TYPES[kind], label=1)
        pool.Add(file)
        for name in group:
            qualified = f"{package}.{name}"
            descriptor = pool.FindMessageTypeByName(qualified)
            result[qualified] = _message_class(descriptor)
    return result


def _message_class(descriptor):
    made = getattr(message_factory, "GetMessageClass", None)
    if made is not None:
        return made(descriptor)
    return message_factory.MessageFactory().GetPrototype(descriptor)  # protobuf before 4.22
