"""Messages of Protocol Buffers in which every text is bytes, whatever its encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

if TYPE_CHECKING:
    from google.protobuf.descriptor import FileDescriptor
    from google.protobuf.message import Message


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
