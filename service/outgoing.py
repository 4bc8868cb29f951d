"""The guard of everything that the service sends out: where to, and by which proxy.

Inside a firm the receivers are private addresses, and a proxy may resolve their names. So neither can tell a
good target from a bad one, and only a list can (docs/adr/0022).
"""

from __future__ import annotations

import ssl
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

import httpx2

from service.errors import BadAddressError, TargetNotAllowedError
from service.outgoing_targets import DEFAULT_PORTS, AllowedTarget, is_port, read_host, read_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.outgoing_targets import Host
    from service.settings import Settings

TIMEOUT_S = 10.0


class Outgoing:
    """Makes the clients of everything that is sent out, and refuses what is not allowed.

    Parameters
    ----------
    allowed
        Proxy by target, as the setting ``outgoing`` has them; the first entry that covers a target counts.
    configured
        Addresses in other settings, by the names of these. Without a list they are allowed, and nothing else;
        with one they must be on it.

    Raises
    ------
    BadTargetError
        If an entry of the list cannot be read.
    BadAddressError
        If an address in the settings cannot be read.
    TargetNotAllowedError
        If there is a list, and an address in the settings is not on it.
    """

    def __init__(self, allowed: Mapping[str, str], *, configured: Mapping[str, str] | None = None) -> None:
        self._has_list = bool(allowed)
        self._targets = [read_target(entry, proxy) for entry, proxy in allowed.items()]
        for setting, url in (configured or {}).items():
            if has_host(url):
                self._admit(url, setting)

    def check(self, url: str) -> AllowedTarget:
        """Return the entry that allows an address, with the proxy to use.

        It suits every address with a host, such as ``smtp://mail.example:25``.

        Raises
        ------
        BadAddressError
            If it is not an address.
        TargetNotAllowedError
            If no entry covers it.
        """
        scheme, host, port = _parts(url)
        for target in self._targets:
            if target.covers(scheme, host, port):
                return target
        raise TargetNotAllowedError(shown(url))

    def client(self, url: str, *, timeout_s: float = TIMEOUT_S) -> httpx2.Client:
        """Return a client for requests to the target of an address; its caller closes it.

        It follows no redirect, refuses requests to any other target, and checks certificates against those
        that the machine trusts. A proxy named in the environment is used only where there is no list, and
        never for this machine itself.

        Raises
        ------
        BadAddressError, TargetNotAllowedError
            As for `check`.
        """
        target = self.check(url)

        def stay(request: httpx2.Request) -> None:
            if self.check(str(request.url)) != target:
                raise TargetNotAllowedError(shown(str(request.url)))

        return httpx2.Client(
            timeout=timeout_s,
            proxy=target.proxy or None,
            trust_env=not self._has_list and not _is_near(target),
            follow_redirects=False,
            verify=ssl.create_default_context(),
            event_hooks={"request": [stay]},
        )

    def _admit(self, url: str, setting: str) -> None:
        """Allow an address in the settings where there is no list, or else check it."""
        try:
            if not self._has_list:
                scheme, host, port = _parts(url)
                self._targets.append(AllowedTarget(host, scheme, port))
            self.check(url)
        except BadAddressError as error:
            raise BadAddressError(setting) from error
        except TargetNotAllowedError as error:
            raise TargetNotAllowedError(error.target, setting=setting) from error


def outgoing_of(settings: Settings) -> Outgoing:
    """Return the guard that the settings ask for; errors are those of `Outgoing`."""
    return Outgoing(
        settings.outgoing,
        configured={
            "SUNSPOT_NOTIFY_URL": settings.notify_url,
            "SUNSPOT_PROMETHEUS_URL": settings.prometheus_url,
            "SUNSPOT_TRACKING_URI": settings.tracking_uri,
        }
        | {f"SUNSPOT_KAFKA_BROKERS ({each})": f"kafka://{each}" for each in settings.kafka_brokers},
    )


def has_host(address: str) -> bool:
    """Whether an address leads to a host, and not to a file of this machine.

    >>> has_host("https://mlflow.example"), has_host("sqlite:////var/lib/mlflow.db"), has_host("")
    (True, False, False)
    """
    _, separator, rest = address.partition("://")
    return bool(separator) and not rest.startswith("/")


def shown(url: str) -> str:
    """Return the part of an address that is no secret: scheme, host and port.

    >>> shown("https://me:secret@hooks.example/T0/B1/secret?token=secret")
    'https://hooks.example'
    """
    try:
        scheme, host, port = _parts(url)
    except BadAddressError:
        return "an address that cannot be read"
    name = f"[{host}]" if isinstance(host, IPv6Address) else str(host)
    return f"{scheme}://{name}" if port == DEFAULT_PORTS.get(scheme) else f"{scheme}://{name}:{port}"


def _parts(url: str) -> tuple[str, Host, int | None]:
    """Return scheme, host and port of an address."""
    if "\\" in url or not url.isprintable() or " " in url:  # another reader might see another host in it
        raise BadAddressError
    try:
        read = httpx2.URL(url)
        host = read_host(read.raw_host.decode("ascii"))  # the form that is connected to
    except (httpx2.InvalidURL, ValueError) as error:
        raise BadAddressError from error
    port = DEFAULT_PORTS.get(read.scheme) if read.port is None else read.port
    if port is not None and not is_port(port):
        raise BadAddressError
    return read.scheme, host, port


def _is_near(target: AllowedTarget) -> bool:
    """Whether a target is this machine: a proxy would look for it on its own."""
    return target.host == "localhost" or (not isinstance(target.host, str) and target.host.is_loopback)
