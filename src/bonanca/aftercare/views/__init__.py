"""The frozen values that this room's queries return."""

from bonanca.aftercare.views.reexecutions import ItemView, ReexecutionView, in_brief
from bonanca.aftercare.views.watches import Finding, SampleView, WatchView

__all__ = ["Finding", "ItemView", "ReexecutionView", "SampleView", "WatchView", "in_brief"]
