"""Shoppers who see lists, click and buy by a hidden taste: a shop that can be tried before it is real."""

from recsys.simulator.behaviour import BehaviourConfig, Session, act
from recsys.simulator.population import Population, make_population

__all__ = ["BehaviourConfig", "Population", "Session", "act", "make_population"]
