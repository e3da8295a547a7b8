#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the instructions of a Containerfile in a chroot, where no image can be pulled. As root:

    tools/run_containerfile.py /var/chroots/i.dl -- --tmp-location XY --exec i.dl.predict --help

debootstrap makes the Debian that FROM names. Each RUN is executed as it is written, so that the
chroot and the image cannot differ; then ENTRYPOINT is called with the words after `--`, or CMD.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHROOT = ROOT / "tools" / "chroot.sh"
RELEASES = {"12": "bookworm", "13": "trixie", "14": "forky"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES = "/etc/ssl/private-certificates.crt"

Instruction = tuple[str, str]


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Containerfile, each as its word and the rest."""
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def release(image: str) -> str:
    """The name of the Debian release that an image holds."""
    found = re.search(r"debian:(\d+)", image)
    if not found or found[1] not in RELEASES:
        raise ValueError(f"FROM {image}: expected debian:NUMBER, one of {', '.join(RELEASES)}")
    return RELEASES[found[1]]


class Chroot:
    """A folder that becomes what an image would be.

    Args:
        folder: Root of the new system; must not hold anything.
        certificates: A file of certificate authorities that downloads are checked by, if it is not
            that of Debian.
    """

    def __init__(self, folder: Path, certificates: Path | None):
        self.folder = folder
        self.certificates = certificates
        self.variables = {"PATH": PATH, "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
        self.words: dict[str, list[str]] = {"ENTRYPOINT": [], "CMD": []}

    def follow(self, word: str, rest: str) -> None:
        """Do what an instruction says."""
        if word == "FROM":
            self.begin(release(rest))
        elif word == "ENV":
            self.variables |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "COPY" and rest.split()[0] == ".":
            self.copy(rest.split()[1])
        elif word == "RUN":
            self.call("/bin/sh", "-c", rest)
        elif word in self.words:
            self.words[word] = json.loads(rest)
        else:
            raise ValueError(f"{word} {rest}: this script does not know that instruction")

    def begin(self, name: str) -> None:
        """Make the Debian."""
        if self.folder.exists() and any(self.folder.iterdir()):
            raise ValueError(f"<{self.folder}> is not empty: name a new folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["debootstrap", "--variant=minbase", name, self.folder], check=True)
        shutil.copy("/etc/resolv.conf", self.folder / "etc" / "resolv.conf")
        if self.certificates:
            (self.folder / "etc" / "ssl").mkdir(exist_ok=True)
            shutil.copy(self.certificates, self.folder / CERTIFICATES.lstrip("/"))
            names = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
            self.variables |= dict.fromkeys(names, CERTIFICATES)

    def copy(self, target: str) -> None:
        """The checkout."""
        subprocess.run([CHROOT, "copy", self.folder / target.lstrip("/")], check=True)

    def call(self, *words: str) -> None:
        """Run a program inside."""
        subprocess.run([CHROOT, "run", self.folder, *words], env=self.variables, check=True)


def split_at_dashes(words: list[str]) -> tuple[list[str], list[str]]:
    """What is before and after `--`."""
    place = words.index("--") if "--" in words else len(words)
    return words[:place], words[place + 1 :]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="root of the new system")
    parser.add_argument("--file", type=Path, default=ROOT / "demo" / "service" / "Containerfile")
    parser.add_argument("--certificates", type=Path)
    parser.epilog = "After `--` follow the arguments of the entry point."
    own, words = split_at_dashes(sys.argv[1:])
    arguments = parser.parse_args(own)
    if os.geteuid():
        sys.exit("ERROR: chroot and mount need root")
    chroot = Chroot(arguments.folder.absolute(), arguments.certificates)
    try:
        for word, rest in instructions(arguments.file.read_text(encoding="utf-8")):
            begin = time.monotonic()
            print(f"{word} {rest}", flush=True)
            chroot.follow(word, rest)
            print(f"-> {time.monotonic() - begin:.0f} s", flush=True)
        call = [*chroot.words["ENTRYPOINT"], *(words or chroot.words["CMD"])]
        print(f"$ {shlex.join(call)}", flush=True)
        chroot.call(*call)
    except ValueError as error:
        sys.exit(f"ERROR: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"ERROR: exit status {error.returncode}: {shlex.join(map(str, error.cmd))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
