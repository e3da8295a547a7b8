# SPDX-License-Identifier: GPL-2.0-or-later
"""A server of the files of a folder that answers requests of parts, as stores of imagery do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Parts(SimpleHTTPRequestHandler):
    """Serves `Range: bytes=FIRST-LAST`, by which GDAL reads blocks of a file."""

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        path = Path(self.translate_path(self.path))
        if asked is None or not path.is_file():
            return super().do_GET()
        content = path.read_bytes()
        first, last = asked.removeprefix("bytes=").split("-")
        begin, end = int(first), min(int(last or len(content)), len(content) - 1)
        self.server.parts.append((begin, end))
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Range", f"bytes {begin}-{end}/{len(content)}")
        self.send_header("Content-Length", str(end - begin + 1))
        self.end_headers()
        self.wfile.write(content[begin : end + 1])
        return None

    def end_headers(self) -> None:
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Requests are no news."""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """The address of a folder's files, and the parts that were asked for so far."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Parts, directory=str(folder))) as server:
        server.parts = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", server.parts
        finally:
            server.shutdown()
