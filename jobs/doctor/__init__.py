"""What `recsys doctor` examines: one file for each part of an installation."""
