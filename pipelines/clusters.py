"""Engines other than the local one: what is added to the options that a user gives, so that a run of two dozen pipelines starts its
job server, and on Spark its executors, once."""

from __future__ import annotations

import shlex
from typing import Any

from apache_beam.options.pipeline_options import FlinkRunnerOptions, JobServerOptions
from apache_beam.runners.portability.flink_runner import FlinkRunner

from pipelines.settings.run import RunnerSettings

RUNNERS = {
    "prism": "PrismRunner",
    "spark": "SparkRunner",
    "flink": "FlinkRunner",
    "dataflow": "DataflowRunner",
    "portable": "PortableRunner",
}
KEEP_CONTEXT = "-Dbeam.spark.test.reuseSparkContext=true"  # the job server serves this run alone; else every pipeline starts executors
PROPERTIES = "job_server_jvm_properties"

_servers: dict[str, Any] = {}  # options of the server -> the server, which ends with this process


class OneServer(FlinkRunner):
    """Beam's FlinkRunner starts a JVM for each pipeline; this one keeps it."""

    def default_job_server(self, options: Any) -> Any:
        key = str(options.view_as(FlinkRunnerOptions)) + str(options.view_as(JobServerOptions))
        if key not in _servers:
            _servers[key] = super().default_job_server(options)
        return _servers[key]


def runner_of(runner: RunnerSettings) -> Any:
    """What `beam.Pipeline` takes as its runner."""
    return OneServer() if runner.name == "flink" else RUNNERS[runner.name]


def flags_of(runner: RunnerSettings) -> dict[str, Any]:
    """Options on top of the user's. The properties of the job server's JVM are one string in a configuration, several words here."""
    flags: dict[str, Any] = {"runner": RUNNERS[runner.name]}
    words = shlex.split(str(runner.options.get(PROPERTIES, "")))
    if runner.name == "spark":
        words.append(KEEP_CONTEXT)
    return flags | ({PROPERTIES: words} if words else {})
