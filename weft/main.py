"""`weft VERB ...`: finds the verb, runs it, turns failures into one clear sentence and the right exit code."""

from __future__ import annotations

import argparse
import atexit
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from weft import __version__
from weft.console import say
from weft.exits import ENVIRONMENT, INTERRUPTED, LIMIT, PARTIAL, USAGE, Failure

# verb -> (one line of help, module below weft.verbs)
VERBS: dict[str, tuple[str, str]] = {
    "demo": ("make a small web, curate it, check the shards, train on them: everything, offline", "demo"),
    "init": ("write a commented configuration", "init"),
    "doctor": ("check this machine: versions, models, disk, Java, GPU, what each engine needs", "doctor"),
    "plan": ("what a run would do and cost, before it costs anything", "plan"),
    "run": ("WARCs in, verified shards out", "run"),
    "status": ("how far a run is", "status"),
    "retry": ("ask again for images that failed for a passing reason", "retry"),
    "verify": ("read every shard and prove that it is what the manifest says", "verify"),
    "report": ("write report.html again", "report"),
    "why": ("why a page, document or image was kept or dropped", "why"),
    "whatif": ("what other thresholds would have kept", "whatif"),
    "calibrate": ("what a CLIP limit keeps, and how well it tells right captions from wrong", "calibrate"),
    "diff": ("what differs between two runs", "diff"),
    "serve": ("the auditor's explorer, on loopback", "serve"),
    "index": ("the dedup index that later crawls are compared with: append, list, drop, compact", "index"),
    "takedown": ("take URLs, domains or images out of published shards", "takedown"),
    "export": ("write a run in another project's format", "export"),
    "import": ("bring data made by others into a run", "import_"),
    "train": ("train a vision-language model on shards", "train"),
    "eval": ("measure a checkpoint", "eval"),
    "ablate": ("the paper's findings in miniature, and what each filter of the data is worth", "ablate"),
    "bench": ("ours beside the peers, in one run", "bench"),
}


class Parser(argparse.ArgumentParser):
    """argparse that suggests the nearest option, and exits 2 as the contract says."""

    def error(self, message: str) -> None:  # type: ignore[override]
        if message.startswith("unrecognized arguments: "):
            message = unknown_options(message.split(": ", 1)[1].split(), [s for a in self._actions for s in a.option_strings])
        raise Failure(USAGE, f"{message} (see `{self.prog} --help`)")


def unknown_options(given: Sequence[str], known: Sequence[str]) -> str:
    """One sentence naming each unknown option and what it may have meant."""
    out: list[str] = []
    for g in given:
        if not g.startswith("-"):
            out.append(f"unexpected argument {g!r}")
            continue
        close = difflib.get_close_matches(g.split("=")[0], known, n=1)
        out.append(f"unknown option {g.split('=')[0]}" + (f"; did you mean {close[0]}?" if close else ""))
    return "; ".join(out)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb; the return value is the exit code (see `weft.exits`)."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(argv)
    except Failure as e:
        say(f"weft: {e}")
        return e.code
    except KeyboardInterrupt:
        say("weft: interrupted; run the same command again to go on from here")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as e:
        if os.environ.get("WEFT_DEBUG"):
            raise
        code, message = explain(e)
        say(f"weft: {message}")
        return code


def explain(e: BaseException) -> tuple[int, str]:
    """Exit code and sentence for an exception that reached the top."""
    names = {c.__name__ for c in type(e).__mro__}
    if names & {"ConfigError", "RuleError", "InputError"}:
        return USAGE, str(e)
    if "ConservationError" in names:
        return LIMIT, str(e)
    if "EnvironmentMissing" in names or isinstance(e, (OSError, MemoryError, ModuleNotFoundError)):
        return ENVIRONMENT, _environment(e)
    if "StageError" in names or "ManifestError" in names:
        return PARTIAL, str(e)
    return PARTIAL, f"{type(e).__name__}: {e} (finished parts are kept; run again to resume, or set WEFT_DEBUG=1 for the traceback)"


def _environment(e: BaseException) -> str:
    if isinstance(e, ModuleNotFoundError):
        from weft.extras import extra_for

        return f"this needs the package {e.name!r}, which is not installed: pip install 'weft[{extra_for(e.name or '')}]'"
    if isinstance(e, MemoryError):
        return "out of memory: use fewer workers (--workers) or smaller units (--set input.unit_bytes=...)"
    where = f" ({e.filename})" if isinstance(e, OSError) and e.filename else ""
    return f"{getattr(e, 'strerror', None) or e}{where}; free what it needs and run the same command again"


def _dispatch(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if argv[0] in ("-V", "--version"):
        print(f"weft {__version__}")
        return 0
    parser, module = parser_of(argv[0])
    if getattr(module, "PASSES_ON", False):  # Beam's options go through; the verb checks what is left
        args, args.rest = parser.parse_known_args(argv[1:])
    else:
        args = parser.parse_args(argv[1:])
    return int(module.run(args) or 0)


def parser_of(verb: str) -> tuple[Parser, Any]:
    """The parser of a verb and the module behind it; a Failure names the nearest verb."""
    if verb not in VERBS:
        close = difflib.get_close_matches(verb, VERBS, n=1)
        raise Failure(USAGE, f"no verb {verb!r}" + (f"; did you mean `weft {close[0]}`?" if close else "; see `weft --help`"))
    text, name = VERBS[verb]
    module = importlib.import_module(f"weft.verbs.{name}")
    parser = Parser(prog=f"weft {verb}", description=f"{text[0].upper()}{text[1:]}.", epilog=getattr(module, "EPILOG", None), formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)  # fmt: skip
    module.arguments(parser)
    return parser, module


def usage() -> str:
    width = max(map(len, VERBS))
    lines = [f"  {verb.ljust(width)}  {text}" for verb, (text, _) in VERBS.items()]
    return "\n".join(
        [
            "weft: Common Crawl in, image-text documents out, every decision on record.",
            "",
            "usage: weft VERB ...      weft VERB --help",
            "",
            *lines,
            "",
            "exit codes: 0 done · 1 done, but a declared limit broke · 2 usage or configuration · 3 partial, run again to",
            "resume · 4 environment (disk, credentials, missing package) · 130 interrupted, run again to resume",
        ]
    )


def command() -> None:
    """The process `weft ...`: `main`, and an end that its answer survives.

    The last thing at exit, after all Python has cleaned up, is `_exit`: thread pools of native libraries have been seen to abort
    the process while C++ takes its globals apart, which turned a finished verb's exit code into a signal.
    """
    code, pid = [ENVIRONMENT], os.getpid()

    def end() -> None:
        if os.getpid() != pid:  # a forked child ends its own way
            return
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                code[0] = code[0] or ENVIRONMENT  # what was to be read did not arrive
        os._exit(code[0])

    atexit.register(end)  # first in, last out
    code[0] = main()
    sys.exit(code[0])


if __name__ == "__main__":
    command()
