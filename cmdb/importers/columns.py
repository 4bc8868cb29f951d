"""What columns of tables are called: the fields that they hold, by the names that people use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmdb.errors import BadTableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ITEM_COLUMNS: dict[str, tuple[str, ...]] = {
    "id": (
        "ci",
        "ci_id",
        "ci id",
        "item",
        "编号",
        "标识",
        "配置项",
        "配置项编号",
        "ci名称",
        "ci编号",
        "唯一标识",
    ),
    "kind": ("type", "ci_type", "ci type", "class", "sys_class_name", "类型", "类别", "配置项类型", "ci类型"),
    "name": ("display_name", "display name", "label", "名称", "名字", "中文名", "服务名", "显示名称"),
    "team": ("owner_team", "owner team", "support_group", "团队", "所属团队", "负责团队", "部门", "运维组"),
}
EDGE_COLUMNS: dict[str, tuple[str, ...]] = {
    "dependent": ("from", "source", "caller", "client", "parent", "依赖方", "源", "上游", "调用方", "来源"),
    "dependency": (
        "to",
        "target",
        "callee",
        "server",
        "child",
        "depends_on",
        "depends on",
        "被依赖方",
        "目标",
        "下游",
        "被调用方",
        "依赖",
    ),
    "kind": ("type", "relation", "relation_type", "关系", "关系类型", "类型", "依赖类型"),
}
REQUIRED = ("id", "dependent", "dependency")


def named_columns(
    header: Sequence[str],
    known: Mapping[str, tuple[str, ...]],
    given: Mapping[str, str],
    source: str,
) -> tuple[list[str], list[str]]:
    """Return the field of each column of a header, and the names that are none.

    A column that a person named comes first, then a field's own name, then the names that are usual for it;
    capitals and blanks around a name do not matter.

    Raises
    ------
    BadTableError
        If a needed column is missing, or two hold the same field.

    Examples
    --------
    >>> named_columns(["编号", "Kind", "room"], ITEM_COLUMNS, {}, "items.csv")
    (['id', 'kind', 'room'], ['room'])
    """
    folded = [name.casefold() for name in header]
    if len(set(folded)) < len(folded):
        raise BadTableError(source, "two columns have the same name")
    fields = dict.fromkeys(range(len(header)), "")
    for field, usual in known.items():
        asked = given.get(field)
        candidates = [asked] if asked else [field, *usual]
        place = next(
            (folded.index(each.casefold()) for each in candidates if each.casefold() in folded), None
        )
        if place is not None and not fields[place]:
            fields[place] = field
        elif asked or field in REQUIRED:
            names = f"{asked!r}" if asked else f"{field!r} (nor one called {', '.join(usual[:4])} …)"
            raise BadTableError(
                source, f"it has no column {names}; its columns are {', '.join(header) or 'none'}"
            )
    named = [
        fields[place] or (f"{name}_column" if name in known else name) for place, name in enumerate(header)
    ]
    unknown = [header[place] for place in range(len(header)) if not fields[place] and header[place]]
    return named, unknown
