"""Real shells with completion of `cld`: lines are typed in a terminal and completed with the Tab key. POSIX only."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Sequence

import pytest

from test.support.terminal import run_in_terminal

SHELLS = ["bash", "fish", "zsh"]
# Key Ctrl-G shows the command line and empties it.
_SHOW_AND_CLEAR = {
    "bash": ('eval "$(cld completion bash)"; PS1="READY> "; show() { echo "LINE<$READLINE_LINE>"; READLINE_LINE=; }; '
             "bind 'set enable-bracketed-paste off'; bind -x '\"\\C-g\": show'"),
    "zsh": ('autoload -Uz compinit; compinit -u -D; eval "$(cld completion zsh)"; PS1="READY> "; '
            "show() { print -r -- \"LINE<$BUFFER>\"; BUFFER=; }; zle -N show; bindkey '^G' show; unset zle_bracketed_paste"),
    "fish": ("cld completion fish | source; function fish_prompt; echo -n 'READY> '; end; function fish_greeting; end; "
             "bind \\cg 'echo \"LINE<\"(commandline)\">\"; commandline \"\"'"),
}  # fmt: skip


def needs(shell: str) -> pytest.MarkDecorator:
    """Skip where the shell is missing, or a bash before 4.4 (macOS has 3.2), which Click's script refuses."""
    usable = os.name == "posix" and shutil.which(shell) is not None
    if usable and shell == "bash":
        test = "(( BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404 ))"
        usable = subprocess.run(["bash", "-c", test]).returncode == 0
    return pytest.mark.skipif(not usable, reason=f"needs a {shell} that has completion for programs")


def environment_with_cld(folder: Path) -> Dict[str, str]:
    """An environment whose PATH has a directory in `folder` with `cld`."""
    script = folder / "bin" / "cld"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m cloudinary_cli "$@"\n')
    script.chmod(0o755)
    return {**os.environ, "PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}"}


def typed_lines(shell: str, lines: Sequence[str], env: Dict[str, str], folder: Path) -> List[str]:
    """Type each line and the Tab key at the prompt of a shell in `folder`, and return the lines that result."""
    dialogue = [("READY> ", f"{line}\t\x07") for line in lines]
    screen = run_in_terminal(
        [], [*dialogue, ("LINE<", ""), ("READY> ", "exit")], env, program=_command_of(shell, folder)
    )
    shown = [line.rstrip() for line in re.findall("LINE<(.*)>", screen.text)]
    assert len(shown) == len(lines), screen.text
    return shown


def _command_of(shell: str, folder: Path) -> List[str]:
    """An interactive shell that has read the completion script and nothing of the user's own."""
    start = folder / (".zshrc" if shell == "zsh" else f"start.{shell}")
    start.write_text(f"cd {shlex.quote(str(folder))}; {_SHOW_AND_CLEAR[shell]}\n")
    commands = {
        "bash": ["bash", "--noprofile", "--rcfile", str(start), "-i"],
        "zsh": ["env", f"ZDOTDIR={folder}", "zsh", "-d", "-i"],
        "fish": ["fish", "--no-config", "-i", "-C", f"source {start}"],
    }
    return commands[shell]
