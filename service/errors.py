"""What can go wrong in the service, apart from the errors of the packages below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class BadJsonError(ValueError):
    """A body that is not JSON."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the body is not JSON: {reason}")
        self.reason = reason


class BadWebhookError(ValueError):
    """A JSON document that is not an alert webhook."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not an alert webhook: {reason}")
        self.reason = reason


class BodyTooLargeError(ValueError):
    """A body over the limit, packed or unpacked."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the body is longer than {limit_bytes:,} bytes")
        self.limit_bytes = limit_bytes


class BusyError(RuntimeError):
    """A request for which there is no room at present; its sender should try again soon."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"busy: {reason}; try again in a second")
        self.reason = reason


class BadEncodingError(ValueError):
    """A body whose encoding is not supported, or is not the one in its header."""

    def __init__(self, encoding: str, reason: str) -> None:
        super().__init__(f"cannot unpack the body as {encoding!r}: {reason}")
        self.encoding = encoding
        self.reason = reason


class BadMediaTypeError(ValueError):
    """A body of a media type that is not supported."""

    def __init__(self, media_type: str, expected: str = "JSON") -> None:
        super().__init__(f"cannot read a body of {media_type!r}: have it sent as {expected}")
        self.media_type = media_type


class TooManySeriesError(RuntimeError):
    """A batch of new series for which memory has no room; nothing of it was stored."""

    def __init__(self, sender: str, *, n_series: int, n_held: int) -> None:
        super().__init__(
            f"there is no room for any of these {n_series:,} new series: {sender!r} has {n_held:,} "
            "in memory; send fewer, or try again in a minute"
        )
        self.sender = sender
        self.n_series = n_series
        self.n_held = n_held


class PartlyRejectedError(ValueError):
    """A body of which some samples cannot be stored; the others are. To send it again would not help.

    Attributes
    ----------
    headers
        Headers of the answer: what was written.
    """

    def __init__(self, reason: str, headers: Mapping[str, str]) -> None:
        super().__init__(reason)
        self.headers = headers


class UnknownIncidentError(LookupError):
    """The number of an incident that does not exist."""

    def __init__(self, incident: int | str) -> None:
        super().__init__(f"there is no incident {incident}")
        self.incident = incident


class UnknownMaintenanceError(LookupError):
    """The number of a window of maintenance that does not exist."""

    def __init__(self, window: int | str) -> None:
        super().__init__(f"there is no window of maintenance {window}")
        self.window = window


class BadVerdictError(ValueError):
    """A verdict with too many causes, or one without a usable name."""


class BadFormError(ValueError):
    """A form that is not one of the pages' own."""


class StoreUnavailableError(OSError):
    """The store cannot be written or read at present; the sender should try again."""


class NoTurnError(StoreUnavailableError):
    """A writer for whom no turn came; the sender should try again in a moment."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the service is busy: {reason}")


class NewerStoreError(StoreUnavailableError):
    """A store's file that a later version of Sunspot wrote."""

    def __init__(self, revision: str, written_by: str, *, newest: str, running: str) -> None:
        super().__init__(
            f"the store was written by Sunspot {written_by} at revision {revision}, and this is Sunspot "
            f"{running}, which knows revisions up to {newest}: run the newer version, or restore a backup"
        )
        self.revision = revision
        self.written_by = written_by


class UnreadableStoreError(StoreUnavailableError):
    """A store's file whose tables do not match its revision."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the store cannot be used as it is: {reason}; restore a backup")
        self.reason = reason


class BrokenAuditError(ValueError):
    """A row of the audit that does not fit into its chain."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"row {position} of the audit is the first that is wrong: {reason}")
        self.position = position
        self.reason = reason


class TargetDownError(OSError):
    """A target of messages that does not answer, or asks to be tried later."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MessageRefusedError(ValueError):
    """A message that its target refused."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadTargetError(ValueError):
    """An entry of the list of outgoing targets that cannot be read."""

    def __init__(self, entry: str, reason: str) -> None:
        super().__init__(f"cannot read the outgoing target {entry.rpartition('@')[2]!r}: {reason}")
        self.reason = reason


class BadAddressError(ValueError):
    """Text that is not the address of a host; it is not repeated, because it may hold a secret."""

    def __init__(self, setting: str = "") -> None:
        super().__init__(f"{setting}: the address is not one" if setting else "the address is not one")
        self.setting = setting


class TargetNotAllowedError(PermissionError):
    """An address that the service may not send to."""

    def __init__(self, target: str, *, setting: str = "") -> None:
        super().__init__(
            f"{setting} is {target}, which SUNSPOT_OUTGOING does not list"
            if setting
            else f"nothing is sent to {target}: SUNSPOT_OUTGOING does not allow it"
        )
        self.target = target
        self.setting = setting


class NoTokenError(PermissionError):
    """A request without a valid token or session where one is needed."""

    def __init__(self) -> None:
        super().__init__(
            "a valid bearer token is needed, or a person who signed in: see `sunspot token --help`"
        )


class MissingScopeError(PermissionError):
    """A sender who may not do what was asked."""

    def __init__(self, sender: str, scope: str) -> None:
        super().__init__(f"{sender!r} lacks the scope {scope!r}")
        self.sender = sender
        self.scope = scope


class NotOfYourTeamsError(PermissionError):
    """A change to something of a team that the sender is not of."""

    def __init__(self, sender: str, what: str) -> None:
        super().__init__(f"{sender!r} may not change {what!r}: it is not of their teams")
        self.sender = sender
        self.what = what


class ForgedFormError(PermissionError):
    """A change that a browser was made to send: it lacks what only the session's own pages hold."""

    def __init__(self) -> None:
        super().__init__("this form is not of your session: load its page again")


class TryLaterError(PermissionError):
    """A request that is refused for some seconds."""

    def __init__(self, reason: str, retry_s: float) -> None:
        super().__init__(f"{reason}: try again in {retry_s:.0f} s")
        self.retry_s = retry_s


class TooManyRefusalsError(TryLaterError):
    """A request without valid credentials from an address that sent many of them."""

    def __init__(self, retry_s: float) -> None:
        super().__init__("too many requests of this address without a valid token", retry_s)


class SignInDelayedError(TryLaterError):
    """An attempt to sign in that comes too soon after ones that failed."""

    def __init__(self, retry_s: float) -> None:
        super().__init__("too many attempts to sign in failed", retry_s)


class SignInBusyError(TryLaterError):
    """An attempt to sign in while many others wait for theirs."""

    def __init__(self, retry_s: float) -> None:
        super().__init__("many people sign in right now", retry_s)


class WrongPasswordError(PermissionError):
    """A name and a password, or a token, that do not fit."""

    def __init__(self) -> None:
        super().__init__("the name or the password is wrong")


class WeakPasswordError(ValueError):
    """A new password that is too short or too long."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(f"a password has {least} to {most:,} characters")
        self.least = least
        self.most = most


class SignInNeededError(PermissionError):
    """A page asked for by a browser that has not signed in."""

    def __init__(self, path: str) -> None:
        super().__init__(f"sign in to read {path}")
        self.path = path


class ForeignHostError(PermissionError):
    """A request addressed to another name than this machine's own, while no token protects it."""

    def __init__(self, host: str) -> None:
        super().__init__(f"without tokens only loopback names are answered, not {host!r}")
        self.host = host


class ForeignOriginError(PermissionError):
    """A change asked for by a page of another site."""

    def __init__(self, origin: str) -> None:
        super().__init__(f"pages of {origin!r} may not change anything here")
        self.origin = origin


class OpenToTheNetworkError(RuntimeError):
    """A service that would listen beyond this machine without a single token."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"refusing to listen on {host} without tokens: create one with "
            "`sunspot token create NAME --scope …`, or listen on 127.0.0.1"
        )
        self.host = host


class BadMaskingFileError(ValueError):
    """A file of a firm's own patterns that cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot use the masking patterns in {path}: {reason}")
        self.path = path
        self.reason = reason


class BadCalendarFileError(ValueError):
    """A file of closures and openings that cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot read the calendar overrides in {path}: {reason}")
        self.path = path
        self.reason = reason


class BadRolesFileError(ValueError):
    """A file of role rules that cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot use the role rules in {path}: {reason}")
        self.path = path
        self.reason = reason
