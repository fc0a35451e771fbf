import pytest


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    import shutil

    out = tmp_path_factory.mktemp("exported") / "e"
    shutil.copytree("/tmp/h-embed/exported", out, ignore=shutil.ignore_patterns("web", "android", "ios"))
    return out
