"""Says in words what a setting may be, from the annotation that also checks it."""

from __future__ import annotations

from typing import Any

from msgspec import inspect


def allowed(hint: Any) -> str:
    """'a number from 0 to 1', 'one of 5, 3.1.1', ..."""
    return _words(inspect.type_info(hint))


def _words(info: inspect.Type) -> str:
    match info:
        case inspect.Metadata(extra={"words": words}):
            return str(words)
        case inspect.Metadata(type=inner):
            return _words(inner)
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "a whole number" + _bounds(info)
        case inspect.FloatType():
            return "a number" + _bounds(info)
        case inspect.StrType():
            return _text(info)
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(f'"{value}"' for value in values)
        case inspect.UnionType(types=types):
            return " or ".join(_words(t) for t in types if not isinstance(t, inspect.NoneType))
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            few = "" if not getattr(info, "min_length", None) else ", at least one"
            return f"a list, each {_words(item)}{few}"
        case inspect.DictType(value_type=value):
            return f"a table, each value {_words(value)}"
        case inspect.StructType(fields=fields):
            return "a table with " + ", ".join(field.name for field in fields)
    raise TypeError(f"no words for a setting of type {info}")


def _bounds(info: inspect.IntType | inspect.FloatType) -> str:
    low, above, high = (_number(bound) for bound in (info.ge, info.gt, info.le))
    if low and high:
        return f" from {low} to {high}"
    if above and high:
        return f" above {above}, at most {high}"
    return f" of at least {low}" if low else ""


def _number(bound: float | None) -> str:
    return "" if bound is None else f"{bound:.12g}"


def _text(info: inspect.StrType) -> str:
    if info.max_length is not None:
        low = info.min_length or 0
        return f"text of {low} to {info.max_length} characters"
    return "text that is not empty" if info.min_length else "text"


def description(hint: Any) -> str:
    """The documentation that stands beside the setting."""
    info = inspect.type_info(hint)
    schema = info.extra_json_schema if isinstance(info, inspect.Metadata) else None
    return str((schema or {}).get("description", ""))


def is_secret(hint: Any) -> bool:
    info = inspect.type_info(hint)
    return isinstance(info, inspect.Metadata) and bool((info.extra or {}).get("secret"))
