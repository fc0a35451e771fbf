"""The page without a network, and from a host that does not isolate it."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from runtimes.web.server import Server


def test_it_works_without_a_server_after_the_first_visit(site: Path, open_page: Any) -> None:
    with Server({"/": site / "dist"}) as server:
        page = open_page(address=server.address).wait_for_depth()
        assert page.text("#offline") == "nano-onnx-fp32 is kept"
        depth = page.depth()
    page.view.reload()
    page.wait_for_depth()
    assert (page.depth() == depth).all()
    assert page.view.evaluate("crossOriginIsolated")
    page.view.select_option("#bundle", "1")
    assert page.problem().startswith("model.onnx cannot be loaded: ")


def test_a_host_without_headers_gets_threads_from_the_service_worker(site: Path, open_page: Any) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site / "dist")))
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{http.server_port}"
        page = open_page("?model=nano-tflite-fp32", address=address).wait_for_depth()
        assert page.view.evaluate("crossOriginIsolated")
        assert "1 thread:" not in page.text("#ran")
    finally:
        http.shutdown()
        http.server_close()


def test_a_new_build_is_seen_at_once_and_the_old_one_is_forgotten(site: Path, open_page: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(site / "dist", tmp_path / "dist"))
    page = open_page("?model=nano-tflite-fp32", folder=folder).wait_for_depth()
    index, worker = folder / "index.html", folder / "sw.js"
    (old,) = folder.glob("assets/sample-*.jpg")
    new = old.with_name("sample-0123abcd.jpg")
    old.rename(new)
    for file in (worker, *folder.glob("assets/index-*.js")):
        file.write_text(file.read_text().replace(old.name, new.name))
    index.write_text(index.read_text().replace("<h1>Metric depth", "<h1>Newer depth"))
    page.view.reload()
    page.wait_for_depth()
    assert page.text("h1") == "Newer depth"
    for _ in range(10):  # the new worker takes over some time after the last page of the old one was closed
        context = page.view.context
        page.view.close()
        page = type(page)(context.new_page(), page.address).wait_for_depth()
        kept = page.view.evaluate("caches.open('wedepth').then(it => it.keys()).then(all => all.map(one => one.url))")
        names = {address.rpartition("/")[2] for address in kept}
        if new.name in names and old.name not in names:
            return
        page.view.wait_for_timeout(500)
    raise AssertionError(f"kept are {', '.join(sorted(names))}")
