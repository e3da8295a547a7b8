# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program elsewhere does: sends a chain, asks how it goes, fetches the results."""

from __future__ import annotations

import base64
import io
import json
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

POLL_S = 2.0
FINISHED = ("finished", "error", "terminated", "timeout")


class Refused(Exception):
    """The service answered with an error.

    Args:
        status: The HTTP status, or what became of the job.
        message: What the service says.
    """

    def __init__(self, status: int | str, message: str):
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Client:
    """A user of the service.

    Args:
        url: Address of the API, as in `http://127.0.0.1:8088/api/v3`.
        user: Name of the user.
        password: The user's password.
    """

    def __init__(self, url: str, user: str, password: str):
        self.url = url
        self.user = user
        secret = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/json"}

    def run(self, project: str, chain: dict[str, Any]) -> dict[str, Any]:
        """Send a chain, wait until it has ended, and return the service's last answer.

        Raises:
            Refused: If the service does not take it, or the job ends in an error.
        """
        answer = self._json(f"{self.url}/projects/{project}/processing_async_export", chain)
        address = f"{self.url}/resources/{self.user}/{answer['resource_id']}"
        while answer["status"] not in FINISHED:
            time.sleep(POLL_S)
            answer = self._json(address)
        if answer["status"] != "finished":
            raise Refused(answer["status"], reason(answer))
        return answer

    def fetch(self, answer: dict[str, Any], folder: Path, names: dict[str, str]) -> list[Path]:
        """Download what a job exported; a text file, which comes in an archive, is unpacked.

        Args:
            answer: The last answer of the job.
            folder: Where the files go.
            names: Other names for some of them: actinia has no word for a page in HTML, which is
                exported as `report.txt`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for address in answer["urls"]["resources"]:
            path = folder / address.rsplit("/", 1)[-1]
            content = self._open(address)
            if path.suffix == ".zip":
                # The only member has the name that it had on the server.
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    [member] = archive.namelist()
                    content, path = archive.read(member), path.with_suffix("")
            path = path.with_name(names.get(path.name, path.name))
            path.write_bytes(content)
            paths.append(path)
        return paths

    def _json(self, address: str, body: Any = None) -> dict[str, Any]:
        """The answer to a request; a POST of JSON if there is a body.

        The answer of a job that failed has the status of an error, too, and the report of the job.
        """
        try:
            return json.loads(self._open(address, body))
        except urllib.error.HTTPError as error:
            content = error.read()
            try:
                answer = json.loads(content)
            except ValueError:
                raise Refused(error.code, error.reason) from error
            if "resource_id" not in answer:
                raise Refused(error.code, reason(answer)) from error
            return answer

    def _open(self, address: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, self._headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()


def reason(answer: dict[str, Any]) -> str:
    """Why a request failed: what the last module that failed says, else what actinia says."""
    for step in reversed(answer.get("process_log") or []):
        if step.get("return_code"):
            errors = [line for line in step["stderr"] if line.startswith("ERROR")]
            return " ".join(errors or step["stderr"])
    return str(answer.get("message") or answer.get("Messages") or answer)
