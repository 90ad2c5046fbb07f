"""One HTTP URL, asked again and again: nothing else of the network is touched.

A look has a deadline for all of it (name, connection, header, body), reads a bounded body, and follows redirects only
to the host and port that were named. No proxy, no cookie, no password.
"""

from __future__ import annotations

from gittasks.app.monitoring.bounds import TooLateError, deadline
from gittasks.app.monitoring.looks import Answers
from gittasks.app.monitoring.spec import BadMonitorError
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gittasks.app.monitoring.bounds import Pattern
    from gittasks.app.monitoring.looks import Look
    from gittasks.app.monitoring.spec import Watch

MAX_BODY_BYTES = 1 << 20
_MAX_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """A URL in its parts; `target` is the path with its query."""

    scheme: str
    host: str
    port: int
    target: str


def parse_url(url: str) -> Address:
    """The parts of an HTTP URL. Raises `BadMonitorError`."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadMonitorError(f"{url[:80]!r} is no URL") from None
    if (
        parts.scheme not in _PORTS
        or not parts.hostname
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        raise BadMonitorError(
            f"{url[:80]!r} is no URL of the web", hint="http://HOST/PATH or https://HOST/PATH"
        )
    if "@" in parts.netloc:
        raise BadMonitorError(
            "a URL with a name or password in it would be written to disk",
            hint="watch a command that knows how to sign in: gittasks monitor -- curl ...",
        )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], target)


class UrlSource:
    """What a URL answers."""

    is_over = False

    def __init__(self, watch: Watch, pattern: Pattern | None) -> None:
        self._address = parse_url(watch.target)
        self._timeout_s = watch.look_timeout_s
        self._answers = Answers(pattern)

    def look(self) -> list[Look]:
        """Ask once; an answer below 300 is ok."""
        try:
            with deadline(self._timeout_s):
                state, body, is_ok = _follow(self._address, self._timeout_s)
        except TooLateError:
            state, body, is_ok = f"no whole answer within {self._timeout_s:g} s", b"", False
        return [self._answers.judge(state, body, is_ok=is_ok)]


def _follow(address: Address, timeout_s: float) -> tuple[str, bytes, bool]:
    """How the last answer went, its body, and whether that is ok."""
    for _ in range(_MAX_REDIRECTS + 1):
        state, body, location = _ask(address, timeout_s)
        if location is None:
            return state, body, state.startswith("2")
        followed = _redirected(address, location)
        if followed is None:
            return f"{state}: leads to another host, which is not asked", b"", False
        address = followed
    return "too many redirects", b"", False


def _redirected(address: Address, location: str) -> Address | None:
    """Where a redirect leads; `None` where that is somewhere else than was named."""
    from urllib.parse import urljoin

    shown_host = f"[{address.host}]" if ":" in address.host else address.host
    try:
        joined = urljoin(f"{address.scheme}://{shown_host}:{address.port}{address.target}", location)
        found = parse_url(joined)
    except (BadMonitorError, ValueError):
        return None
    same_place = (found.host, found.port) == (address.host, address.port) and found.scheme == address.scheme
    to_tls = found.host == address.host and (address.port, found.port) == (80, 443)
    return found if same_place or (to_tls and found.scheme == "https") else None


def _ask(address: Address, timeout_s: float) -> tuple[str, bytes, str | None]:
    """One request: how it went, the body, and where it redirects to, if it does."""
    import http.client

    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.host, address.port, timeout=timeout_s)
    try:
        connection.request("GET", address.target, headers={"User-Agent": "gittasks", "Accept": "*/*"})
        answer = connection.getresponse()
        if answer.status in (301, 302, 303, 307, 308) and answer.headers.get("Location"):
            return str(answer.status), b"", str(answer.headers["Location"])
        return f"{answer.status} {answer.reason}"[:80], answer.read(MAX_BODY_BYTES), None
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"no answer ({why})"[:200], b"", None
    finally:
        connection.close()
