"""One file a verb: `arguments(parser)` declares it, `run(args) -> int` does it and returns the exit code."""
