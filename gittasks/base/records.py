"""`NamedTuple` without `import typing`.

Every read command defines a few records; `typing` alone costs 3 ms a process, a quarter of the
interpreter's own start. Type checkers see the real `typing.NamedTuple`.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple

    class _NamedTupleMeta(type):
        def __new__(mcs, name, bases, namespace):
            if not bases:
                return super().__new__(mcs, name, bases, namespace)
            fields = list(namespace.get("__annotations__", ()))
            defaults = [namespace[field] for field in fields if field in namespace]
            made = namedtuple(name, fields, defaults=defaults, module=namespace["__module__"])
            for key, value in namespace.items():
                if key not in fields and key not in ("__slots__", "__dict__", "__weakref__"):
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_NamedTupleMeta):
        """A base whose annotated fields make a tuple with names, as `typing.NamedTuple` does."""


__all__ = ["TYPE_CHECKING", "NamedTuple"]
