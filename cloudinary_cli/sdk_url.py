"""The SDK's URL builder without the SDK's HTTP parts; knows what these are, and nothing of configurations.

The SDK's `cloudinary.utils` builds URLs and makes connection pools. The imports for the pools (urllib3, http.client,
ssl, email) take longer than all the rest of `cld url`. Here that one module of the SDK is executed with stand-ins in
their place; what builds and signs the URL is the SDK's own code.
"""

from __future__ import annotations

import importlib
import sys
import urllib.parse
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any, Dict, Iterator, Mapping

from cloudinary_cli.defaults import logger
from cloudinary_cli.utils.env_config import import_sdk


def delivery_url(source: str, options: Mapping[str, Any]) -> str:
    """The SDK's `cloudinary_url`. `options` name every value it depends on: it reads no configuration.

    An SDK that is loaded already, or that has come to need more than the stand-ins offer, is used as a whole.
    """
    if "cloudinary" not in sys.modules:
        try:
            return _alone(source, options)
        except (ImportError, AttributeError) as error:
            logger.debug("The SDK's URL module does not work alone: %s", error)
    return str(import_sdk("cloudinary.utils").cloudinary_url(source, **options)[0])


def _alone(source: str, options: Mapping[str, Any]) -> str:
    with _utils_alone() as utils:
        return str(utils.cloudinary_url(source, **options)[0])


@contextmanager
def _utils_alone() -> Iterator[ModuleType]:
    """`cloudinary.utils` among stand-ins. Afterwards nothing of it is left for a later import of the SDK to find.

    :raises ImportError: the SDK's module asks for something that the stand-ins lack.
    """
    before = set(sys.modules)
    try:
        for name, members in _stand_ins().items():
            if name not in before:
                sys.modules[name] = ModuleType(name)
                vars(sys.modules[name]).update(members)
        yield importlib.import_module("cloudinary.utils")
    finally:
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in ("cloudinary", "six", "urllib3"):
                del sys.modules[name]


def _stand_ins() -> Dict[str, Dict[str, Any]]:
    """Module name -> its members. The SDK names the pools when it is imported, and uses them for requests only."""
    package = find_spec("cloudinary")
    if package is None or package.submodule_search_locations is None:
        raise ImportError("the SDK is not a package")
    pools = ["PoolManager", "ProxyManager", "TCPKeepAlivePoolManager", "TCPKeepAliveProxyManager"]
    moves = SimpleNamespace(urllib=SimpleNamespace(parse=urllib.parse))
    return {
        "cloudinary": {
            "__path__": list(package.submodule_search_locations),
            "config": _Unset,
            "SHARED_CDN": "res.cloudinary.com",
            "OLD_AKAMAI_SHARED_CDN": "cloudinary-a.akamaihd.net",
        },
        "cloudinary.api_client.tcp_keep_alive_manager": dict.fromkeys(pools),
        "urllib3": dict.fromkeys(pools),
        # The same names for Python 2 and 3. The real modules import http.client for one of them.
        "cloudinary.compat": {
            "PY3": True,
            "string_types": (str,),
            "to_bytes": str.encode,
            "to_bytearray": lambda text: bytearray(text, "utf-8"),
            "to_string": bytes.decode,
            "urlparse": urllib.parse.urlparse,
        },
        "six": {"moves": moves, "iteritems": lambda mapping: iter(mapping.items())},
        "six.moves": {},
        "six.moves.urllib": {},
        "six.moves.urllib.parse": {},
    }


class _Unset:
    """An SDK configuration without values; the SDK, too, gives None for what is not set."""

    def __getattr__(self, name: str) -> None:
        return None
