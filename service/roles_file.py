"""The operator's rules of what metrics mean, read once in start-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.role_files import BadRulesError, rules_with
from service.errors import BadRolesFileError

if TYPE_CHECKING:
    from pathlib import Path

    from features.role_rules import Rules


def rules_from(path: Path | None) -> Rules:
    """Return the rules of a file before the shipped ones; only those without one.

    Raises
    ------
    BadRolesFileError
        If the file cannot be read, or a rule in it cannot be used.
    """
    try:
        return rules_with(path)
    except (OSError, UnicodeDecodeError, BadRulesError) as error:
        if path is None:
            raise
        raise BadRolesFileError(path, str(error)) from error
