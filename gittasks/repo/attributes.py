"""The attributes that tell git which driver merges which files (gitattributes(5)). Pure: bytes in, bytes out."""

from __future__ import annotations

FILE_NAME = ".gitattributes"
_LINE = b"[1-9]*.yaml merge="


def with_driver(data: bytes, driver: str) -> bytes:
    """`data`, the content of an attributes file (empty for none), with the line that gives task files to `driver`.

    Whatever a person wrote there stays; a line about `merge` for task files is theirs to change.
    """
    wanted = _LINE + driver.encode()
    if any(b"merge" in line and b".yaml" in line and not line.startswith(b"#") for line in data.splitlines()):
        return data
    gap = b"" if not data or data.endswith(b"\n") else b"\n"
    return data + gap + wanted + b"\n"
