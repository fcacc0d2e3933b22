"""What surrounds the package: the Dockerfile, the workflows, the issue forms; each is used, not only looked at."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, List, Tuple

import pytest
import yaml

REPO = Path(__file__).resolve().parent.parent
GITHUB = REPO / ".github"
posix = pytest.mark.skipif(os.name == "nt", reason="a shell script of the CI, which is Linux")


def instructions() -> List[Tuple[str, str]]:
    """(INSTRUCTION, the rest) of the Dockerfile."""
    lines = (REPO / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [(line.split()[0], line.split(None, 1)[1]) for line in lines if line and not line.startswith("#")]


def copied() -> List[Tuple[List[str], str]]:
    """(sources in the repository, target) of each COPY that is not from another stage."""
    words = [rest.split() for name, rest in instructions() if name == "COPY" and "--from" not in rest]
    return [(word[:-1], word[-1]) for word in words]


def test_docker_installs_as_the_readme_does() -> None:
    readme = (REPO / "README.md").read_text(encoding="utf-8")
    runs = [rest for name, rest in instructions() if name == "RUN"]
    installs = [re.sub(r"^\S*/pip install --no-cache-dir", "pip install", run) for run in runs if "/pip install" in run]
    assert installs and all(re.search(rf"^{re.escape(line)}( |$)", readme, re.M) for line in installs)


def test_docker_runs_the_command_as_nobody_special() -> None:
    steps = dict(instructions())
    assert steps["ENTRYPOINT"] == '["cld"]' and steps["USER"] not in ("root", "0")
    assert f"--uid 1000 {steps['USER']}" in next(rest for name, rest in instructions() if "useradd" in rest)
    bases = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert len(set(bases)) == 1, "a virtual environment needs the Python it was made with"


def test_docker_gets_all_that_the_build_needs(tmp_path: Path) -> None:
    """The COPY lines, done by hand into an empty folder, are enough to build the wheel."""
    rules = (REPO / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert rules[0] == "*"
    for sources, target in copied():
        folder = tmp_path / "src" / target
        for source in sources:
            assert any(fnmatch(source, rule[1:]) for rule in rules if rule.startswith("!")), f"{source} is ignored"
            if (REPO / source).is_dir():
                shutil.copytree(str(REPO / source), str(folder), ignore=shutil.ignore_patterns("__pycache__"))
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(REPO / source), str(folder))
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), "."]
    done = subprocess.run(pip, cwd=str(tmp_path / "src"), capture_output=True, text=True, timeout=170)
    assert done.returncode == 0 and list(tmp_path.glob("*.whl")), done.stderr


# -- workflows and forms


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(workflow: Any) -> List[Any]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", ())]


@pytest.mark.parametrize("path", sorted(GITHUB.glob("workflows/*.yml")), ids=lambda path: path.name)
def test_workflows_have_few_rights_and_their_scripts_parse(path: Path) -> None:
    workflow = loaded(path)
    assert workflow["permissions"] == {"contents": "read"}
    for step in steps(workflow):
        if "run" in step and shutil.which("bash"):
            done = subprocess.run(["bash", "-n"], input=step["run"], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        # An expression inside a script would let a branch name become a command.
        assert "${{" not in step.get("run", "")
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job or job["uses"] == "./.github/workflows/test.yml"


def test_release_publishes_without_a_stored_secret_and_after_the_tests() -> None:
    workflow = loaded(GITHUB / "workflows" / "release.yml")
    publish = workflow["jobs"]["publish"]
    assert set(publish["needs"]) == {"test", "build"} and publish["permissions"] == {"id-token": "write"}
    assert "secrets." not in (GITHUB / "workflows" / "release.yml").read_text(encoding="utf-8")
    assert workflow[True] == {"push": {"tags": ["v*"]}}, "YAML reads the key `on` as true"
    assert "workflow_call" in loaded(GITHUB / "workflows" / "test.yml")[True]


@posix
@pytest.mark.parametrize("tag, fits", [("v{}", True), ("{}", False), ("v{}.1", False), ("v0.0.1", False)])
def test_release_compares_the_tag_with_the_version(tag: str, fits: bool) -> None:
    from cloudinary_cli.version import __version__

    workflow = loaded(GITHUB / "workflows" / "release.yml")
    script = next(step["run"] for step in steps(workflow) if step.get("name") == "The tag is the version")
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_REF_NAME": tag.format(__version__),
    }
    done = subprocess.run(["bash", "-e", "-c", script], cwd=str(REPO), env=env, capture_output=True, text=True)
    assert (done.returncode == 0) is fits, done.stderr


@pytest.mark.parametrize("name", ["bug_report", "feature_request"])
def test_issue_forms_ask_for_the_version_and_warn_of_secrets(name: str) -> None:
    form = loaded(GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml")
    assert form["name"] and form["description"]
    ids = [item["id"] for item in form["body"] if item["type"] != "markdown"]
    assert len(ids) == len(set(ids)) and all(item["attributes"] for item in form["body"])
    text = (GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml").read_text(encoding="utf-8")
    assert "`cld --version`" in text and "secret" in text.lower()


# -- the man page


def test_the_man_page_is_what_the_commands_say() -> None:
    build = [sys.executable, str(REPO / "docs" / "man" / "build.py"), "--check"]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff on this system")
def test_the_man_page_is_free_of_roff_errors() -> None:
    page = str(REPO / "docs" / "man" / "cld.1")
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", page], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    shown = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
    for text in ("cld login [OPTIONS] [NAME]", "--keyring, --no-keyring", "CLOUDINARY_HOME", "another process holds"):
        assert text in shown
