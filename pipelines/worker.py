"""A Beam worker process on this machine: Beam's own, quiet, and with one thread per numeric library.

Two workers with a BLAS pool each would fight over the cores (measured: 5x slower).
"""

from __future__ import annotations

import json
import logging
import os
import sys

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def main() -> None:
    for name in THREADS:
        os.environ.setdefault(name, "1")
    options = json.loads(os.environ.get("PIPELINE_OPTIONS") or "{}")
    options["default_sdk_harness_log_level"] = "WARNING"
    os.environ["PIPELINE_OPTIONS"] = json.dumps(options)
    logging.disable(logging.WARNING)  # importing Beam without the [gcp] extra warns
    from apache_beam.runners.worker import sdk_worker_main

    # it announces every connection, and prints every failure before it reports it; the driver says it once
    logging.disable(logging.INFO if os.environ.get("WEFT_DEBUG") else logging.ERROR)
    logging.getLogger("apache_beam.runners.worker.sdk_worker_main").setLevel(logging.ERROR)
    logging.getLogger("__main__").setLevel(logging.ERROR)
    sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
