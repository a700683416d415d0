"""What others see of recovery: frozen values, no rows. Sizes in bytes, durations in seconds."""

from bonanca.recovery.views.backups import BackupView, ReplicaView, ServiceBackups
from bonanca.recovery.views.checks import CheckedCopy, CheckedSegment, CheckReport, WalCheck
from bonanca.recovery.views.drills import DrillView
from bonanca.recovery.views.keys import SealedTo, ServiceKeys
from bonanca.recovery.views.pins import PinView
from bonanca.recovery.views.places import PlaceView, ServicePlaces, UnfinishedCopy
from bonanca.recovery.views.prices import PinPrice
from bonanca.recovery.views.readiness import Objectives, Readiness
from bonanca.recovery.views.restores import KeptDatabase, KeptTree, RestoreView
from bonanca.recovery.views.retention import RetentionPlan, RetentionRow
from bonanca.recovery.views.returns import ReturnView
from bonanca.recovery.views.rows import SetAsideRowView, SetAsideView, TableAtRisk
from bonanca.recovery.views.wal import DamagedWal, RestorePointView, WalView

__all__ = [
    "BackupView",
    "CheckReport",
    "CheckedCopy",
    "CheckedSegment",
    "DamagedWal",
    "DrillView",
    "KeptDatabase",
    "KeptTree",
    "Objectives",
    "PinPrice",
    "PinView",
    "PlaceView",
    "Readiness",
    "ReplicaView",
    "RestorePointView",
    "RestoreView",
    "RetentionPlan",
    "RetentionRow",
    "ReturnView",
    "SealedTo",
    "ServiceBackups",
    "ServiceKeys",
    "ServicePlaces",
    "SetAsideRowView",
    "SetAsideView",
    "TableAtRisk",
    "UnfinishedCopy",
    "WalCheck",
    "WalView",
]
