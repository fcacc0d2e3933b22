"""`cld make`: rendering of the built-in and of the user's own templates."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from cloudinary_cli.errors import CliError
from cloudinary_cli.snippets import BUILT_IN, Catalog, TemplateQuery
from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]

ALL = sorted((path.parent.name, path.name) for path in BUILT_IN.glob("*/*"))
NASTY = "</script><!--'\"\\\n${x}#{y}%{z}é\u2028"


@pytest.mark.parametrize("language, name", ALL)
def test_no_snippet_holds_the_secret(make: Run, language: str, name: str) -> None:
    done = make(language, name)
    assert done.code == 0 and done.err == "" and "TOPSECRET" not in done.text and "{{" not in done.out
    assert ("my-cloud" in done.out) is (name != "video_player")
    assert ("CLOUDINARY_URL" in done.out) is (language != "html")
    assert not done.out.endswith("\n\n")


@pytest.mark.parametrize("args", [("python", "base"), ("upload_widget",), ("node", "upload")])
def test_without_a_configuration(invoke: Run, args: Any, tmp_path: Path) -> None:
    done = invoke("make", *args, "--output", str(tmp_path / "x"))
    assert (done.code, done.out) == (1, "") and "No Cloudinary configuration found." in done.err
    assert not (tmp_path / "x").exists()


def test_a_snippet_that_needs_no_account_needs_no_configuration(invoke: Run) -> None:
    done = invoke("make", "video player")
    assert (done.code, done.err) == (0, "") and 'cloudName: "demo"' in done.out


def test_a_login_has_no_api_key_to_fill_in(make: Run) -> None:
    url = "cloudinary://my-cloud?oauth_token=TOKENVALUE&refresh_token=r"
    assert make("upload", "python", url=url).code == 0
    done = make("media library widget", url=url)
    assert done.code == 1 and "needs api_key" in done.err and "TOKENVALUE" not in done.text


def evaluated(command: Any, text: str) -> str:
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, encoding="utf-8").stdout


def rendered(custom: Any, language: str, text: str, value: str) -> str:
    custom(f"{language}/t.txt", text)
    catalog = Catalog(custom("x/y", "").parent.parent)
    return catalog.render(catalog.find(TemplateQuery(language, "t")), {"cname": value})


def test_values_are_literals_of_the_language(custom: Any) -> None:
    python = rendered(custom, "python", "print({{ cname }}, end='')", NASTY)
    assert evaluated([sys.executable, "-X", "utf8"], python) == NASTY
    html = rendered(custom, "html", "{{cname}}", NASTY)
    assert "<" not in html and ">" not in html and json.loads(html) == NASTY
    assert json.loads(rendered(custom, "node", "{{cname}}", NASTY)) == NASTY
    assert rendered(custom, "ruby", "{{cname}}", "a'b\\c#{d}") == "'a\\'b\\\\c#{d}'"
    assert rendered(custom, "php", "{{cname}}", "a'b\\$c") == "'a\\'b\\\\$c'"
    assert rendered(custom, "go", "{{cname}}", "plain.host") == '"plain.host"'


@pytest.mark.parametrize("language, text", [("go", "{{cname}}"), ("ruby", "# {{ cname | plain }}")])
def test_a_value_that_cannot_be_written_is_refused(custom: Any, language: str, text: str) -> None:
    with pytest.raises(CliError, match="special characters"):
        rendered(custom, language, text, "a\nb")


def test_the_python_snippets_run(make: Run, server: CloudinaryServer) -> None:
    server.on("POST", "/upload", {"secure_url": "https://u"})
    server.on("POST", "/explicit", {"eager": [{"secure_url": "https://e"}]})
    server.on("GET", "/config", {"settings": {"folder_mode": "dynamic"}})
    server.on("GET", "/folders", {"folders": [{"path": "full"}, {"path": "empty"}]})
    server.on("GET", "/folders/full", {"folders": []})
    server.on("GET", "/folders/empty", {"folders": []})
    server.on("GET", "/search", lambda r: {"resources": [{}] if "full" in str(r.query) + str(r.body) else []})
    server.on("POST", "/search", lambda r: {"resources": [{}] if b"full" in r.body else []})
    env = {**os.environ, "CLOUDINARY_URL": server.config_url("other", "k:s")}
    expected: Dict[str, str] = {
        "base": "",
        "upload": "https://u\n",
        "explicit": "https://e\n",
        "find_all_empty_folders": "empty\n",
    }
    for name, output in expected.items():
        code = make("python", name).out
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
        assert (done.stdout, done.stderr) == (output, "")
    assert {request.path.split("/")[2] for request in server.requests} == {"my-cloud"}


def imports_first(source: str) -> bool:
    kinds = [isinstance(node, (ast.Import, ast.ImportFrom)) for node in ast.parse(source).body]
    return kinds == sorted(kinds, reverse=True)


@pytest.mark.parametrize("language, name", ALL)
def test_a_language_s_own_checker_accepts_the_snippet(make: Run, tmp_path: Path, language: str, name: str) -> None:
    """What a person would do first: compile it, unrun."""
    snippet = make(language, name).out
    checkers = {"python": ["python", "-m", "py_compile"], "node": ["node", "--check"], "ruby": ["ruby", "-c"]}
    checkers["python"][0] = sys.executable
    file = tmp_path / f"snippet.{ {'python': 'py', 'ruby': 'rb'}.get(language, 'js') }"
    if language == "html":
        assert snippet.startswith("<!DOCTYPE html>")
        (snippet,) = re.findall(r"<script>\n(.*?)</script>", snippet, re.S)
    if language == "python":
        assert imports_first(snippet)
    checker = checkers[language if language != "html" else "node"]
    if shutil.which(checker[0]) is None:
        pytest.skip(f"needs {checker[0]}")
    file.write_text(snippet, encoding="utf-8")
    done = subprocess.run([*checker, str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_custom_templates_are_listed_first_and_rendered(make: Run, custom: Any) -> None:
    custom("html/My-Page.html.txt", "<p>{{ cloud_name | plain }}</p>{{ '{{' }} x }}\n")
    custom("html/upload_widget", "mine")
    custom("html/.hidden", "")
    custom("html/backup~", "")
    custom("kotlin/upload.kt", "val cloud = {{ cloud_name }}\n")
    titles = make("-lt").out.splitlines()[1:]
    assert "my page" in titles and titles == sorted(titles) and not {".hidden", "backup~"} & set(titles)
    assert "kotlin" in make("-ll").out.splitlines()
    assert make("my-page").out == "<p>my-cloud</p>{{ x }}\n"
    assert make("upload widget").out == "mine\n"
    assert make("upload", "kotlin").out == 'val cloud = "my-cloud"\n'


def test_composition_and_its_errors(make: Run, custom: Any) -> None:
    custom("python/mine", "{{ include base }}\nprint({{ cloud_name }})")
    assert make("python", "mine").out.startswith(make("python", "base").out)
    custom("python/loop", "{{ include loop2 }}")
    custom("python/loop2", "{{ include loop }}")
    assert "includes itself" in make("python", "loop").err
    custom("python/gone", "{{ include nothing }}")
    assert "'nothing' for language: 'python' does not exist" in make("python", "gone").err
    custom("python/escape", "{{ include ../html/upload_widget }}")
    assert "unknown placeholder" in make("python", "escape").err


@pytest.mark.parametrize("name", ["api_secret", "oauth_token", "account_url"])
def test_a_custom_template_gets_no_secret(make: Run, custom: Any, name: str) -> None:
    custom("html/t", "{{ " + name + " }}")
    done = make("t")
    assert (done.code, done.out) == (1, "") and "secrets are never written" in done.err and "TOPSECRET" not in done.err


@pytest.mark.parametrize("text", ["{{ nope }}", "{{}}", "{{ cloud_name.upper() }}", "{{ cloud_name | raw }}"])
def test_an_unknown_placeholder_is_one_clear_line(make: Run, custom: Any, text: str) -> None:
    path = custom("html/t", text)
    done = make("t")
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "unknown placeholder" in done.err and str(path) in done.err and "Known: api_key, cloud_name" in done.err


def test_an_unreadable_template_is_one_line(make: Run, custom: Any) -> None:
    custom("html/t", "").write_bytes(b"\xff\xfe")
    assert make("t").err.count("\n") == 1 and "not UTF-8" in make("t").err
