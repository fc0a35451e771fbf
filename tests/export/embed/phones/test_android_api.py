"""The declarations of Android that sources are checked against, held against stubs that were made of the real API 36."""

import ast
import importlib.metadata
import re
from collections import defaultdict
from pathlib import Path

import pytest

DECLARED = Path(__file__).parent / "android_api"
CLASSES = sorted(path.relative_to(DECLARED) for path in DECLARED.glob("android/**/*.java"))
METHOD = re.compile(r"^ +(?:public|protected) [^=;{]*?(\w+)\(([^)]*)\)", re.MULTILINE)


@pytest.mark.parametrize("path", CLASSES, ids=[".".join(path.with_suffix("").parts) for path in CLASSES])
def test_android_declares_it(path: Path) -> None:
    name = path.stem
    real = defaultdict(set, _methods(path))
    for method, parameters in METHOD.findall((DECLARED / path).read_text()):
        if method in ("LayoutParams", "addView") or "..." in parameters:
            continue
        count = len(parameters.split(",")) if parameters else 0
        assert count in real["__init__" if method == name else method], f"{name}.{method} of {count} parameters"


def _methods(path: Path) -> dict[str, set[int]]:
    """The methods of a class of Android and its bases, and how many parameters they may have."""
    try:
        files = importlib.metadata.files("chaquopy-stubs-android") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the stubs of Android's API are in the extra `dev`")
    folder = "/".join((f"{path.parts[0]}-stubs", *path.parts[1:-1], "__init__.pyi"))
    stub = next(file for file in files if str(file) == folder)
    tree = ast.parse(Path(str(stub.locate())).read_text())
    found: dict[str, set[int]] = defaultdict(set)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == path.stem:
            for item in node.body:
                if isinstance(item, ast.FunctionDef):
                    names = [a.arg for a in (*item.args.posonlyargs, *item.args.args) if a.arg != "self"]
                    found[item.name].add(len(names))
    assert found or not METHOD.search((DECLARED / path).read_text()), f"{path.stem} is not in Android's API"
    return found
