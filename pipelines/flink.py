"""Flink with one job server for a whole run. Beam's FlinkRunner starts a JVM for each pipeline; a run has two dozen of them."""

from __future__ import annotations

from typing import Any

from apache_beam.options.pipeline_options import FlinkRunnerOptions, JobServerOptions
from apache_beam.runners.portability.flink_runner import FlinkRunner

_servers: dict[str, Any] = {}  # options of the server -> the server, which ends with this process


class OneServer(FlinkRunner):
    def default_job_server(self, options: Any) -> Any:
        key = str(options.view_as(FlinkRunnerOptions)) + str(options.view_as(JobServerOptions))
        if key not in _servers:
            _servers[key] = super().default_job_server(options)
        return _servers[key]
