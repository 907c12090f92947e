"""Charts of what commands found, as an HTML page or a picture."""
