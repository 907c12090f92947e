"""Scripts of the serving database: answers, replicas."""
