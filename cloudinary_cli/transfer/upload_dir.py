"""`cld upload_dir`: uploads the files of a directory that match a glob, without comparing them with existing assets."""

from __future__ import annotations

import os
import re
import shlex
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Pattern, Sequence

from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError
from cloudinary_cli.progress import Progress
from cloudinary_cli.text import nfc, one_line
from cloudinary_cli.transfer.engine.filters import ItemFilter, translated
from cloudinary_cli.transfer.engine.plan_file import PlanLine, one_of, open_plan
from cloudinary_cli.transfer.engine.records import LocalFile, Outcome, Status
from cloudinary_cli.transfer.engine.run import Run, TransferOptions, transfer_run
from cloudinary_cli.transfer.engine.summary import listed
from cloudinary_cli.transfer.http.upload import UploadTarget, is_true
from cloudinary_cli.transfer.keys import FolderMode, joined, normalized, place
from cloudinary_cli.transfer.planned import PlannedUpload
from cloudinary_cli.transfer.remote import folder_mode
from cloudinary_cli.transfer.scan import ScanResult, scan
from cloudinary_cli.transfer.upload_options import default_options, upload_target

EVERYTHING = "**/*"


@dataclass(frozen=True)
class UploadDirOptions:
    """The options of `cld upload_dir`. `own_name` puts the files into a folder with the name of the directory."""

    directory: str = "."
    glob: str = EVERYTHING
    include_hidden: bool = False
    folder: str = ""
    own_name: bool = True
    mode: Optional[FolderMode] = None  # None: the account's mode
    upload_options: Mapping[str, Any] = field(default_factory=dict)
    transfer: TransferOptions = field(default_factory=TransferOptions)

    @property
    def path(self) -> str:
        return os.path.abspath(self.directory)

    @property
    def target_folder(self) -> str:
        """The folder of the files at the top of the directory."""
        return joined(self.folder, os.path.basename(self.path) if self.own_name else "")


def upload_dir(app: AppContext, options: UploadDirOptions) -> None:
    """Upload the files.

    :raises TransferIncomplete: some items failed, the others were done. :raises CliError: the run could not start.
    """
    matches = glob_pattern(options.glob)
    item_filter = options.transfer.item_filter()
    if options.transfer.items:
        _upload_items(app, options, lambda item: _is_included(item.path, matches, item_filter))
        return
    progress = Progress()
    with app.console.live(progress.rows):
        local = _scan(options, progress)
    with transfer_run(app, options.transfer) as run:
        mode = options.mode or folder_mode()
        what = "directory" if options.own_name else "contents of directory"
        app.console.info(f"Uploading {what} '{one_line(options.path, None)}' ({mode.value} folder mode)")
        files = [f for f in local.files if _is_included(f.relative, matches, item_filter)]
        known = [*(f.relative for f in local.files), *(problem.key for problem in local.problems)]
        run.record(item_filter.missing(known))
        if not files:
            app.console.warning(f"No file of '{one_line(options.path, None)}' matches the options.")
        given, uploads = options.upload_options, [_upload(options, file, mode) for file in files]
        # A dry run without a report does not need to know who chooses the public IDs.
        has_ids = bool(files) and not (options.transfer.dry_run and not options.transfer.report)
        target = upload_target(run.session, app.sdk_config, mode, given, has_ids)
        if mode is FolderMode.FIXED:
            _warn_of_shared_ids(run, options, uploads)
        if options.transfer.dry_run:
            _print_plan(run, uploads)
            run.plan(upload.with_public_id(target, given).as_item() for upload in uploads)
        else:
            run.record(_problems(local, matches, item_filter))
            run.execute([upload.action(target, options.path, given) for upload in uploads])
        _finish(run, options, len(files))


def _upload(options: UploadDirOptions, file: LocalFile, mode: FolderMode) -> PlannedUpload:
    folder = joined(options.target_folder, file.relative.rpartition("/")[0])
    return PlannedUpload(file.relative, mode, folder, size=file.size)


def _warn_of_shared_ids(run: Run, options: UploadDirOptions, uploads: Sequence[PlannedUpload]) -> None:
    """Warn of files whose assets overwrite each other: in fixed folder mode a.jpg and a.png have the same public ID."""
    given = {**default_options(FolderMode.FIXED), **options.upload_options}
    has_own_ids = is_true(given["unique_filename"]) or not is_true(given["use_filename"])
    if has_own_ids or given.get("public_id") or given["resource_type"] == "raw":
        return
    places = [place(normalized(upload.path), FolderMode.FIXED) for upload in uploads]
    counts = Counter(places)
    shared = [upload.path for upload, own in zip(uploads, places) if counts[own] > 1]
    if shared:
        run.app.console.warning(
            f"{len(shared)} files have the public ID of another file, so only the last upload of each ID is kept:"
            f" {', '.join(listed(shared))}. To keep all, add -O unique_filename true, or use `cld sync --push -K`."
        )


def _is_included(path: str, matches: Pattern[str], item_filter: ItemFilter) -> bool:
    return bool(matches.match(nfc(path))) and item_filter.includes(path)


def _upload_items(app: AppContext, options: UploadDirOptions, includes: Callable[[PlanLine], bool]) -> None:
    """Carry out the plan of --items. Its lines have the folders."""

    def record(item: PlanLine) -> PlannedUpload:
        one_of(item, ("upload",))
        return PlannedUpload.of_item(item)

    with open_plan(options.transfer, record, includes) as items, transfer_run(app, options.transfer) as run:
        total = items.check(run)
        if options.transfer.dry_run:
            items.print_plan(run)
        else:
            # The plan has the public IDs that the client may choose.
            target = UploadTarget(run.session, app.sdk_config, names_assets=True)
            uploads = (upload.action(target, options.path, options.upload_options) for upload in items)
            run.execute(uploads, total=total.count)
        _finish(run, options, total.count)


_EXAMPLE = "cld upload_dir /path/to/photos -g '*.jpg'"
_STARS = re.compile(r"(\\.)|\*{2,}", re.DOTALL)


def glob_pattern(glob: str) -> Pattern[str]:
    """A pattern for paths relative to the directory that matches what pathlib's `Path.glob` finds.

    `*`, `?` and `[...]` match within a name, and `**` matches any number of directories; at the end, everything below
    them. A backslash escapes the next character; on Windows it separates names.

    :raises CliError: the glob is empty, absolute, malformed, or leads out of the directory.
    """
    glob = nfc(glob)
    parts = (glob.replace("\\", "/") if os.name == "nt" else glob).split("/")
    if os.path.isabs(glob) or os.path.splitdrive(glob)[0]:
        raise CliError(f"The pattern '{glob}' is absolute. Give the directory, and a relative pattern: {_EXAMPLE}")
    if ".." in parts:
        raise CliError(f"The pattern '{glob}' leads out of the directory. Give the other directory: {_EXAMPLE}")
    parts = [part for part in parts if part not in ("", ".")]
    if not parts:
        raise CliError(f"The pattern '{glob}' is empty. Omit -g to upload all files.")
    # Two stars within a name are equivalent to one star, and repeated `**` parts to one `**` part.
    names = [part if part == "**" else _STARS.sub(lambda match: match[1] or "*", part) for part in parts]
    names = [name for name, after in zip(names, [*names[1:], ""]) if not name == after == "**"]
    try:
        return re.compile(translated("/".join(names)) + "\\Z", re.DOTALL | (re.IGNORECASE if os.name == "nt" else 0))
    except re.error as error:
        raise CliError(f"The pattern '{glob}' cannot be used: {error}.") from None


def _scan(options: UploadDirOptions, progress: Progress) -> ScanResult:
    """:raises CliError: the path is not a directory, or cannot be read."""
    if os.path.isfile(options.directory):
        quoted = shlex.quote(options.directory)
        raise CliError(f"'{options.directory}' is a file. Upload it with: cld uploader upload {quoted}")
    local = scan(options.path, options.include_hidden, progress)
    if not local.exists:
        raise CliError(f"Directory: {options.path} does not exist")
    return local


def _problems(local: ScanResult, matches: Pattern[str], item_filter: ItemFilter) -> List[Outcome]:
    """The entries that cannot be transferred, limited to those that the options include."""
    found = [problem for problem in local.problems if item_filter.may_include(problem.key)]
    return [problem for problem in found if problem.key.endswith("/") or matches.match(nfc(problem.key))]


def _print_plan(run: Run, uploads: Sequence[PlannedUpload]) -> None:
    if uploads:
        run.app.console.info("The following files would be uploaded:")
    for upload in uploads:
        run.app.console.info(one_line(f"{upload.path} into {upload.folder or '/'}", None))


def _finish(run: Run, options: UploadDirOptions, planned: int) -> None:
    tally, console = run.tally, run.app.console
    skipped = tally.of(Status.SKIPPED)
    done: Dict[str, Any] = {"would_upload": planned}
    if not options.transfer.dry_run:
        done = {"uploaded": tally.ok, "skipped": skipped}
        console.success(f"{tally.ok} resources uploaded")
        if tally.failed + skipped:
            console.warning(f"{tally.failed + skipped} items skipped")
    summary = {"command": "upload_dir", "directory": options.path, "folder": options.target_folder or "/", **done}
    run.finish(summary, f"{tally.failed} files were not uploaded.")
