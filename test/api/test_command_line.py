"""Arguments are divided between the command and the SDK method before Click parses them."""

from __future__ import annotations

from typing import List

import pytest

from cloudinary_cli.api.command_line import arrange, in_utf8, is_complete
from cloudinary_cli.errors import CliError

ARITY = {"-o": 2, "--optional_parameter": 2, "-O": 2, "--optional_parameter_parsed": 2, "-A": 0, "-F": 0, "-ff": 1}
ARITY.update({"--save": 1, "-v": 1, "--ls": 0})


@pytest.mark.parametrize(
    ("args", "options", "words"),
    [
        ([], [], []),
        (["m", "a", "k=v"], [], ["m", "a", "k=v"]),
        (["-A", "m", "-ff", "a", "b", "--save", "f"], ["-A", "-ff", "a", "--save", "f"], ["m", "b"]),
        (["m", "-o", "a", "b", "c"], ["-o", "a", "b"], ["m", "c"]),
        (["m", "-o", "a=b", "c"], ["-o", "a", "b"], ["m", "c"]),
        (["m", "-o", "a", "b=c"], ["-o", "a", "b=c"], ["m"]),
        (["m", "-o", "a=b=c\nd", "-O", "e="], ["-o", "a", "b=c\nd", "-O", "e", ""], ["m"]),
        (["-oa=b", "m", "-Oc", "1"], ["-o", "a", "b", "-Oc", "1"], ["m"]),
        (["--optional_parameter=a", "b", "m"], ["--optional_parameter=a", "b"], ["m"]),
        (["--optional_parameter_parsed=a=b", "m"], ["--optional_parameter_parsed", "a", "b"], ["m"]),
        (["--save=a=b", "m"], ["--save=a=b"], ["m"]),
        (["-AF", "-AFv", "INFO", "m"], ["-AF", "-AFv", "INFO"], ["m"]),
        (["m", "--public-id", "x", "--type=y", "-F"], ["-F"], ["m", "--public-id", "x", "--type=y"]),
        (["m", "-", "-x"], ["-x"], ["m", "-"]),
        (["m", "--angle", "-90", "-F", "-.5"], ["-F"], ["m", "--angle", "-90", "-.5"]),
        (["m", "-F", "--", "-F", "--", "--save"], ["-F"], ["m", "--", "-F", "--", "--save"]),
        (["m", "-o", "a"], ["-o", "a"], ["m"]),
        (["m", "-o"], ["-o"], ["m"]),
    ],
)
def test_arrange(args: List[str], options: List[str], words: List[str]) -> None:
    assert arrange(args, ARITY) == (options, words)
    assert is_complete(options, ARITY) is (args not in (["m", "-o", "a"], ["m", "-o"]))


def test_what_is_sent_is_the_text_that_the_bytes_stand_for() -> None:
    surrogates = "é".encode().decode("ascii", "surrogateescape")
    assert in_utf8({surrogates: [surrogates, 1, None, ("é",)]}) == {"é": ["é", 1, None, ("é",)]}
    for odd in ("\udcff", "\ud800"):
        with pytest.raises(CliError, match="is not UTF-8 text"):
            in_utf8([odd])
