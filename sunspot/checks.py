"""The checks of `sunspot doctor`. They import nothing heavy and take half a second."""

from __future__ import annotations

import http.client
import re
import shutil
import sqlite3
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from features.calendar_overrides import NO_OVERRIDES, CalendarOverrides
from telemetry.addresses import shown_address

LOCK = Path(__file__).parent.parent / "requirements.lock"
LOCKED = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)( ;)?", re.MULTILINE)
PYTHONS = ((3, 11), (3, 14))
LOW_BYTES, SCARCE_BYTES = 5 * 2**30, 500 * 2**20
SOON = timedelta(days=60)
ANSWER_WITHIN_S = 0.25
OLDEST_CLOCK = date(2026, 1, 1)
"""This version was written after this day, so an earlier clock is wrong."""


class Check(NamedTuple):
    """One line of the doctor's report: what was checked, what was found, and what to do about it."""

    name: str
    status: Literal["OK", "WARN", "FAIL"]
    found: str
    advice: str = ""


def all_checks(data: Path, url: str, calendar_overrides: Path | None = None) -> list[Check]:
    """Run every check, in the order in which to fix things."""
    today = datetime.now(UTC).date()
    return [
        python_version(sys.version_info[:2]),
        distributions(LOCK),
        data_directory(data),
        clock(today),
        calendar(today, calendar_overrides),
        tracking(data),
        service(url),
    ]


def python_version(running: tuple[int, int]) -> Check:
    """Whether this Python is one that Sunspot runs on."""
    found = ".".join(map(str, running))
    if PYTHONS[0] <= running < PYTHONS[1]:
        return Check("python", "OK", found)
    return Check("python", "FAIL", found, "use Python 3.11, 3.12 or 3.13")


def distributions(lock: Path) -> Check:
    """Whether the installed distributions are those of the lock."""
    name = "distributions"
    try:
        locked = LOCKED.findall(lock.read_text(encoding="utf-8"))
    except OSError:
        return Check(name, "OK", "this installation has no lock file to compare with")
    wanted: dict[str, set[str]] = {}
    is_for_all: set[str] = set()
    for distribution, locked_version, marker in locked:  # there may be one per platform or Python
        wanted.setdefault(distribution, set()).add(locked_version)
        if not marker:
            is_for_all.add(distribution)
    mismatches = []
    for distribution, versions in wanted.items():
        try:
            installed = version(distribution)
        except PackageNotFoundError:
            if distribution in is_for_all:
                mismatches.append(f"{distribution} is missing")
            continue
        if installed not in versions:
            mismatches.append(f"{distribution} is {installed} instead of {' or '.join(sorted(versions))}")
    if not mismatches:
        return Check(name, "OK", f"{len(wanted)} as locked")
    more = f" and {len(mismatches) - 3} more" if len(mismatches) > 3 else ""  # noqa: PLR2004
    is_missing = any(each.endswith("missing") for each in mismatches)
    return Check(
        name,
        "FAIL" if is_missing else "WARN",
        ", ".join(mismatches[:3]) + more,
        f"install the locked versions: pip install --require-hashes -r {lock.name}",
    )


def data_directory(data: Path) -> Check:
    """Whether the data directory can be written or created, and has space."""
    name = "data directory"
    nearest = next((each for each in (data, *data.absolute().parents) if each.exists()), Path("/"))
    if not nearest.is_dir():
        return Check(name, "FAIL", f"{nearest} is not a directory", "choose another with --data")
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        return Check(
            name,
            "FAIL",
            f"{nearest} cannot be written: {error.strerror}",
            "fix its ownership, or choose another with --data",
        )
    found = f"{data} can be written" if nearest == data else f"{data} does not exist yet, and can be created"
    return free_space(found, shutil.disk_usage(nearest).free)


def free_space(found: str, free: int) -> Check:
    """Whether ``free`` bytes are enough for a data directory."""
    name, found = "data directory", f"{found}, {free / 2**30:.1f} GiB free"
    if free < SCARCE_BYTES:
        return Check(name, "FAIL", found, "free some space, or choose another disk with --data")
    if free < LOW_BYTES:
        return Check(name, "WARN", found, "a week of 100,000 series needs about 3 GiB: free some space")
    return Check(name, "OK", found)


def clock(today: date) -> Check:
    """Whether the machine's clock is plausible, and time zones are known."""
    name = "clock"
    try:
        ZoneInfo("Asia/Shanghai")
    except ZoneInfoNotFoundError:
        return Check(name, "FAIL", "time zone data is missing", "install the package tzdata")
    if today < OLDEST_CLOCK:
        return Check(name, "FAIL", f"this machine thinks it is {today}", "set its clock, best by NTP")
    return Check(name, "OK", f"{today} UTC, time zones known")


def calendar(today: date, calendar_overrides: Path | None = None) -> Check:
    """How far the published exchange calendar reaches, read from its file without importing it.

    With a file of closures and openings, how far the two reach together.
    """
    name, overrides = "exchange calendar", NO_OVERRIDES
    if calendar_overrides is not None:
        from service.calendar_file import overrides_from
        from service.errors import BadCalendarFileError

        try:
            overrides = overrides_from(calendar_overrides)
        except BadCalendarFileError as error:
            return Check(name, "FAIL", str(error), "fix the file: docs/calendar.md has an example")
    package = find_spec("exchange_calendars")
    folders = list(package.submodule_search_locations or ()) if package else []
    if not folders:
        return Check(name, "FAIL", "exchange-calendars is not installed", "install the locked versions")
    try:
        text = (Path(folders[0]) / "exchange_calendar_xshg.py").read_text(encoding="utf-8")
    except OSError:
        text = ""
    years = [int(year) for year in re.findall(r'"(\d{4})-\d\d-\d\d"', text)]
    if not years:
        return Check(name, "WARN", "its last day cannot be read", "check that it covers the coming months")
    return calendar_until(date(max(years), 12, 31), today, overrides)


def calendar_until(last: date, today: date, overrides: CalendarOverrides = NO_OVERRIDES) -> Check:
    """Whether a calendar that ends on ``last``, with the days listed in the file, reaches far enough."""
    listed = overrides.closures | overrides.openings
    last = max(last, overrides.known_until or last)
    is_known = today <= last or today in listed
    found = f"Shanghai's calendar is known until {last}, today is {'' if is_known else 'not '}known"
    if listed:
        found += f", {len(overrides.closures)} closures and {len(overrides.openings)} openings are listed"
    if last - today > SOON:
        return Check("exchange calendar", "OK", found)
    advice = (
        "after that, every weekday counts as a trading day: update exchange-calendars, or list the closures "
        "in a file for --calendar-overrides (docs/calendar.md)"
    )
    return Check("exchange calendar", "WARN", found, advice)


def tracking(data: Path) -> Check:
    """Whether there is a tracking store with a registered model."""
    name, path = "tracking store", data / "mlflow.db"
    if not path.exists():
        return Check(
            name, "WARN", f"{path} does not exist", "train first: sunspot train detectors, or sunspot demo"
        )
    try:
        store = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=ANSWER_WITHIN_S)
        try:
            row = store.execute("SELECT COUNT(*) FROM registered_model_aliases WHERE alias = 'champion'")
            n_champions = int(row.fetchone()[0])
        finally:
            store.close()
    except sqlite3.Error as error:
        return Check(name, "FAIL", f"{path} cannot be read: {error}", "restore it, or train again")
    if not n_champions:
        return Check(name, "WARN", f"{path} has no champion", "train one: sunspot train detectors")
    return Check(name, "OK", f"{path} has a champion")


def service(url: str) -> Check:
    """Whether a service answers and is ready."""
    name, advice, shown = "service", "start it with: sunspot serve", shown_address(url)
    try:
        status, text = _get(url.rstrip("/") + "/readyz")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Check(name, "WARN", f"nothing answers at {shown} ({shown_address(str(error))})", advice)
    if status == http.client.OK:
        return Check(name, "OK", f"ready at {shown}")
    if status == http.client.SERVICE_UNAVAILABLE:
        return Check(
            name, "WARN", f"{shown} is not ready: {text[:300]}", "a token with the scope read is told why"
        )
    return Check(
        name, "WARN", f"{shown} answered {status}", "check that --url is the address of a Sunspot service"
    )


def _get(url: str) -> tuple[int, str]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is not an http or https address")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=ANSWER_WITHIN_S)
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        return response.status, response.read(10_000).decode("utf-8", "replace")
    finally:
        connection.close()
