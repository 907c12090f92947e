"""What a running service tells about itself beside its metrics: log lines and traces."""

from serve_app.telemetry.call import carried, continued
from serve_app.telemetry.request_record import RequestRecord, current_request, request_in_hand
from serve_app.telemetry.spans import span
from serve_app.telemetry.start import Telemetry

__all__ = [
    "RequestRecord",
    "Telemetry",
    "carried",
    "continued",
    "current_request",
    "request_in_hand",
    "span",
]
