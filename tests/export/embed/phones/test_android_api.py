"""The declarations of Android that sources are checked against, held against stubs made of the real API 36."""

import ast
import functools
import importlib.metadata
import re
from pathlib import Path

import pytest

DECLARED = Path(__file__).parent / "android_api"
FILES = sorted(DECLARED.glob("android/**/*.java"))
CLASSES = [".".join(path.relative_to(DECLARED).with_suffix("").parts) for path in FILES]
METHOD = re.compile(r"^    (?:public|protected) [^=;{(]*?(\w+)\(([^)]*)\)", re.MULTILINE)


@pytest.mark.parametrize("name", CLASSES)
def test_android_has_what_is_declared(name: str) -> None:
    real = methods_of(name)
    constructor = name.rpartition(".")[2]
    for method, parameters in METHOD.findall((DECLARED / f"{name.replace('.', '/')}.java").read_text()):
        kinds = () if "..." in parameters else (len(parameters.split(",")) if parameters else 0,)
        known = real.get("__init__" if method == constructor else method, set())
        assert known.issuperset(kinds), f"{name}.{method}({parameters})"
        assert known, f"{name}.{method}"


def methods_of(name: str) -> dict[str, set[int]]:
    """The methods of a class of Android and of its bases, with the numbers of parameters that they may have."""
    package, _, own = name.rpartition(".")
    found: dict[str, set[int]] = {}
    for node in module(package).body:
        if isinstance(node, ast.ClassDef) and node.name == own:
            for base in map(ast.unparse, node.bases):
                whole = base if "." in base else f"{package}.{base}"
                if re.fullmatch(r"android(\.[a-z]+)*\.\w+", whole):  # a class of a package, and of no other class
                    for method, counts in methods_of(whole).items():
                        found.setdefault(method, set()).update(counts)
            for item in node.body:
                if isinstance(item, ast.FunctionDef):
                    names = [arg.arg for arg in (*item.args.posonlyargs, *item.args.args) if arg.arg != "self"]
                    found.setdefault(item.name, set()).add(len(names))
            return found
    raise AssertionError(f"{name} is not in Android's API.")


@functools.cache
def module(package: str) -> ast.Module:
    """The stub of a package, such as android.view."""
    try:
        files = importlib.metadata.files("chaquopy-stubs-android") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the stubs of Android's API are in the extra `dev`")
    root, *rest = package.split(".")
    path = "/".join((f"{root}-stubs", *rest, "__init__.pyi"))
    return ast.parse(Path(str(next(file for file in files if str(file) == path).locate())).read_text())
