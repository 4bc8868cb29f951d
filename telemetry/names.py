"""What the name of an item, service or metric may be."""

from __future__ import annotations

import re
from typing import Final

MAX_NAME_LENGTH: Final = 256
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that no name holds."""
