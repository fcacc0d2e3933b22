"""Completion in bash, fish and zsh: Click's protocol as each shell speaks it, in processes, and a real bash."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, List

import click
import pytest

from cloudinary_cli import completion
from test.support.shells import SHELLS, environment_with_cld, needs, typed_lines

Run = Callable[..., Any]
URL = "cloudinary://k:s@c"
LOGIN = "cloudinary://c?oauth_token=t"
CLAIM = "cloudinary://k:s@c?claim_url=https%3A%2F%2Fx"


@pytest.fixture
def saved(config_json: Path) -> Path:
    entries = {"acme": URL, "acme-login": LOGIN, "two words": CLAIM, "zed": URL, "ev\x1bil": URL, "new\nline": URL}
    config_json.write_text(json.dumps({**entries, "__default__": "acme"}))
    return config_json


@pytest.fixture
def complete(cld: Run) -> Callable[..., List[str]]:
    """What `cld` offers a shell that completes the last of the words; nothing may be written to stderr."""

    def run(shell: str, *words: str) -> List[str]:
        line = ["cld", *words]
        text = " ".join(word for word in line if word)
        # fish passes the word itself, the others its index.
        at = words[-1] if shell == "fish" else str(len(words))
        env = {"_CLD_COMPLETE": f"{shell}_complete", "COMP_WORDS": text, "COMP_CWORD": at}
        done = cld(env=env)
        assert done.code == 0 and done.err == "", done.err
        lines = done.out.splitlines()
        if shell == "zsh":
            return [value for kind, value in zip(lines[::3], lines[1::3]) if kind == "plain"]
        return [line.partition(",")[2].partition("\t")[0] for line in lines if line.startswith("plain,")]

    return run


@pytest.mark.parametrize("shell", SHELLS)
def test_names_of_saved_configurations_after_big_c(complete: Run, saved: Path, shell: str) -> None:
    assert complete(shell, "-C", "ac") == ["acme", "acme-login"]
    everything = complete(shell, "-C", "")
    spaced = "'two words'" if shell == "bash" else "two words"  # bash alone does not quote what it inserts
    assert everything == ["acme", "acme-login", spaced, "zed"], "and no name that could command the terminal"


def test_help_offers_no_hidden_command(complete: Run) -> None:
    assert complete("bash", "help", "d") == complete("bash", "d") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_options_and_names_of_other_places(complete: Run, saved: Path, shell: str) -> None:
    assert complete(shell, "conf") == ["config"]
    assert complete(shell, "config", "--ref") == ["--refresh", "--refresh-all"]
    assert complete(shell, "agent", "cloud", "cl") == ["claim"]
    assert [name.strip("'") for name in complete(shell, "agent", "cloud", "claim", "")] == ["two words"]
    assert complete(shell, "make", "up") == ["upload_widget"]
    assert complete(shell, "make", "python", "fi") == ["find_all_empty_folders"]
    assert complete(shell, "completion", "z") == ["zsh"]
    assert complete(shell, "token", "") == ["acme-login"]
    assert complete(shell, "who") == ["whoami"]


@pytest.mark.parametrize(
    "words, expected",
    [
        (["config", "-s", "ze"], ["zed"]),
        (["config", "--show", "ac"], ["acme", "acme-login"]),
        (["config", "-d", "ze"], ["zed"]),
        (["config", "-rm", "ze"], ["zed"]),
        (["config", "--local", "ze"], ["zed"]),
        (["config", "--unset"], ["--unset-default", "--unset-local"]),
        (["exec", "ze"], ["zed"]),
        (["exec", "zed", "ac"], []),
        (["token", "--format", "h"], ["header"]),
        (["logout", "--a"], ["--all"]),
        (["login", "--sc"], ["--scope"]),
        (["config", "-r", ""], ["acme-login"]),
        (["logout", ""], ["acme-login"]),
        (["login", ""], ["acme-login"]),
        (["admin", "pin"], ["ping"]),
        (["admin", "-F", "pin"], ["ping"]),
        (["uploader", "uploa"], ["upload", "upload_large"]),
        (["provisioning", "sub_"], ["sub_account", "sub_accounts"]),
        (["utils", "cloud"], ["cloudinary_url"]),
        (["admin", "resource", "x"], []),
    ],
    ids=lambda value: " ".join(value),
)
@pytest.mark.parametrize("shell", SHELLS)
def test_every_row_of_the_page(complete: Run, saved: Path, shell: str, words: List[str], expected: List[str]) -> None:
    assert complete(shell, *words) == expected


@pytest.mark.parametrize(
    "words",
    [["uploader", "upload", "pho"], ["upload", "pho"], ["exec", "--", "pho"], ["exec", "zed", "--", "node", "pho"]],
    ids=lambda value: " ".join(value),
)
def test_files_after_a_method_of_the_uploader_and_in_the_command_of_exec(cld: Run, words: List[str]) -> None:
    env = {"_CLD_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["cld", *words]), "COMP_CWORD": str(len(words))}
    assert cld(env=env).out == "file,pho\n"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("content", [b"{", b"[]", b"", b"\xff", b"\xef\xbb\xbf{}", b'{"a": 7, "__default__": "a"}'])
def test_a_bad_config_json_keeps_it_silent(complete: Run, config_json: Path, shell: str, content: bytes) -> None:
    config_json.write_bytes(content)
    assert complete(shell, "-C", "") == (["a"] if b"7" in content else [])
    assert complete(shell, "conf") == ["config"]


@pytest.mark.parametrize(
    "words", [["nosuch", "x"], ["admin", "--nosuch", ""], ["-C", "nope", "config", "-s", ""], ["-c", ""]]
)
def test_a_line_that_is_not_right_keeps_it_silent(cld: Run, saved: Path, words: List[str]) -> None:
    env = {"_CLD_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["cld", *words]), "COMP_CWORD": str(len(words))}
    done = cld(env=env)
    assert done.err == "" and "Usage" not in done.out and "Error" not in done.out


def test_completion_needs_no_network_and_changes_no_file(complete: Run, saved: Path) -> None:
    saved.chmod(0o600)
    before = saved.stat().st_mtime_ns, saved.read_bytes()
    complete("bash", "-C", "")
    assert (saved.stat().st_mtime_ns, saved.read_bytes()) == before
    assert [path.name for path in saved.parent.iterdir()] == ["config.json"]


# -- the callbacks, for whichever option or argument they are attached to


def offered(callback: Any, incomplete: str = "", command: str = "admin", **params: Any) -> List[str]:
    parameter = click.Argument(["words"])
    context = click.Context(click.Command(command))
    context.params.update(params)
    return [getattr(item, "value", item) for item in callback(context, parameter, incomplete)]


def test_names_of_logins_only(saved: Path) -> None:
    assert offered(completion.login_names) == ["acme-login"]
    assert offered(completion.claimable_names) == ["two words"]


def test_names_of_methods() -> None:
    assert offered(completion.method_names, "pin") == ["ping"]
    assert "call_api" not in offered(completion.method_names, "")
    assert offered(completion.method_names, "", words=("ping",)) == []
    assert "upload" in offered(completion.method_names, "upl", "uploader")
    assert completion.method_names(context_after("upload"), click.Argument(["words"]), "pic")[0].type == "file"


def context_after(method: str) -> click.Context:
    context = click.Context(click.Command("uploader"))
    context.params["words"] = (method,)
    return context


# -- the scripts


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed(cld: Run, shell: str) -> None:
    done = cld("completion", shell)
    assert (done.code, done.err) == (0, "") and f"_CLD_COMPLETE={shell}_complete" in done.out
    assert done.out.strip() == cld(env={"_CLD_COMPLETE": f"{shell}_source"}).out.strip()
    assert cld("completion", "tcsh").code == 1


@pytest.fixture
def program(tmp_path: Path) -> Dict[str, str]:
    """An environment with `cld`."""
    return environment_with_cld(tmp_path)


@needs("bash")
def test_a_real_bash(program: Dict[str, str], saved: Path) -> None:
    script = """
        eval "$(cld completion bash)"
        ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _cld_completion cld; }
        complete -p cld
        ask cld -C ac; printf '%s|' "${COMPREPLY[@]}"; echo
        ask cld -C two; printf '%s|' "${COMPREPLY[@]}"; echo
        ask cld logi; printf '%s|' "${COMPREPLY[@]}"; echo
        ask cld nosuch x; printf '%s' "${#COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script], env=program, capture_output=True, text=True)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].endswith("-F _cld_completion cld")
    assert lines[1:] == ["acme|acme-login|", "'two words'|", "login|", "0"]


@needs("fish")
def test_a_real_fish(program: Dict[str, str], saved: Path) -> None:
    script = "cld completion fish | source; complete --do-complete 'cld -C ac'"
    done = subprocess.run(["fish", "--no-config", "-c", script], env=program, capture_output=True, text=True)
    assert (done.stdout.split(), done.stderr) == (["acme", "acme-login"], "")


# -- typed at a prompt: the Tab key, and then a key that shows the command line and empties it

IN_REAL_SHELLS = pytest.mark.parametrize("shell", [pytest.param(shell, marks=needs(shell)) for shell in SHELLS])


@IN_REAL_SHELLS
def test_the_tab_key_in_a_real_shell(shell: str, program: Dict[str, str], saved: Path, tmp_path: Path) -> None:
    typed = {
        "cld logo": "cld logout ",
        "cld -C ze": "cld -C zed ",
        "cld -C two": "cld -C 'two words' " if shell == "bash" else "cld -C two\\ words ",
        "cld logout ac": "cld logout acme-login ",
        "cld search_f": "cld search_folders ",
        "cld admin pin": "cld admin ping ",
        "cld make python fi": "cld make python find_all_empty_folders ",
        "cld agent cloud cl": "cld agent cloud claim ",
    }
    assert typed_lines(shell, list(typed), program, tmp_path) == [line.rstrip() for line in typed.values()]


@IN_REAL_SHELLS
def test_files_and_directories_where_they_are_arguments(
    shell: str, program: Dict[str, str], saved: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "phrase.txt").touch()  # not a directory
    (tmp_path / "picture.jpg").touch()
    typed = {
        "cld sync ph": "cld sync photos/",
        "cld upload_dir ph": "cld upload_dir photos/",
        "cld upload pic": "cld upload picture.jpg",
        "cld upload phrase.txt pic": "cld upload phrase.txt picture.jpg",
        "cld migrate legacy pic": "cld migrate legacy picture.jpg",
        "cld search x --csv pic": "cld search x --csv picture.jpg",
        "cld admin ping --save pic": "cld admin ping --save picture.jpg",
        "cld sync photos x --report pic": "cld sync photos x --report picture.jpg",
        "cld ping -C ze": "cld ping -C zed",
        "cld help regen": "cld help regen_derived",
        "cld help agent cloud cl": "cld help agent cloud claim",
    }
    assert typed_lines(shell, list(typed), program, tmp_path) == list(typed.values())
