"""Addresses as they may be shown and logged: without the names and passwords that they may hold."""

from __future__ import annotations

import re

MASK = "***"

_USER_INFORMATION = re.compile(r"(?<=://)[^\s\"'<>`]*@")
_WITHOUT_SCHEME = re.compile(r"(?<![\w.:/@-])[\w.%+~-]+:[^\s:/@\"'<>`]+@(?=[\w\[])")
_SECRET_PARAMETER = re.compile(
    r"([?&;][\w.-]*(?:pass|pwd|secret|token|key|sig|credential)[\w.-]*=)[^&;\s\"'<>`]+", re.IGNORECASE
)


def shown_address(text: str) -> str:
    """Return an address, or any text with addresses in it, without what must stay secret.

    User information and the values of parameters such as ``token`` and ``key`` are replaced. This may damage
    an address whose path holds an ``@``; no password stays, even one that holds an ``@`` or a slash.

    >>> shown_address("cannot reach http://ann:s3cr3t@mlflow:5000/api")
    'cannot reach http://***@mlflow:5000/api'
    >>> shown_address("https://hooks.firm/send?key=abc&debug=1")
    'https://hooks.firm/send?key=***&debug=1'
    """
    if "@" in text:
        text = _USER_INFORMATION.sub(f"{MASK}@", text)
        text = _WITHOUT_SCHEME.sub(f"{MASK}@", text)
    return _SECRET_PARAMETER.sub(rf"\1{MASK}", text) if "=" in text else text
