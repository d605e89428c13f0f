"""Exit codes: part of the contract that users script against."""

from __future__ import annotations

DONE = 0
LIMIT = 1  # done, but a declared limit broke: conservation, yield, dead-letter share, verify
USAGE = 2  # usage or configuration
PARTIAL = 3  # partial, resumable
ENVIRONMENT = 4  # disk, credentials, quota, missing package
INTERRUPTED = 130


class Failure(Exception):
    """Ends the command with a code and one clear sentence."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code
