"""`recsys bench`: every step beside what a user would pick instead, measured in one run."""
