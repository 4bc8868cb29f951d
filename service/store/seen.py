"""What a sender may see, as a condition on rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, func, select, true

if TYPE_CHECKING:
    from service.access.visibility import View


def is_seen(item: ColumnElement[str], view: View) -> ColumnElement[bool]:
    """Return whether a view sees the item of a row; however many items it names, they are one parameter."""
    if not view.is_limited:
        return true()
    named = select(func.json_each(json.dumps(sorted(view.named))).table_valued("value").c.value)
    return item.not_in(named) if view.hides_named else item.in_(named)
