"""A stand-in for the services that coding agents ask, on loopback: a file is to be written, then it was.

It speaks as much of four protocols as the agents need: OpenAI's chat completions (aider) and responses (codex),
Anthropic's messages (claude), Google's generateContent (gemini).
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SAID = "All done, wrote it."
FILE = "new.txt"


class Service:
    """What the agents asked, as text; `lazy` has no file written, `broken` answers with an error."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.lazy = False
        self.broken = False
        self.folder = ""
        self.port = 0

    def answer(self, path: str, asked: dict[str, Any]) -> tuple[str, bytes]:
        """The content type and the body of the answer."""
        if path.startswith("/v1/messages"):
            return _stream(self._messages(asked))
        if path.startswith("/v1/responses"):
            return _stream(self._responses(asked))
        if "enerateContent" in path:
            return self._generate(asked, streams="stream" in path)
        if path.startswith("/v1/chat/completions"):
            return _document(self._completion(asked))
        return _document({"data": [], "models": []})

    def _wants_file(self, asked: dict[str, Any], results: str) -> bool:
        return not self.lazy and results not in json.dumps(asked)

    def _completion(self, asked: dict[str, Any]) -> dict[str, Any]:
        is_message = "commit message" in json.dumps(asked["messages"][0]).lower()
        text = "feat: write it" if is_message else SAID if self.lazy else f"{FILE}\n```\nhi\n```\n"
        message = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }

    def _messages(self, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        start = {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "m"}
        usage = {"input_tokens": 1, "output_tokens": 1}
        yield {"type": "message_start", "message": {**start, "stop_reason": None, "usage": usage}}
        if asked.get("tools") and self._wants_file(asked, '"tool_result"'):
            block = {"type": "tool_use", "id": "t1", "name": "Write", "input": {}}
            content = {"file_path": f"{self.folder}/{FILE}", "content": "hi\n"}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(content)}
            reason = "tool_use"
        else:
            block = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": SAID}
            reason = "end_turn"
        yield {"type": "content_block_start", "index": 0, "content_block": block}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
        yield {"type": "content_block_stop", "index": 0}
        yield {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 2}}
        yield {"type": "message_stop"}

    def _responses(self, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield {"type": "response.created", "response": {"id": "r"}}
        item: dict[str, Any]
        if self._wants_file(asked, '"function_call_output"'):
            arguments = json.dumps({"cmd": f"echo hi > {FILE}"})
            item = {
                "type": "function_call",
                "id": "f",
                "call_id": "c",
                "name": "exec_command",
                "arguments": arguments,
            }
        else:
            text = {"type": "output_text", "text": SAID, "annotations": []}
            item = {"type": "message", "id": "m", "role": "assistant", "content": [text]}
        yield {"type": "response.output_item.done", "output_index": 0, "item": item}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        details: dict[str, Any] = {"input_tokens_details": None, "output_tokens_details": None}
        yield {
            "type": "response.completed",
            "response": {"id": "r", "output": [item], "usage": usage | details},
        }

    def _generate(self, asked: dict[str, Any], *, streams: bool) -> tuple[str, bytes]:
        if not streams:
            # Which model to take: any answer will do.
            return _document(_candidate([{"text": "{}"}], "STOP"))
        if self._wants_file(asked["contents"], '"functionResponse"'):
            call = {"name": "write_file", "args": {"file_path": f"{self.folder}/{FILE}", "content": "hi\n"}}
            return _stream([_candidate([{"functionCall": call}], None), _candidate([{"text": ""}], "STOP")])
        half = len(SAID) // 2
        parts = [_candidate([{"text": text}], None) for text in (SAID[:half], SAID[half:])]
        return _stream([*parts, _candidate([{"text": ""}], "STOP")])


def _candidate(parts: list[dict[str, Any]], reason: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    found |= {"finishReason": reason} if reason else {}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    return {"candidates": [found], "usageMetadata": usage, "modelVersion": "m"}


def _document(value: object) -> tuple[str, bytes]:
    return "application/json", json.dumps(value).encode()


def _stream(events: Any) -> tuple[str, bytes]:
    lines = []
    for event in events:
        name = f"event: {event['type']}\n" if "type" in event else ""
        lines.append(f"{name}data: {json.dumps(event)}\n\n")
    return "text/event-stream", "".join(lines).encode()


@contextlib.contextmanager
def serving() -> Iterator[Service]:
    """The service at `http://127.0.0.1:<port>`, as long as the context lasts."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            return

        def do_GET(self) -> None:
            self._send(200, *_document({"data": [], "models": []}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            service.asked.append(body.decode("utf-8", "replace"))
            if service.broken:
                error = {
                    "type": "error",
                    "error": {"type": "invalid_request_error", "message": "no such model"},
                }
                self._send(400, *_document(error))
            else:
                self._send(200, *service.answer(self.path, json.loads(body)))

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
