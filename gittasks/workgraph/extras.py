"""Unknown fields: what a file may carry beside the fields of `fields.TABLE`. Pure.

They are kept as JSON can say them, so that every answer with `--json` can show them.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.fields import BY_NAME, FieldError, is_line, is_unicode, shown
from gittasks.workgraph.record import MAX_SUBJECT

if TYPE_CHECKING:
    from typing import Any

# With its indicator characters escaped, a name of this length still fits YAML's 1,024 characters for a key.
MAX_KEY = MAX_SUBJECT
MAX_DEPTH = 60
MAX_INT_DIGITS = 300


def check_extra(name: str, value: Any) -> Any:
    """The value of the unknown field `name` as JSON can say it; tuples become lists. Raises `FieldError`."""
    if name in BY_NAME:
        raise FieldError(name, "is not an unknown field", "")
    check_key(name, name)
    return _check_json(name, value, MAX_DEPTH)


def check_key(field_name: str, key: Any) -> None:
    """Raises `FieldError` unless `key` can name a field, or an entry in the map that `field_name` holds."""
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY or not is_line(key):
        expected = f"expected names of 1 to {MAX_KEY} characters without control characters"
        raise FieldError(field_name, f"has the name {shown(key)}", expected)


def _check_json(name: str, value: Any, depth: int) -> Any:
    if depth == 0:
        raise FieldError(name, "is nested too deep", f"expected at most {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key in value:
            check_key(name, key)
        return {key: _check_json(name, item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_check_json(name, item, depth - 1) for item in value]
    return _check_atom(name, value)


def _check_atom(name: str, value: Any) -> Any:
    if value is not None and type(value) not in (str, int, float, bool):
        raise FieldError(name, f"is of the type {type(value).__name__}", "expected what JSON can say")
    if isinstance(value, str) and not is_unicode(value):
        raise FieldError(name, "is not valid Unicode", "expected text in UTF-8")
    # Only NaN and the infinities do not vanish when taken from themselves; JSON has no word for them.
    if isinstance(value, float) and value - value != 0:
        raise FieldError(name, f"is {value}", "expected a finite number")
    if type(value) is int and abs(value) >= 10**MAX_INT_DIGITS:
        raise FieldError(name, "is too large", f"expected at most {MAX_INT_DIGITS} digits")
    return value
