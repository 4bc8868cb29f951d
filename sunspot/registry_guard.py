"""The guard of commands that use MLflow: its errors become a sentence with advice and one exit status."""

from __future__ import annotations

import sys
from typing import Any

import click

REGISTRY_FAILED = 3
"""Exit status when MLflow cannot be used, or when drift cannot be measured."""

MAX_REASON = 300
"""Characters shown of what MLflow says."""

ADVICE = {
    "RESOURCE_DOES_NOT_EXIST": "it was removed from MLflow, or never there: see sunspot models list",
    "INVALID_STATE": "it was deleted in MLflow: restore it there",
    "UNAUTHENTICATED": "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    "PERMISSION_DENIED": "ask for the right to read and write Sunspot's experiment and models",
    "ENDPOINT_NOT_FOUND": "Sunspot needs a server of MLflow 3",
}
"""What to do about an error, by MLflow's code."""

OTHER_ADVICE = "check that the tracking server runs (MLflow 3) and that its address is right"


class RegistryError(click.ClickException):
    """MLflow could not be used."""

    exit_code = REGISTRY_FAILED


class RegistryGroup(click.Group):
    """A group of commands in which an error of MLflow ends with a sentence, not with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of MLflow ends it with status 3."""
        try:
            return super().invoke(ctx)
        except Exception as reason:
            sentence = sentence_of(reason)
            if not sentence:
                raise
            raise RegistryError(sentence) from reason


def sentence_of(reason: BaseException) -> str:
    """Say in a sentence what failed in MLflow and what to do; empty if the error is not of MLflow.

    >>> sentence_of(ValueError("something else"))
    ''
    """
    mlflow = sys.modules.get("mlflow.exceptions")  # not imported: then the error is not its own
    if mlflow is None or not isinstance(reason, mlflow.MlflowException):
        return ""
    code = str(reason.error_code)
    if " error code 401 " in f"{reason} ":
        code = "UNAUTHENTICATED"
    words = " ".join(str(reason).split())
    shown = words if len(words) <= MAX_REASON else f"{words[:MAX_REASON]}…"
    return f"MLflow cannot be used: {shown}\nAdvice: {ADVICE.get(code, OTHER_ADVICE)}"
