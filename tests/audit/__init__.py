"""`make audit`: known advisories against what is installed, and secrets in what is written."""
