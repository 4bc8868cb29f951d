"""The list of targets that the service may send to: how an entry is written, and what it covers."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from service.errors import BadTargetError

Host = str | IPv4Address | IPv6Address

ANY = "*"
MAX_PORT = 65_535
DEFAULT_PORTS = {"http": 80, "https": 443}

_ENTRY = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?"
    r"(?P<host>\[[0-9a-f:.]+\](?:/\d{1,3})?|[^\s:/@?#\[\]\\%]+(?:/\d{1,2})?)"
    r"(?::(?P<port>\d{1,5}))?",
    re.IGNORECASE,
)
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_PROXY = re.compile(r"https?://[^\s/?#\\]+/?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AllowedTarget:
    """One entry of the list.

    Attributes
    ----------
    host
        A name, an address, or a network of addresses. A name that begins with a dot covers every name below
        it, and `ANY` covers every name and address.
    scheme, port
        ``None`` covers every one.
    proxy
        Address of the proxy that requests go through; empty to connect directly.
    """

    host: Host | IPv4Network | IPv6Network
    scheme: str | None = None
    port: int | None = None
    proxy: str = ""

    def covers(self, scheme: str, host: Host, port: int | None) -> bool:
        """Whether requests to a target are allowed by this entry.

        Names are compared as they are written, addresses with addresses; a name is never resolved.

        Parameters
        ----------
        host
            As `read_host` returns it.
        """
        if self.scheme not in {None, scheme} or self.port not in {None, port}:
            return False
        own = self.host
        if own == ANY:
            return True
        if isinstance(own, IPv4Network | IPv6Network):
            return not isinstance(host, str) and host in own
        if isinstance(own, str) and own.startswith("."):
            return isinstance(host, str) and host.endswith(own)
        return host == own


def read_target(entry: str, proxy: str = "") -> AllowedTarget:
    """Return an entry of the list that is written as ``[scheme://]host[:port]``.

    >>> read_target("https://*.example.internal:8443").covers("https", "hooks.example.internal", 8443)
    True
    >>> read_target("10.1.0.0/16").covers("http", read_host("0x0a010203"), 80)
    True

    Raises
    ------
    BadTargetError
        If the entry is written otherwise, or the proxy is not an address of http or https.
    """
    found = _ENTRY.fullmatch(entry)
    if found is None or not is_port(int(found["port"] or 1)):
        raise BadTargetError(entry, "write a host, with or without scheme:// and :port")
    if proxy and _PROXY.fullmatch(proxy) is None:
        raise BadTargetError(
            entry, "its proxy must be an address of http or https"
        )  # which may hold a secret
    scheme, port = found["scheme"], found["port"]
    return AllowedTarget(
        _host_of_entry(entry, found["host"]),
        None if scheme is None else scheme.lower(),
        None if port is None else int(port),
        proxy,
    )


def read_host(host: str) -> Host:
    """Return a host in the one form that is compared.

    An address in any of its forms, decimal, octal, hexadecimal, shortened or mapped into IPv6, becomes that
    address; a name gets small letters, and no dot at the end.

    >>> read_host("2130706433"), read_host("::ffff:127.0.0.1"), read_host("Hooks.Example.")
    (IPv4Address('127.0.0.1'), IPv4Address('127.0.0.1'), 'hooks.example')

    Raises
    ------
    ValueError
        If it is neither.
    """
    host = host.removesuffix(".")
    with suppress(ValueError):
        address = ip_address(host)
        return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
    with suppress(OSError):
        return IPv4Address(socket.inet_aton(host))
    if _NAME.fullmatch(host.lower()) is None:
        raise ValueError("the host is neither a name nor an address; write other letters as xn--…")
    return host.lower()


def is_port(number: int) -> bool:
    """Whether a number is that of a port."""
    return 1 <= number <= MAX_PORT


def _host_of_entry(entry: str, host: str) -> Host | IPv4Network | IPv6Network:
    host = host.replace("[", "").replace("]", "")
    try:
        if host == ANY:
            return ANY
        if "/" in host:
            return ip_network(host)
        if not host.startswith("*."):
            return read_host(host)
        parent = read_host(host.removeprefix("*."))
    except ValueError as error:
        raise BadTargetError(entry, str(error)) from error
    if not isinstance(parent, str):
        raise BadTargetError(entry, "a network is written as 10.1.0.0/16")
    return f".{parent}"
