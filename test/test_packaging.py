"""The sdist and the wheel that is built from it contain only the package with its data, and run in a new environment."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import Dict, List

import pytest

REPO = Path(__file__).resolve().parent.parent


def run(*args: str, cwd: Path, env: "Dict[str, str] | None" = None) -> str:
    done = subprocess.run(args, cwd=str(cwd), env=env, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Path]:
    """The sdist of the files that git knows or would add, and the wheel made from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    source = folder / "source"
    listed = run("git", "ls-files", "-co", "--exclude-standard", "-z", cwd=REPO).split("\0")
    for name in filter(None, listed):
        if (REPO / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((REPO / name).read_bytes())
    run(sys.executable, "setup.py", "-q", "sdist", "-d", str(folder), cwd=source)
    sdist = next(folder.glob("*.tar.gz"))
    run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        ".",
        str(sdist),
        cwd=folder,
    )
    return {"sdist": sdist, "wheel": next(folder.glob("*.whl"))}


def test_the_wheel_holds_one_package_and_its_data(built: Dict[str, Path]) -> None:
    names = zipfile.ZipFile(str(built["wheel"])).namelist()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith((".dist-info", ".data"))} == {"cloudinary_cli"}
    outside = [name.split(".data/")[1] for name in names if ".data/" in name]
    assert outside == ["data/share/man/man1/cld.1"], "`man cld` finds it beside the command"
    data = [
        str(path.relative_to(REPO)) for path in (REPO / "cloudinary_cli" / "templates").rglob("*") if path.is_file()
    ]
    missing = [name for name in data if name.replace(os.sep, "/") not in names and "__pycache__" not in name]
    assert not missing and "cloudinary_cli/py.typed" in names
    metadata = next(name for name in names if name.endswith("METADATA"))
    text = zipfile.ZipFile(str(built["wheel"])).read(metadata).decode()
    required: List[str] = [
        line for line in text.splitlines() if line.startswith("Requires-Dist") and "extra" not in line
    ]
    wanted = {"certifi", "click", "cloudinary", "filelock", "pygments", "requests", "urllib3"}
    assert {line.split()[1].split(">")[0] for line in required} == wanted


def test_the_sdist_holds_what_it_builds_from(built: Dict[str, Path]) -> None:
    names = {name.split("/", 1)[-1] for name in tarfile.open(str(built["sdist"])).getnames()}
    assert {"setup.py", "requirements.txt", "README.md", "LICENSE", "cloudinary_cli/cli.py"} <= names
    assert {"docs/man/cld.1", "docs/man/build.py", "docs/security.md", "SECURITY.md", "AGENTS.md"} <= names


def test_the_wheel_of_the_sdist_runs_in_a_new_environment(built: Dict[str, Path], tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(venv), cwd=tmp_path)
    folder = venv / ("Scripts" if os.name == "nt" else "bin")
    site = Path(
        run(
            str(folder / "python"), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path
        ).strip()
    )
    # pip and the dependencies come from the environment of the tests, so that nothing is downloaded; the package does not.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [
        str(folder / "python"),
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--ignore-installed",
    ]
    run(*pip, str(built["wheel"]), cwd=tmp_path)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for command in ("cld", "cloudinary"):
        assert "Cloudinary CLI, version 2" in run(str(folder / command), "--version", cwd=tmp_path, env=env)
    where = run(
        str(folder / "python"), "-c", "import cloudinary_cli; print(cloudinary_cli.__file__)", cwd=tmp_path, env=env
    )
    assert str(venv) in where
    url = run(str(folder / "cld"), "-c", "cloudinary://k:s@demo", "url", "sample", "w_100", cwd=tmp_path, env=env)
    assert url == "https://res.cloudinary.com/demo/image/upload/w_100/sample\n"
