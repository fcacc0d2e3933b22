"""`cld config --local`: the configuration of a directory, in every command that uses a configuration."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.cld_config import Run

A, B = "cloudinary://ka:TOPSECRET@a", "cloudinary://kb:TOPSECRET@b"


@pytest.fixture
def project(tmp_path: Path, store: ConfigStore) -> Path:
    """A directory with two levels below it; `a` is the default, `b` and `c` are saved too."""
    store.save({"a": A, "b": B, "c": "cloudinary://kc:TOPSECRET@c", "__default__": "a"})
    (tmp_path / "project" / "sub" / "deep").mkdir(parents=True)
    return tmp_path / "project"


@pytest.fixture
def who(cld: Run) -> Any:
    """The JSON of `cld whoami` in a directory."""

    def run(cwd: Path, *args: str, env: Optional[Dict[str, str]] = None) -> Dict[str, Any]:
        done = cld(*args, "whoami", "--json", cwd=cwd, env=env)
        return {**json.loads(done.out), "err": done.err, "code": done.code}

    return run


def test_a_directory_and_everything_below_it_use_its_configuration(cld: Run, who: Any, project: Path) -> None:
    done = cld("config", "--local", "b", cwd=project)
    assert (done.code, done.out) == (0, "") and str(project) in done.err
    for directory in (project, project / "sub", project / "sub" / "deep"):
        found = who(directory)
        assert (found["name"], found["source"], found["chosen_by"]) == ("b", "directory", "directory")
        assert found["directory"] == str(project) and found["err"] == ""
    assert who(project.parent)["name"] == "a"
    assert f"source: directory ({project})" in cld("whoami", cwd=project).out
    assert json.loads(cld("config", "--json", cwd=project).out)["cloud_name"] == "b"
    shadowed = who(project, env={"CLOUDINARY_URL": A})["err"]
    assert "and not used: that of this directory comes first ('b')." in shadowed


def test_the_nearest_directory_wins(cld: Run, who: Any, project: Path) -> None:
    cld("config", "--local", "b", cwd=project)
    assert json.loads(cld("config", "--local", "c", "--json", cwd=project / "sub").out)["outcome"] == "local_set"
    assert [who(each)["name"] for each in (project, project / "sub", project / "sub" / "deep")] == ["b", "c", "c"]
    done = cld("config", "--unset-local", cwd=project / "sub")
    assert done.code == 0 and who(project / "sub")["name"] == "b"
    done = cld("config", "--unset-local", "--json", cwd=project / "sub")
    assert (done.code, json.loads(done.out)["outcome"]) == (0, "no_local")
    assert str(project) in cld("config", "--unset-local", cwd=project / "sub").err
    assert json.loads(cld("config", "--unset-local", "--json", cwd=project).out)["outcome"] == "local_unset"
    assert who(project)["name"] == "a"


@pytest.mark.parametrize(
    "args, env, name",
    [
        (["-c", "cloudinary://k:TOPSECRET@x"], {}, "(command-line)"),
        (["-C", "c"], {}, "c"),
        ([], {"CLOUDINARY_CONFIG_NAME": "c"}, "c"),
        ([], {}, "b"),
        ([], {"CLOUDINARY_URL": "cloudinary://k:TOPSECRET@e"}, "b"),
    ],
)
def test_rank_of_the_directory(
    cld: Run, who: Any, project: Path, args: List[str], env: Dict[str, str], name: str
) -> None:
    cld("config", "--local", "b", cwd=project)
    found = who(project, *args, env=env)
    assert found["name"] == name
    is_hidden = "CLOUDINARY_CONFIG_NAME" in env
    assert ("directory" in found["shadows"]) is is_hidden and ("cld config --local" in found["err"]) is is_hidden


def test_links_lead_to_the_real_directory(cld: Run, who: Any, project: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(project / "sub")
    cld("config", "--local", "b", cwd=link)
    assert who(project / "sub" / "deep")["directory"] == str(project / "sub")
    assert who(link / "deep")["name"] == "b" and who(project)["name"] == "a"


def test_a_name_that_begins_like_a_directory_is_another_directory(cld: Run, who: Any, project: Path) -> None:
    cld("config", "--local", "b", cwd=project)
    sibling = project.parent / "project-2"
    sibling.mkdir()
    assert who(sibling)["name"] == "a"


def test_nothing_in_the_directory_itself_is_read_or_written(cld: Run, who: Any, project: Path) -> None:
    """A cloned repository must not choose an account."""
    for name in ("directories.json", ".cloudinary-cli/directories.json", ".cloudinary/config.json", "config.json"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(json.dumps({str(project): "b", "__default__": "b"}))
    assert who(project)["name"] == "a"
    before = sorted(project.rglob("*"))
    cld("config", "--local", "c", cwd=project)
    assert sorted(project.rglob("*")) == before


def test_config_json_keeps_its_documented_format(cld: Run, project: Path, store: ConfigStore, home: Path) -> None:
    before = Path(store.path).read_bytes()
    cld("config", "--local", "b", cwd=project)
    assert Path(store.path).read_bytes() == before
    assert json.loads((home / "directories.json").read_text()) == {str(project): "b"}
    if os.name == "posix":
        assert stat.S_IMODE((home / "directories.json").stat().st_mode) == 0o600


def test_the_list_marks_the_configuration_of_the_directory(cld: Run, project: Path) -> None:
    cld("config", "--local", "b", cwd=project)
    rows = json.loads(cld("config", "-ls", "--json", cwd=project / "sub").out)
    assert [row["name"] for row in rows if row.get("directory")] == ["b"]
    assert [row["name"] for row in rows if row["active"]] == ["b"]
    assert [row["name"] for row in rows if row["default"]] == ["a"]
    head, *lines = cld("config", "-ls", cwd=project).out.splitlines()
    assert head.split()[-1] == "DIRECTORY" and [line.split()[0] for line in lines if line.count("*") == 2] == ["b"]
    assert "DIRECTORY" not in cld("config", "-ls", cwd=project.parent).out
    named = json.loads(cld("-C", "c", "config", "-ls", "--json", cwd=project).out)
    assert [row["name"] for row in named if row.get("directory")] == ["b"], "also when another one is active"


def test_a_removed_configuration_is_not_replaced_by_another_account(cld: Run, who: Any, project: Path) -> None:
    cld("config", "--local", "b", cwd=project)
    cld("config", "-rm", "b", cwd=project.parent)
    found = who(project / "sub")
    assert (found["code"], found["name"], found["directory"]) == (1, None, str(project))
    for command in (["admin", "ping"], ["url", "x"], ["config"]):
        done = cld(*command, cwd=project / "sub")
        assert done.code == 1 and done.out == "" and "cld config --unset-local" in done.err, command
    assert cld("config", "-ls", cwd=project).code == 0
    assert cld("-C", "c", "url", "x", cwd=project).code == 0
    assert cld("config", "--unset-local", cwd=project).code == 0 and who(project)["name"] == "a"


@pytest.mark.parametrize("content", ["{", "[]", "\ufeff{}"])
def test_an_unreadable_file_is_an_error_and_selects_no_account(
    cld: Run, who: Any, project: Path, home: Path, content: str
) -> None:
    (home / "directories.json").write_text(content, encoding="utf-8")
    found = who(project)
    if content.startswith("\ufeff"):
        assert found["name"] == "a" and "byte order mark" in found["err"]
        return
    assert found["code"] == 1 and "directories.json" in found["err"]
    assert cld("-C", "a", "url", "x", cwd=project).code == 0
    assert who(project, env={"CLOUDINARY_CONFIG_NAME": "b"})["code"] == 0
    listing = cld("config", "-ls", cwd=project)
    assert listing.code == 0 and listing.err.count("directories.json") == 1
    assert listing.out.split()[:3] == ["NAME", "CLOUD", "TYPE"]


@pytest.mark.parametrize(
    "args", [["--local", "nope"], ["--local", ""], ["--local", "__default__"], ["--local", "b", "-ls"]]
)
def test_a_wrong_command_line_changes_nothing(cld: Run, project: Path, home: Path, args: List[str]) -> None:
    done = cld("config", *args, cwd=project)
    assert done.code == 1 and done.out == "" and not (home / "directories.json").exists()


def test_a_deleted_working_directory_has_no_configuration_of_its_own(cld: Run, project: Path) -> None:
    cld("config", "--local", "b", cwd=project)
    gone = project / "gone"
    script = f"mkdir '{gone}' && cd '{gone}' && rmdir '{gone}' && exec python -m cloudinary_cli whoami --json"
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout)["name"] == "a", done.stderr
