"""What is done once an incident is over: services watched closer, and failed work done again."""

from bonanca.aftercare.models.reexecutions import Reexecution, ReexecutionItem
from bonanca.aftercare.models.watches import Watch, WatchSample

__all__ = ["Reexecution", "ReexecutionItem", "Watch", "WatchSample"]
