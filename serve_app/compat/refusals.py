"""Refusals as clients of the other products understand them."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse, PlainTextResponse, Response

CODES: Mapping[int, tuple[int, str]] = {
    400: (400, "InvalidInputException"),
    401: (403, "UnrecognizedClientException"),
    403: (403, "AccessDeniedException"),
    404: (404, "ResourceNotFoundException"),
    405: (405, "InvalidInputException"),
    409: (409, "ResourceInUseException"),
    413: (413, "InvalidInputException"),
    422: (400, "InvalidInputException"),
    429: (429, "ThrottlingException"),
    503: (503, "ServiceUnavailableException"),
}


def gorse_refusal(status: int, message: str, request_id: str) -> Response:
    """Plain text; what is not valid is a 400."""
    return PlainTextResponse(message, 400 if status == 422 else status)


def personalize_refusal(status: int, message: str, request_id: str) -> Response:
    """The error's name in a header and in the body, as SDKs look for it."""
    sent, code = CODES.get(status, (status, "InternalServerException"))
    headers = {"x-amzn-ErrorType": code, "x-amzn-RequestId": request_id}
    return JSONResponse({"__type": code, "message": message}, sent, headers)
