"""The wrapper in a page's own thread, as Vite's development server has it while somebody works on a page."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from export.embed.site import command_of

PREDICT = """async ([folder, file, runtime]) => {
  const { load } = await import("/src/wedepth.ts");
  const { [runtime]: library } = await import(`/src/wedepth/${runtime}.ts`);
  const { judge } = await import("/src/wedepth/selftest.ts");
  const { MODEL } = await import(`/@fs${folder}/web/src/model.ts`);
  const fetched = (name) => fetch(`/@fs${folder}/web/golden/${name}`);
  const network = await load(MODEL, `/@fs${folder}/${file}`, library);
  const image = new Image();
  image.src = URL.createObjectURL(await (await fetched("image.png")).blob());
  await image.decode();
  const { depth } = await network.predict(image);
  const golden = await (await fetched("golden.json")).json();
  const reference = new Float32Array(await (await fetched("depth.f32")).arrayBuffer());
  return { ...judge(depth, reference, golden), ran: network.ran, threads: network.threads };
}"""


@pytest.fixture(scope="module")
def development(site: Path) -> Iterator[str]:
    """The address of the development server."""
    server = subprocess.Popen(command_of("dev", "--port", "0"), cwd=site, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        plain = (re.sub(r"\x1b\[[0-9;]*m", "", line) for line in server.stdout)
        yield next(found[0] for line in plain if (found := re.search(r"http://localhost:\d+", line)))
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize(
    ("name", "file", "runtime"),
    [("nano-onnx-fp32", "model.onnx", "onnx"), ("nano-tflite-fp32", "model.tflite", "litert")],
    ids=["onnx", "litert"],
)
def test_the_wrapper_works_without_a_worker(
    name: str, file: str, runtime: str, bundles: list[Path], development: str, launch: Callable[..., Any]
) -> None:
    folder = next(bundle.resolve() for bundle in bundles if bundle.name == name)
    context = launch().new_context()
    view = context.new_page()
    view.goto(f"{development}/README.md")  # the page itself would load its own network beside
    found = view.evaluate(PREDICT, [str(folder), file, runtime])
    context.close()
    assert found["passed"], found["words"]
    assert found["ran"] == "wasm" and found["threads"] > 0
