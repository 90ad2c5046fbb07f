"""One URL of a server that is slow, endless, redirects for ever, or breaks the protocol."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from gittasks.app.monitoring.bounds import Pattern
from gittasks.app.monitoring.looks import Look
from gittasks.app.monitoring.spec import BadMonitorError, Watch
from gittasks.app.monitoring.web import UrlSource, parse_url

Answer = Callable[[socket.socket, bytes], None]


def say(status: str, body: bytes = b"", *more: str) -> Answer:
    def answer(peer: socket.socket, asked: bytes) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *more, "", ""]
        peer.sendall("\r\n".join(lines).encode() + body)

    return answer


def drip(peer: socket.socket, asked: bytes) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000:
        peer.sendall(bytes((byte,)))
        time.sleep(0.02)


def flood_headers(peer: socket.socket, asked: bytes) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 10_000 + b"\r\n")


def endless_line(peer: socket.socket, asked: bytes) -> None:
    while True:
        peer.sendall(b"x" * 65_536)


def endless_body(peer: socket.socket, asked: bytes) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        peer.sendall(b"x\n" * 32_768)


class Server:
    """Answers each request with what `answer` says; `asked` are the targets of all requests."""

    def __init__(self) -> None:
        self.answer: Answer = say("200 OK")
        self.asked: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def look(self, target: str = "/", *, timeout_s: float = 20.0, pattern: str = "") -> Look:
        watch = Watch("url", f"http://127.0.0.1:{self.port}{target}", look_timeout_s=timeout_s)
        (look,) = UrlSource(watch, Pattern(pattern, is_regex=False) if pattern else None).look()
        return look

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            asked = peer.recv(65_536)
            self.asked.append(asked.split(b" ")[1].decode())
            self.answer(peer, asked)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed before
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def test_an_answer_is_ok_below_300_and_its_body_can_match(server: Server) -> None:
    server.answer = say("200 OK", b"all\nis well\n")
    assert server.look("/a?b=c") == Look("200 OK: is well", frozenset(("ok",)))
    assert server.look(pattern="all").fulfils == {"ok", "matches"}
    server.answer = say("503 Service Unavailable")
    assert server.look() == Look("503 Service Unavailable", frozenset(("fails",)))
    assert server.asked == ["/a?b=c", "/", "/"]


def test_a_change_of_the_body_is_a_change(server: Server) -> None:
    source = UrlSource(Watch("url", f"http://127.0.0.1:{server.port}/", look_timeout_s=20.0), None)
    for body, fulfils in ((b"1", {"ok"}), (b"1", {"ok"}), (b"2", {"ok", "changes"})):
        server.answer = say("200 OK", body)
        assert source.look()[0].fulfils == fulfils


def test_redirects_are_followed_on_the_same_host_only_and_not_for_ever(server: Server) -> None:
    server.answer = lambda peer, asked: (
        say("200 OK", b"here") if b"/new" in asked else say("302 Found", b"", "Location: /new")
    )(peer, asked)
    assert server.look("/old").text == "200 OK: here"
    server.answer = say("301 Moved", b"", "Location: /again")
    assert server.look().text == "too many redirects"
    other = Server()
    for target in (
        f"http://127.0.0.1:{other.port}/",
        f"//localhost:{server.port}/",
        "file:///etc/passwd",
        "http://[",
        f"http://me@127.0.0.1:{server.port}/",
    ):
        server.answer = say("302 Found", b"", f"Location: {target}")
        look = server.look()
        assert look.text.startswith("302: leads to another host") and look.fulfils == {"fails"}
    assert other.asked == []
    other.close()


@pytest.mark.parametrize("answer", [drip, endless_line, endless_body, flood_headers, say("200 O\x1b[2JK")])
def test_a_hostile_answer_is_bounded_and_harmless(server: Server, answer: Answer) -> None:
    server.answer = answer
    look = server.look(timeout_s=1.0)
    assert len(look.text) <= 300 and look.text.isprintable()
    if answer in (drip, endless_line, flood_headers):
        assert look.fulfils == {"fails"}


def test_nobody_answers(server: Server) -> None:
    server.answer = lambda peer, asked: None
    assert server.look().text.startswith("no answer (")
    server.close()
    assert server.look().text.startswith("no answer (")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://x/",
        "http://",
        "http://a b/",
        "http://x:y/",
        "http://x/\r\nX: y",
        "https://me:secret@x/",
        "http://é/",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(BadMonitorError) as caught:
        parse_url(url)
    assert "secret" not in caught.value.message
