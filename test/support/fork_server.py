"""Processes of `cld` that start in milliseconds: a server has imported everything, and forks for each of them.

A child is a process of its own, with its own environment, working directory, streams and signals. It differs from
`python -m cloudinary_cli` in what happens before main(): the interpreter does not start, and no module is imported. So
what depends on that (locales, PYTHON* variables, imports) is tested with `python -m cloudinary_cli`.

Run as a script, this module is the server, which inherits a listening Unix socket as its stdin. With arguments it is a
client: `ForkServer.command` is what a shell script runs in the place of `cld`.
"""

from __future__ import annotations

import array
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from typing import IO, Any, Dict, List, Optional, Sequence, Tuple

PRELOADED = """admin agent completion config config_create config_refresh config_saved config_show login logout
    provisioning sandbox search search_folders token uploader url utils whoami""".split()
_MAX_REQUEST = 1 << 20


class ForkServer:
    """The tests' side. Start it once per worker of the test run."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="cld-fork-")
        self._path = os.path.join(self._directory.name, "s")
        # -S and -E: this interpreter needs neither packages nor settings, and starts in half the time.
        self.command: List[str] = [sys.executable, "-S", "-E", __file__, self._path]
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._path)
            listener.listen(64)
            self._process = subprocess.Popen([sys.executable, "-m", __name__], stdin=listener)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._directory.cleanup()

    def run(
        self, args: Sequence[str], env: Dict[str, str], cwd: str, input: bytes, timeout: float
    ) -> Tuple[int, bytes, bytes]:
        """Exit status (negative for a signal, as subprocess has it), stdout and stderr of one `cld ARGS`."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._path)
            connection.settimeout(timeout)
            (stdin, stdin_end), (stdout, stdout_end), (stderr, stderr_end) = os.pipe(), os.pipe(), os.pipe()
            request = {"args": list(args), "env": env, "cwd": cwd}
            _send_with_descriptors(connection, request, [stdin, stdout_end, stderr_end])
            for descriptor in (stdin, stdout_end, stderr_end):
                os.close(descriptor)
            results = [_Reader(stdout), _Reader(stderr)]
            writer = threading.Thread(target=_write_all, args=(stdin_end, input), daemon=True)
            writer.start()
            with connection.makefile("r") as replies:
                pid = int(replies.readline())
                try:
                    status = int(replies.readline())
                except socket.timeout:
                    os.kill(pid, 9)
                    raise subprocess.TimeoutExpired(list(args), timeout) from None
            return status, results[0].result(), results[1].result()


class _Reader:
    """Reads a pipe to its end in a thread."""

    def __init__(self, descriptor: int) -> None:
        self._file: IO[bytes] = os.fdopen(descriptor, "rb")
        self._data = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._file:
            self._data = self._file.read()

    def result(self) -> bytes:
        self._thread.join()
        return self._data


def _write_all(descriptor: int, data: bytes) -> None:
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except BrokenPipeError:
        pass  # the command did not read it


# socket.send_fds() and recv_fds() came with Python 3.9.
def _send_with_descriptors(connection: socket.socket, request: Dict[str, Any], descriptors: List[int]) -> None:
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    data = json.dumps(request).encode("utf-8", "surrogateescape") + b"\n"
    sent = connection.sendmsg([data], rights)
    connection.sendall(data[sent:])


def _receive(connection: socket.socket) -> Tuple[Dict[str, Any], List[int]]:
    descriptors = array.array("i")
    data, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_LEN(3 * descriptors.itemsize))
    for level, kind, payload in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(payload[: len(payload) - len(payload) % descriptors.itemsize])
    while not data.endswith(b"\n"):
        data += connection.recv(65536)
    return json.loads(data.decode("utf-8", "surrogateescape")), list(descriptors)


def _serve(listener: socket.socket) -> Optional[Dict[str, Any]]:
    """Fork for each connection. Returns the request, in the forked process that carries it out."""
    while True:
        connection, _ = listener.accept()
        request, descriptors = _receive(connection)
        if os.fork() == 0:
            break
        connection.close()
        for descriptor in descriptors:
            os.close(descriptor)
        _reap()
    listener.close()
    # This process only waits for the command's, which is a child of its own, and reports its exit status.
    pid = os.fork()
    if pid:
        for descriptor in (*descriptors, 0):
            os.close(descriptor)
        connection.sendall(b"%d\n" % pid)
        status = os.waitpid(pid, 0)[1]
        connection.sendall(b"%d\n" % (-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)))
        os._exit(0)
    connection.close()
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
    return request


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _become(request: Dict[str, Any]) -> None:
    """Set the environment, working directory and arguments of this process from a request."""
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.argv = ["cld", *request["args"]]


def pass_on(path: str, args: List[str]) -> int:
    """Run `cld ARGS` with the streams, environment and directory of this process; its exit status, as a shell has it."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        request = {"args": args, "env": dict(os.environ), "cwd": os.getcwd()}
        _send_with_descriptors(connection, request, [0, 1, 2])
        with connection.makefile("r") as replies:
            pid = int(replies.readline())
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda received, frame: os.kill(pid, received))
            status = int(replies.readline())
    return status if status >= 0 else 128 - status


def main() -> None:
    import importlib

    from cloudinary_cli import cli
    from cloudinary_cli.sdk import loader

    for name in PRELOADED:
        importlib.import_module(f"cloudinary_cli.core.{name}")
    for name in ("clone", "migrate", "regen_derived", "sync", "upload_dir"):
        importlib.import_module(f"cloudinary_cli.modules.{name}")
    for api in ("admin", "uploader", "provisioning", "utils"):
        loader.module(api)
    importlib.import_module("filelock")
    importlib.import_module("requests")
    request = _serve(socket.socket(fileno=os.dup(0)))
    if request is not None:
        _become(request)
        sys.exit(cli.main())


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(pass_on(sys.argv[1], sys.argv[2:]))
    main()
