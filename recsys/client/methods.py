"""Routes as methods: one descriptor for each kind of client, over the same functions."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from recsys.client.call import Call

P = ParamSpec("P")
T = TypeVar("T")


class Sending(Protocol):
    """A client that waits for an answer."""

    def send(self, call: Call[T], /) -> T:
        """Send a call and wait."""


class AsyncSending(Protocol):
    """A client whose answers are awaited."""

    async def send(self, call: Call[T], /) -> T:
        """Send a call."""


class Sends(Generic[P, T]):
    """A method of `Client` with a route's parameters and its answer."""

    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self.make, self.__doc__ = make, make.__doc__

    @overload
    def __get__(self, client: None, owner: type[Any]) -> Self: ...

    @overload
    def __get__(self, client: Sending, owner: type[Any]) -> Callable[P, T]: ...

    def __get__(self, client: Sending | None, owner: type[Any]) -> Self | Callable[P, T]:
        """The method of one client; on the class itself the description of it."""
        if client is None:
            return self

        @wraps(self.make)
        def method(*args: P.args, **kwargs: P.kwargs) -> T:
            return client.send(self.make(*args, **kwargs))

        return method


class Awaits(Generic[P, T]):
    """The same for `AsyncClient`."""

    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self.make, self.__doc__ = make, make.__doc__

    @overload
    def __get__(self, client: None, owner: type[Any]) -> Self: ...

    @overload
    def __get__(self, client: AsyncSending, owner: type[Any]) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(
        self, client: AsyncSending | None, owner: type[Any]
    ) -> Self | Callable[P, Coroutine[Any, Any, T]]:
        """The method of one client; on the class itself the description of it."""
        if client is None:
            return self

        @wraps(self.make)
        async def method(*args: P.args, **kwargs: P.kwargs) -> T:
            return await client.send(self.make(*args, **kwargs))

        return method
