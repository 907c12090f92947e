"""Every public route as a function that makes its call, by noun."""
