"""The migrations of agents, and a made-up one after them."""

import agents.migrations

__path__ = [*agents.migrations.__path__, *__path__]
