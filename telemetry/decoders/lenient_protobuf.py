"""Messages of Protocol Buffers in which every text is bytes, whatever its encoding."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from telemetry.errors import BadBatchError

if TYPE_CHECKING:
    from google.protobuf.descriptor import FileDescriptor
    from google.protobuf.message import Message


def read_export(body: bytes, message: type[Message], *, max_bytes: int) -> Any:
    """An export request of OpenTelemetry's protocol, with bytes in place of each text.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes``, or is no such message.
    """
    if len(body) > max_bytes:
        raise BadBatchError(f"{len(body)} bytes are over the limit of {max_bytes}")
    try:
        return with_bytes(message).FromString(body)  # type: ignore[arg-type]  # classes are hashable
    except DecodeError as error:
        raise BadBatchError("it is not an export request of Protocol Buffers") from error


@cache
def with_bytes(message: type[Message]) -> type[Any]:
    """The message with bytes in place of each text.

    The parser refuses a request as a whole if one text in it is not UTF-8; senders do not check theirs.
    """
    pool = DescriptorPool()
    _add(pool, message.DESCRIPTOR.file, set())
    lenient: type[Any] = GetMessageClass(pool.FindMessageTypeByName(message.DESCRIPTOR.full_name))
    return lenient


def _add(pool: DescriptorPool, file: FileDescriptor, added: set[str]) -> None:
    if file.name in added:
        return
    added.add(file.name)
    for dependency in file.dependencies:
        _add(pool, dependency, added)
    described = FileDescriptorProto()
    file.CopyToProto(described)
    for message in described.message_type:
        for field in message.field:
            if field.type == FieldDescriptorProto.TYPE_STRING:
                field.type = FieldDescriptorProto.TYPE_BYTES
    pool.Add(described)
