"""Detects the resource type, format and pixel size of a file from its first bytes and its name."""

from __future__ import annotations

import base64
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Optional, Tuple

from cloudinary_cli.transfer.keys import ALIASES, IMAGES, VIDEOS

# The smallest PNG: one transparent pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"%PDF-", "pdf"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
)
# JPEG segments that carry the frame size; C4, C8 and CC are tables.
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class Media:
    """The kind of a file; format is None for raw files."""

    resource_type: str
    format: Optional[str]
    width: Optional[int] = None
    height: Optional[int] = None


def split_name(filename: str) -> Tuple[str, str]:
    """Base name without directories, cut at the last dot: ``a/b.tar.gz`` gives ``b.tar`` and ``gz``."""
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    stem, extension = os.path.splitext(name)
    return stem, extension[1:].lower()


def inspect(path: Path, filename: str, wanted: str) -> Optional[Media]:
    """The kind of a file uploaded as `wanted` (image, video, raw or auto); None when it is not of that type."""
    if wanted == "raw":
        return Media("raw", None)
    extension = split_name(filename)[1]
    extension = ALIASES.get(extension, extension)
    with path.open("rb") as file:
        head = file.read(32)
        sniffed = _sniff(head) or extension
        width, height = _size(file, sniffed, head)
    if sniffed in IMAGES and wanted in ("image", "auto"):
        return Media("image", sniffed, width, height)
    if sniffed in VIDEOS and wanted in ("video", "auto"):
        return Media("video", sniffed)
    return Media("raw", None) if wanted == "auto" else None


def _sniff(head: bytes) -> Optional[str]:
    for signature, name in SIGNATURES:
        if head.startswith(signature):
            return name
    return "webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def _size(file: BinaryIO, kind: str, head: bytes) -> Tuple[Optional[int], Optional[int]]:
    try:
        if kind == "png":
            return struct.unpack(">II", head[16:24])
        if kind == "gif":
            return struct.unpack("<HH", head[6:10])
        if kind == "jpg":
            return _jpeg_size(file)
    except struct.error:
        pass
    return None, None


def _jpeg_size(file: BinaryIO) -> Tuple[Optional[int], Optional[int]]:
    file.seek(2)
    while True:
        start, marker, length = struct.unpack(">BBH", file.read(4))
        if start != 0xFF:
            return None, None
        if marker in FRAME_MARKERS:
            height, width = struct.unpack(">xHH", file.read(5))
            return width, height
        file.seek(length - 2, os.SEEK_CUR)
