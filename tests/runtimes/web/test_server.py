"""What a page is served."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from runtimes.web.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "npm" / "a").mkdir(parents=True)
    (tmp_path / "npm" / "a" / "it.mjs").write_text("export {}")
    (tmp_path / "npm" / "a" / "it.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "model.onnx").write_bytes(b"model")
    with Server({"/npm/": tmp_path / "npm", "/artifact": tmp_path / "model.onnx"}) as server:
        yield server


def get(server: Server, path: str) -> tuple[bytes, Message]:
    with urllib.request.urlopen(server.address + path, timeout=10) as answer:
        return answer.read(), answer.headers


@pytest.mark.parametrize(("path", "kind"), [("it.mjs", "text/javascript"), ("it.wasm", "application/wasm")])
def test_files_have_the_types_that_browsers_insist_on(server: Server, path: str, kind: str) -> None:
    assert get(server, f"/npm/a/{path}")[1]["Content-Type"] == kind


def test_the_artifact(server: Server) -> None:
    assert get(server, "/artifact")[0] == b"model"


def test_every_answer_isolates_the_page(server: Server) -> None:
    for path in ("/artifact", "/input"):
        headers = get(server, path)[1]
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_bytes_pass_both_ways_unchanged(server: Server) -> None:
    server.input = bytes(range(256)) * 1000
    assert get(server, "/input")[0] == server.input
    urllib.request.urlopen(urllib.request.Request(f"{server.address}/output", server.input), timeout=10).close()
    assert server.output == server.input


@pytest.mark.parametrize("path", ["/secret", "/npm/../secret", "/npm/%2e%2e/secret", "/npm/a/", "/", "/artifact/x"])
def test_nothing_else_is_served(server: Server, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(server, path)


def test_this_machine_alone_is_served(server: Server) -> None:
    assert server.address.startswith("http://127.0.0.1:")
