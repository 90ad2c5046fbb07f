"""What is sent to a host before any request: the part of this program that works there.

So nothing of ours need be installed there, and it is always the version that speaks here. The host needs python 3.11
or newer and git; the modules use the standard library alone.
"""

from __future__ import annotations

import hashlib
import os

from gittasks.app.remote import frames
from gittasks.base.jsontext import dumps
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

# Whole folders, and single modules of others: what `app.remote.helper` needs, and what that needs.
_FOLDERS = ("base", "runtime")
_MODULES = (
    "__init__.py",
    "app/__init__.py",
    "app/remote/__init__.py",
    "app/remote/engine.py",
    "app/remote/frames.py",
    "app/remote/helper.py",
    "app/remote/place.py",
    "app/remote/serving.py",
    "app/remote/starting.py",
    "app/remote/trees.py",
    "repo/__init__.py",
    "repo/git.py",
    "repo/refs.py",
    "repo/shipping.py",
    "repo/snapshot.py",
)
_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What the host's python is started with: no quotes that a shell there could take for its own, whichever it is.
BOOTSTRAP = "import sys;i=sys.stdin.buffer;exec(i.read(int(i.readline())))"

# Any python 3 can compile this, so that an old one can say that it is too old.
_FIRST = """\
import os, sys
def refuse(text):
    data = ('{"message": "%%s"}' %% text).encode()
    sys.stdout.buffer.write(%(mark)r + b"E" + len(data).to_bytes(4, "big") + data)
    sys.stdout.buffer.flush()
    sys.exit(0)
if sys.version_info < (3, 11):
    refuse("python %%d.%%d there is too old: 3.11 or newer is needed" %% sys.version_info[:2])
if sys.platform != "linux":
    refuse("it runs " + sys.platform + ": only Linux can be a host")
import json, zlib
state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
root = os.path.expanduser(%(directory)r or os.path.join(state, "gittasks"))
if not os.path.isabs(root):
    refuse("its folder for runs must be absolute")
sent = i.read(%(length)d)
code = os.path.join(root, "code", %(name)r)
mask = os.umask(0o077)
try:
    for path, text in json.loads(zlib.decompress(sent)).items():
        path = os.path.join(code, path)
        try:
            with open(path, encoding="utf-8") as file:
                if file.read() == text:
                    continue
        except OSError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".%%d" %% os.getpid(), "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(file.name, path)
    os.utime(code)
except OSError as error:
    refuse(json.dumps("cannot write " + str(error.filename) + ": " + str(error.strerror))[1:-1])
os.umask(mask)
sys.path.insert(0, code)
from gittasks.app.remote.helper import main
main(root, i)
"""


def request(directory: str, content: dict[str, Any]) -> bytes:
    """All that is written to the host's python: the bootstrap, the modules, the request itself.

    `directory` is where everything is kept there; empty for the user's state folder.
    """
    sent, name = _packed()
    first = _FIRST % {"mark": frames.MARK, "directory": directory, "length": len(sent), "name": name}
    asked = dumps(content).encode("ascii")
    return b"%d\n%b%b%d\n%b" % (len(first.encode()), first.encode(), sent, len(asked), asked)


_cached: tuple[bytes, str] | None = None


def _packed() -> tuple[bytes, str]:
    """The modules, packed, and a name that no other version has."""
    global _cached
    if _cached is None:
        import zlib

        texts = dumps({f"gittasks/{name}": _read(name) for name in _names()}).encode()
        _cached = zlib.compress(texts, 9), hashlib.sha256(texts).hexdigest()[:16]
    return _cached


def _names() -> list[str]:
    folders = [
        f"{folder}/{name}"
        for folder in _FOLDERS
        for name in sorted(os.listdir(os.path.join(_PACKAGE, folder)))
    ]
    return [name for name in folders if name.endswith(".py")] + list(_MODULES)


def _read(name: str) -> str:
    with open(os.path.join(_PACKAGE, name), encoding="utf-8") as file:
        return file.read()
