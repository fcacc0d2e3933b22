"""`cld exec` with the SDK for Node.js, which reads the same CLOUDINARY_URL."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.proxy.test_exec import run
from test.support.sandbox_client import SandboxClient

SCRIPT = """
const cloudinary = require("cloudinary").v2;
const large = (path, options) => new Promise((done, failed) =>
  cloudinary.uploader.upload_large(path, options, (error, result) => (error ? failed(error) : done(result))));
(async () => {
  const photo = process.argv[2];
  const one = await cloudinary.uploader.upload(photo, { public_id: "node-one" });
  const parts = await large(photo, { public_id: "node-parts", resource_type: "image", chunk_size: 5500000 });
  const found = await cloudinary.search.expression("public_id:node-*").execute();
  const listed = await cloudinary.api.resource("node-one");
  console.log(JSON.stringify([one.bytes, parts.bytes, found.total_count, listed.public_id]));
})().catch((error) => { console.error(JSON.stringify(error)); process.exit(1); });
"""


@pytest.fixture(scope="module")
def node_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the SDK. CLD_TEST_NODE_MODULES names one that is installed already."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if node is None or npm is None:
        pytest.skip("needs Node.js and npm")
    project = tmp_path_factory.mktemp("node")
    installed = os.environ.get("CLD_TEST_NODE_MODULES")
    if installed:
        (project / "node_modules").symlink_to(installed)
        return project
    (project / "package.json").write_text("{}")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0", "cloudinary@2"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=150)
    if done.returncode:
        pytest.skip(f"npm cannot install the SDK: {done.stderr.strip()[-200:]}")
    return project


def test_a_node_program_uploads_in_parts_and_searches(
    box: SandboxClient, store: ConfigStore, node_project: Path, tmp_path: Path
) -> None:
    session = box.save_login(store, "box", stale=False)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0" + os.urandom(11_000_000) + b"\xff\xd9")
    (node_project / "job.js").write_text(SCRIPT)
    done = run("box", "--", "node", str(node_project / "job.js"), str(photo), cwd=str(node_project))
    assert done.returncode == 0, done.stderr
    size = photo.stat().st_size
    assert json.loads(done.stdout) == [size, size, 2, "node-one"]
    assert session.access_token not in done.stdout + done.stderr
    sent = box.requests("/v1_1/")
    assert {request["status"] for request in sent} == {200} and len(sent) >= 6
