"""The key by which files and assets are compared: the normalized relative path. Pure.

Contains the server's extension aliases, the two folder modes, and the naming of assets in search results.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from enum import Enum
from typing import Any, Mapping, Optional, Tuple

from cloudinary_cli.text import nfc
from cloudinary_cli.transfer.engine.records import RemoteAsset

# The file in which sync records changed names, in the local folder.
NAME_MAP = ".cld-sync"
ALIASES = {
    "jpeg": "jpg", "jpe": "jpg", "tif": "tiff", "ps": "eps", "ept": "eps", "eps3": "eps", "j2k": "jpc", "jxr": "wdp",
    "hdp": "wdp", "m4v": "mp4", "h264": "mp4", "mp4dv": "mp4", "mp4da": "mp4", "asf": "wmv", "m2v": "mpeg",
    "m2t": "ts", "m2ts": "ts", "aif": "aiff", "aifc": "aiff", "mka": "webm", "webmda": "webm", "webmdv": "webm",
    "opus": "ogg", "bmp2": "bmp", "bmp3": "bmp", "heif": "heic", "mid": "midi",
}  # fmt: skip
# https://cloudinary.com/documentation/ts_permitted_naming_conventions
FORBIDDEN = re.compile(r"[?&#\\%<>+]")
IMAGES = frozenset(
    "ai avif bmp bw djvu dng eps fbx flif gif glb gltf heic ico indd jp2 jpc jpg jxl obj pdf png psd svg tga tiff"
    " u3ma usdz wdp webp".split()
)
VIDEOS = frozenset(
    "3g2 3gp aac aiff amr avi flac flv m3u8 m4a midi mkv mov mp3 mp4 mpeg mpg mxf ogg ogv ts wav webm wmv".split()
)


class FolderMode(str, Enum):
    """Where the folder of an asset is stored: in its public ID, or in a separate attribute.

    https://cloudinary.com/documentation/folder_modes
    """

    FIXED = "fixed"
    DYNAMIC = "dynamic"


def is_reserved(path: str) -> bool:
    """True when a part of the path is `.cld-sync`, on any file system."""
    return any(folded(part) == NAME_MAP for part in path.split("/"))


def split_extension(path: str) -> Tuple[str, str]:
    """`a/b.tar.gz` -> `a/b.tar`, `.gz`. A leading or final dot of a name does not start an extension."""
    slash, dot = path.rfind("/"), path.rfind(".")
    if dot < 0 or dot == len(path) - 1 or not path[slash + 1 : dot].strip("."):
        return path, ""
    return path[:dot], path[dot:]


def normalized(path: str) -> str:
    """The path in Unicode normal form C, with the extension in lower case and replaced by the server's alias for it."""
    path = nfc(path)
    stem, extension = split_extension(path)
    if not extension:
        return path
    lower = extension[1:].lower()
    alias = ALIASES.get(lower, lower)
    return path if alias == extension[1:] else f"{stem}.{alias}"  # most keys are the path itself, and take no memory


def permitted(name: str) -> str:
    """A name as an upload changes it: underscores replace the characters that a public ID cannot contain."""
    return FORBIDDEN.sub("_", name).strip()


def uploaded_key(key: str) -> str:
    """The key of the asset that an upload of a file with this key creates: the server changes some names."""
    directory, slash, name = key.rpartition("/")
    stem, extension = split_extension(name)
    return f"{directory}{slash}{permitted(stem)}{extension}"


def folded(name: str) -> str:
    """A form that is equal for two names that some file system treats as the same name.

    Case, Unicode normal form and format characters are ignored. HFS+ ignores the latter (see CVE-2014-9390 of git).
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _visible(name)).casefold())


def name_problem(path: str) -> Optional[str]:
    """Why a path cannot be the name of both a local file and an asset; None if it can."""
    if path.isprintable():
        return None
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if any(unicodedata.category(char) == "Cc" for char in path):
        return "its name has control characters"
    return None


def is_hidden(path: str) -> bool:
    """True when a name in the path, other than `.` and `..`, begins with a dot."""
    return any(name.startswith(".") and name not in (".", "..") for name in _visible(path).split("/"))


def _visible(name: str) -> str:
    return name if name.isascii() else "".join(char for char in name if unicodedata.category(char) != "Cf")


def is_media(extension: str) -> bool:
    """True for the extension (with its dot) of a format that the server treats as an image or a video."""
    return resource_type_of(extension) != "raw"


def resource_type_of(extension: str) -> str:
    """The resource type that the server gives to a file with this extension (with its dot)."""
    lower = extension[1:].lower()
    name = ALIASES.get(lower, lower)
    return "image" if name in IMAGES else "video" if name in VIDEOS else "raw"


def joined(*parts: str) -> str:
    """Folder names as one path without empty parts: `/g//h/`, `a` -> `g/h/a`. Empty for the root."""
    return "/".join(name for part in parts for name in part.split("/") if name)


def remote_key(result: Mapping[str, Any], folder: str, mode: FolderMode) -> Optional[str]:
    """The key of an asset of a search or upload result; None if the asset is not in the folder.

    Missing members have defaults: the display name is the last part of the public ID.
    """
    path = _fixed_path(result) if mode is FolderMode.FIXED else _dynamic_path(result, folder)
    # Names may begin or end with a slash, and the public ID of an asset of type fetch is a URL.
    path, folder = nfc(joined(path)), nfc(folder)
    if folder:
        if not path.startswith(folder + "/"):
            return None
        path = path[len(folder) + 1 :]
    return normalized(path) or None


def _text(result: Mapping[str, Any], name: str) -> str:
    value = result.get(name)
    return value if isinstance(value, str) else ""


def _word(result: Mapping[str, Any], name: str) -> str:
    """A text that many assets share. It is stored once."""
    return sys.intern(_text(result, name))


def _fixed_path(result: Mapping[str, Any]) -> str:
    public_id, extension = _text(result, "public_id"), _text(result, "format")
    if result.get("resource_type") == "raw" or result.get("type") == "fetch" or not extension:
        return public_id
    return f"{public_id}.{extension}"


def _dynamic_path(result: Mapping[str, Any], folder: str) -> str:
    asset_folder = result.get("asset_folder")
    name = _text(result, "display_name") or _text(result, "public_id").rpartition("/")[2]
    # The search found the asset in the folder, so that is the default.
    directory = asset_folder if isinstance(asset_folder, str) else folder
    return f"{directory}/{name}{_dynamic_extension(result, name)}"


def _dynamic_extension(result: Mapping[str, Any], name: str) -> str:
    if result.get("type") == "fetch":
        return ""
    if result.get("resource_type") == "raw":
        extension = split_extension(_text(result, "public_id"))[1]
        return "" if name.lower().endswith(extension.lower()) else extension
    extension = _text(result, "format")
    return f".{extension}" if extension else ""


def remote_asset(result: Mapping[str, Any], folder: str, mode: FolderMode) -> Optional[RemoteAsset]:
    """A search result as an asset; None without a public ID, or if it is not in the folder."""
    key = remote_key(result, folder, mode) if _text(result, "public_id") else None
    if key is None:
        return None
    analysis = result.get("image_analysis")
    etag = _text(result, "etag") or (_text(analysis, "etag") if isinstance(analysis, dict) else "")
    return RemoteAsset(
        key=key,
        public_id=_text(result, "public_id"),
        resource_type=_word(result, "resource_type") or "image",
        type=_word(result, "type") or "upload",
        format=_word(result, "format"),
        etag=etag.lower(),
        size=_number(result.get("bytes")),
        version=_number(result.get("version")),
        created_at=_text(result, "created_at"),
        asset_folder=_word(result, "asset_folder"),
        display_name=_text(result, "display_name"),
        access_mode=_word(result, "access_mode"),
        secure_url=_text(result, "secure_url"),
        server_key=key,
    )


def _number(value: Any) -> Optional[int]:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def place(key: str, mode: FolderMode) -> Tuple[str, str]:
    """A value that two keys on the server must not have in common.

    The server replaces some characters, so `e & f.jpg` and `e _ f.jpg` have the same name. In fixed mode the public ID
    is the path without its extension, so a.jpg and a.png are the same image.
    """
    key = uploaded_key(key)
    stem, extension = split_extension(key)
    if mode is FolderMode.FIXED and extension[1:] in IMAGES:
        return stem, "image"
    if mode is FolderMode.FIXED and extension[1:] in VIDEOS:
        return stem, "video"
    return key, ""
