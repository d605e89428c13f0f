"""Known vulnerabilities of what requirements.lock names, by pip-audit (make audit).

    python .ci/audit.py [--required] [--lock FILE]

Exit code 1 if a pinned version has one that IGNORED does not name. A package that the advisory service could not be asked about is said so:
pip-audit itself calls that "no known vulnerabilities". With --required or WEFT_AUDIT=required (CI's weekly run) that is exit code 4; without, a
machine behind a mirror or without a network goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PIP_AUDIT = "pip-audit==2.10.1"
IGNORED: dict[str, str] = {}  # id of an advisory -> why it does not concern us


class Answer(NamedTuple):
    vulnerable: list[str]  # one line each
    ignored: list[str]  # advisories
    unasked: list[str]  # packages
    asked: int  # packages


def judge(report: dict[str, Any], ignored: dict[str, str] = IGNORED) -> Answer:
    """What pip-audit's JSON says."""
    vulnerable, passed, unasked, asked = [], [], [], 0
    for d in report["dependencies"]:
        if "skip_reason" in d:
            unasked.append(d["name"])
            continue
        asked += 1
        for v in d["vulns"]:
            names = {v["id"], *v.get("aliases", ())}
            if names & set(ignored):
                passed.append(v["id"])
            else:
                vulnerable.append(f"{d['name']} {d['version']}: {v['id']}, mended in {', '.join(v['fix_versions']) or 'no version yet'}")
    return Answer(vulnerable, passed, unasked, asked)


def audit(lock: Path) -> Answer | str:
    """The answer, or why there is none."""
    command = [
        "uv",
        "tool",
        "run",
        PIP_AUDIT,
        "-r",
        str(lock),
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as e:
        return f"{type(e).__name__}: {e}"
    begin = done.stdout.find('{"dependencies"')
    if begin < 0:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:300]
    return judge(json.loads(done.stdout[begin:]))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python .ci/audit.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    required = os.environ.get("WEFT_AUDIT") == "required"
    parser.add_argument("--required", action="store_true", default=required, help="exit code 4 if a package could not be asked about")
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements.lock")
    args = parser.parse_args(arguments)
    found = audit(args.lock)
    if isinstance(found, str):
        print(f"dependencies NOT audited: {found}", file=sys.stderr)
        return 4 if args.required else 0
    for line in found.vulnerable:
        print(line)
    print(f"{found.asked} packages asked about, {len(found.vulnerable)} vulnerabilities, {len(found.ignored)} ignored", file=sys.stderr)
    if found.unasked:
        print(
            f"{len(found.unasked)} packages NOT audited: the service does not know them ({', '.join(found.unasked[:5])} ...)",
            file=sys.stderr,
        )
    if found.vulnerable:
        return 1
    return 4 if args.required and (found.unasked or not found.asked) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
