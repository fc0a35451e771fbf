"""What a page is served from, on this machine alone: itself, its packages, the artifact; tensors in both directions."""

import threading
from collections.abc import Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

ISOLATED = {
    # With these a page may share memory between threads, which WebAssembly's need.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-store",
}
INPUT, OUTPUT = "/input", "/output"
POLL_SECONDS = 0.02  # how long closing may take


class Server:
    """Serves what lies under `places`, folders or files by the beginning of their path ("/npm/", "/artifact").

    `input` is what the page fetches as /input, `output` what it last posted to /output: bytes. A context manager.
    """

    def __init__(self, places: Mapping[str, Path]) -> None:
        self.input = b""
        self.output = b""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self, places))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(POLL_SECONDS,), daemon=True).start()

    @property
    def address(self) -> str:
        """http://127.0.0.1:PORT"""
        return f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        """Serve no more."""
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def __init__(self, owner: Server, places: Mapping[str, Path], *rest: object) -> None:
        self._owner, self._places = owner, places
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if urlsplit(self.path).path != INPUT:
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(self._owner.input)))
        self.end_headers()
        self.wfile.write(self._owner.input)
        return None

    def do_POST(self) -> None:
        if urlsplit(self.path).path != OUTPUT:
            return self.send_error(404)
        self._owner.output = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        return None

    def translate_path(self, path: str) -> str:
        """The file behind a path: below one of the places, wherever `..` points."""
        for beginning, place in self._places.items():
            if not beginning.endswith("/"):
                if urlsplit(path).path == beginning:
                    return str(place)
            elif path.startswith(beginning):
                self.directory = str(place)
                return super().translate_path(path.removeprefix(beginning.rstrip("/")))
        return str(Path(__file__) / "nothing")

    def list_directory(self, path: str) -> None:  # type: ignore[override]
        self.send_error(404)

    def end_headers(self) -> None:
        for name, value in ISOLATED.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the child's log is for what went wrong."""
