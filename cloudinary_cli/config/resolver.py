"""Chooses the active configuration; no I/O.

The order is -c, -C, CLOUDINARY_CONFIG_NAME, the choice for the directory, the stored default, the environment.
"""

# Annotations are evaluated here: NamedTuple compiles each one that is a text, 0.7 ms for a class, in every command.

from enum import Enum
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional

import click

from cloudinary_cli import defaults
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.environment import environment_fields
from cloudinary_cli.defaults import OAUTH_INTERNAL_KEYS
from cloudinary_cli.errors import (
    AmbiguousConfigUrl,
    ConfigError,
    ImpossibleCloud,
    InvalidConfigUrl,
    NoConfiguration,
    SelectionNotFound,
)
from cloudinary_cli.text import did_you_mean, one_line

# The value of CLOUDINARY_CONFIG_NAME that selects the environment, before any default.
ENVIRONMENT_NAME = "(environment)"


class Source(str, Enum):
    """Where the active configuration comes from."""

    URL = "url"
    SAVED = "saved"
    ENVIRONMENT = "env"
    NONE = "none"


class Selection(NamedTuple):
    """The values of -c and -C; None means not given."""

    config: Optional[str] = None
    config_saved: Optional[str] = None


class DirectoryChoice(NamedTuple):
    """The configuration that a directory uses, and everything below it."""

    directory: str
    name: str


class ResolvedConfig(NamedTuple):
    """The active configuration. `problem` is the error of one that cannot be parsed.

    `any_saved` is True when nothing was chosen and saved configurations exist. `directory` is that of the choice.
    """

    source: Source = Source.NONE
    name: Optional[str] = None
    url: Optional[str] = None
    fields: Mapping[str, Any] = {}
    problem: Optional[ConfigError] = None
    any_saved: bool = False
    chosen_by: str = ""
    directory: Optional[str] = None

    def __repr__(self) -> str:
        return f"ResolvedConfig(source={self.source.value!r}, name={self.name!r})"  # no secret in a traceback

    @property
    def cloud_name(self) -> str:
        return str(self.fields.get("cloud_name") or "")

    @property
    def has_oauth(self) -> bool:
        return bool(self.fields.get("oauth_token"))

    @property
    def type(self) -> str:
        return "oauth" if "oauth_token" in self.fields or config_url.is_oauth_url(self.url) else "api_key"

    @property
    def origin(self) -> str:
        """Where the credentials come from, as a phrase for messages: `the saved login 'work'`."""
        if self.source is Source.SAVED:
            return f"the saved {'login' if self.has_oauth else 'configuration'} '{one_line(self.name or '', None)}'"
        kind = "access token" if self.has_oauth else "API key"
        return f"the {kind} of {self.chosen_by}" if self.chosen_by else ""

    @property
    def is_usable(self) -> bool:
        """A shape check: a cloud name and either a token or a key with its secret."""
        key_pair = self.fields.get("api_key") and self.fields.get("api_secret")
        return bool(self.cloud_name and (self.has_oauth or key_pair))

    def require(self) -> "ResolvedConfig":
        """Itself, when it is usable.

        :raises ConfigError: it is not; the text says what to do.
        """
        if self.problem is not None:
            raise self.problem
        if self.is_usable:
            return self
        if self.source is not Source.NONE:
            raise NoConfiguration(defaults.INCOMPLETE_CONFIG_MESSAGE)
        raise NoConfiguration(defaults.NO_DEFAULT_CONFIG_MESSAGE if self.any_saved else defaults.NO_CONFIG_MESSAGE)


def check_selection(selection: Selection) -> None:
    """Check the options; no file is read.

    :raises click.UsageError: both options, or an empty value (an unset shell variable must not select another account).
    """
    if selection.config is not None and selection.config_saved is not None:
        raise click.UsageError("-c/--config and -C/--config_saved are mutually exclusive. Give one of them.")
    if selection.config == "":
        raise click.UsageError(f"-c/--config needs a CLOUDINARY_URL, such as {config_url.URL_SHAPE}; it is empty.")
    if selection.config_saved == "":
        raise click.UsageError("-C/--config_saved needs the name of a saved configuration; it is empty.")


def resolve(
    selection: Selection,
    snapshot: Mapping[str, Any],
    environ: Mapping[str, str],
    directory_choice: Callable[[], Optional[DirectoryChoice]] = lambda: None,
) -> ResolvedConfig:
    """Choose the active configuration.

    :param directory_choice: called only when nothing before it in the order is given.
    :raises click.UsageError: a bad -c.
    :raises SelectionNotFound: an unknown -C.
    """
    check_selection(selection)
    if selection.config is not None:
        return _from_option(selection.config, snapshot)
    if selection.config_saved is not None:
        name = selection.config_saved
        if name not in snapshot or config_rules.is_reserved_config_name(name):
            raise SelectionNotFound(name, config_rules.user_config_names(snapshot))
        return _from_saved(name, snapshot, "-C")
    wanted = environ.get(config_url.CONFIG_NAME_VARIABLE)
    if wanted == ENVIRONMENT_NAME and wanted not in snapshot:
        return _from_environment(snapshot, environ)
    if wanted:
        return _from_variable(wanted, snapshot)
    try:
        choice = directory_choice()
    except ConfigError as error:
        return ResolvedConfig(problem=error, chosen_by="directory")
    if choice is not None:
        return _from_directory(choice, snapshot)
    default = config_rules.stored_default(snapshot)
    if default is not None:
        return _from_saved(default, snapshot, "default")
    return _from_environment(snapshot, environ)


def _from_option(url: str, snapshot: Mapping[str, Any]) -> ResolvedConfig:
    try:
        fields = config_url.parse_given(url).fields()
    except (AmbiguousConfigUrl, ImpossibleCloud) as error:
        raise click.UsageError(f"-c/--config cannot be used: {error}") from None
    except InvalidConfigUrl:
        import shlex

        is_name = url in snapshot and not config_rules.is_reserved_config_name(url)
        hint = f" '{url}' is a saved configuration: use -C {shlex.quote(url)}" if is_name else ""
        raise click.UsageError(f"-c/--config expects a CLOUDINARY_URL: {config_url.URL_SHAPE}.{hint}") from None
    return ResolvedConfig(Source.URL, None, url, fields, chosen_by="-c")


def _from_variable(name: str, snapshot: Mapping[str, Any]) -> ResolvedConfig:
    """The configuration that CLOUDINARY_CONFIG_NAME names.

    An unknown name is an error only in commands that need a configuration: `cld login NAME` creates one.
    """
    variable = config_url.CONFIG_NAME_VARIABLE
    if name in snapshot and not config_rules.is_reserved_config_name(name):
        return _from_saved(name, snapshot, variable)
    shown = one_line(name, None)
    hint = f"{did_you_mean(name, config_rules.user_config_names(snapshot))} ".lstrip()
    problem = ConfigError(
        f"{variable} is '{shown}', and no saved configuration has that name. {hint}"
        f"Set it to one of `cld config -ls`, or unset it: unset {variable}"
    )
    return ResolvedConfig(problem=problem, chosen_by=variable)


def _from_directory(choice: DirectoryChoice, snapshot: Mapping[str, Any]) -> ResolvedConfig:
    if choice.name in config_rules.user_config_names(snapshot):
        return _from_saved(choice.name, snapshot, "directory")._replace(directory=choice.directory)
    problem = ConfigError(
        f"The directory {one_line(choice.directory, None)} uses '{one_line(choice.name, None)}', and no saved "
        "configuration has that name. There, run: cld config --local NAME, or: cld config --unset-local"
    )
    return ResolvedConfig(problem=problem, chosen_by="directory", directory=choice.directory)


def _from_saved(name: str, snapshot: Mapping[str, Any], chosen_by: str) -> ResolvedConfig:
    url = snapshot[name]
    try:
        fields = config_url.parse(url).fields()
    except InvalidConfigUrl as error:
        return ResolvedConfig(Source.SAVED, name, problem=unusable(name, error), chosen_by=chosen_by)
    return ResolvedConfig(Source.SAVED, name, url, fields, chosen_by=chosen_by)


def unusable(name: str, error: InvalidConfigUrl) -> ConfigError:
    """The error for a saved configuration whose URL cannot be parsed."""
    import shlex

    shown = one_line(name, None)
    remove = f"cld config -rm {shlex.quote(shown)}"
    return ConfigError(f"The saved configuration '{shown}' is unusable: {error} Remove it: {remove}")


def _from_environment(snapshot: Mapping[str, Any], environ: Mapping[str, str]) -> ResolvedConfig:
    variable = "CLOUDINARY_CLOUD_NAME" if environ.get("CLOUDINARY_CLOUD_NAME") else "CLOUDINARY_URL"
    try:
        fields = environment_fields(environ)
    except InvalidConfigUrl as error:
        problem = ConfigError(f"The environment variable {variable} is invalid: {error} Fix it or unset it.")
        return ResolvedConfig(problem=problem, chosen_by=variable)
    if not fields:
        return ResolvedConfig(any_saved=bool(config_rules.user_config_names(snapshot)))
    return ResolvedConfig(Source.ENVIRONMENT, fields=fields, chosen_by=variable)


def config_to_api_kwargs(config: Any) -> Dict[str, Any]:
    """A config as arguments of an API call: with token and hosts, without the bookkeeping keys of a login."""
    fields = {key: value for key, value in vars(config).items() if not key.startswith("_")}
    if config.has_oauth:
        fields["oauth_token"] = config.oauth_token
    return {key: value for key, value in fields.items() if key not in OAUTH_INTERNAL_KEYS}
