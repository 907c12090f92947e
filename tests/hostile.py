"""Names and addresses that nobody may be sent to."""

from __future__ import annotations


def hostile_names(port: int) -> tuple[str, ...]:
    """Addresses, most of them of a service on this machine that counts its callers, then paths."""
    here = f"127.0.0.1:{port}"
    return (
        f"http://{here}/items.csv",
        f"https://{here}/model",
        f"s3://key:secret@bucket/x?endpoint_override={here}&scheme=http",
        f"hdfs://{here}/x",
        f"//{here}/share",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "/etc/passwd",
        "../../../../etc/passwd",
    )
