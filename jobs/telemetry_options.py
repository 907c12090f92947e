"""Options of `recsys serve` about its log and its traces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from recsys.config import LogFormat

LogFormatOption = Annotated[
    LogFormat,
    typer.Option("--log-format", envvar="RECSYS_LOG_FORMAT", help="json: an object a line, for machines."),
]
LogLevelOption = Annotated[
    Literal["debug", "info", "warning"],
    typer.Option(
        "--log-level",
        envvar="RECSYS_LOG_LEVEL",
        help="info: a line a request; debug: one a call too.",
    ),
]
LogFolderOption = Annotated[
    Path | None,
    typer.Option("--log-folder", envvar="RECSYS_LOG_FOLDER", help="`logs` in the workspace when absent."),
]
PrintLogOption = Annotated[
    bool, typer.Option("--print-log", envvar="RECSYS_PRINT_LOG", help="Copy the log's lines to stdout.")
]
TracesOption = Annotated[
    str | None,
    typer.Option(
        "--traces",
        envvar="OTEL_EXPORTER_OTLP_ENDPOINT",
        help="Trace requests: base URL of an OTLP collector (HTTP), or file:FOLDER.",
    ),
]
TraceRatioOption = Annotated[
    float,
    typer.Option(
        "--trace-ratio",
        envvar="OTEL_TRACES_SAMPLER_ARG",
        min=0.0,
        max=1.0,
        help="Share of requests that are traced, where the caller has not decided.",
    ),
]
