"""Builds the `cloudinary-cli` distribution; only the package `cloudinary_cli` is installed."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "cloudinary_cli" / "version.py").read_text(encoding="utf-8"))

# Floors leave out versions with known vulnerabilities. Python 3.8 gets the last versions made for it.
SANDBOX = [
    "flask>=3.1.3; python_version >= '3.9'",
    "flask>=3.0.3; python_version < '3.9'",
    "werkzeug>=3.1.6; python_version >= '3.9'",
    "werkzeug>=3.0.6; python_version < '3.9'",
    "authlib>=1.6.9; python_version >= '3.9'",
    "authlib>=1.3.2; python_version < '3.9'",
    "waitress>=3.0.1; python_version >= '3.9'",
    "waitress>=3.0.0; python_version < '3.9'",
]
# The floor of mkdocs-material has its fix of a cross-site scripting hole in the search.
DOCS = ["mkdocs-material>=9.5.32", "mkdocs>=1.6.1", "pyte>=0.8.1"]
KEYRING = ["keyring>=23.9", "cryptography>=44.0.1"]
TEST = (
    SANDBOX
    + KEYRING
    + DOCS
    + [
        "pytest>=7",
        "pytest-timeout>=2",
        "pytest-xdist>=3",
        "hypothesis>=6",
        "PySocks>=1.7",
        "setuptools>=70.1",
        "pyyaml>=6",
        "fastjsonschema>=2.18",
    ]
)
REPOSITORY = "https://github.com/cloudinary/cloudinary-cli"


def for_pypi(readme: str) -> str:
    """README.md with absolute links, because PyPI does not have the files that it links to."""
    readme = re.sub(r"(!\[[^]]*\]\()(?!https?:)", rf"\1{REPOSITORY}/raw/HEAD/", readme)
    return re.sub(r"((?<!!)\[[^]]*\]\()(?!https?:|#)", rf"\1{REPOSITORY}/blob/HEAD/", readme)


setup(
    name="cloudinary-cli",
    version=VERSION.group(1),
    description="The Cloudinary command line: log in, upload, manage, transform and deliver images and video.",
    long_description=for_pypi((HERE / "README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
    url=REPOSITORY,
    license="MIT",
    packages=find_packages(include=["cloudinary_cli", "cloudinary_cli.*"]),
    package_data={"cloudinary_cli": ["py.typed", "templates/**/*"]},
    data_files=[("share/man/man1", ["docs/man/cld.1"])],
    python_requires=">=3.8",
    install_requires=(HERE / "requirements.txt").read_text(encoding="utf-8").splitlines(),
    extras_require={"sandbox": SANDBOX, "keyring": KEYRING, "docs": DOCS, "test": TEST},
    entry_points={"console_scripts": ["cld=cloudinary_cli.cli:main", "cloudinary=cloudinary_cli.cli:main"]},
    classifiers=[
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
    ],
)
