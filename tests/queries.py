"""Counting queries of requests."""

#: What surrounds each request in a test: a savepoint, its scope, the scope before it, and the
#: savepoint's end. Outside of tests, a transaction begins with one statement for the scope.
FRAME = 4
