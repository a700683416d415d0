"""Backups with their replicas and drills, pins, rows that a rollback sets aside. No content of any row is here."""

from bonanca.recovery.models.backups import Backup, BackupReplica
from bonanca.recovery.models.drills import Drill
from bonanca.recovery.models.exercises import Exercise, ExerciseStep
from bonanca.recovery.models.holder import Holder
from bonanca.recovery.models.own import OwnBackup
from bonanca.recovery.models.pins import Pin
from bonanca.recovery.models.privacy import Erasure, Review, ReviewPoint
from bonanca.recovery.models.procedure import ProcedureCopy
from bonanca.recovery.models.replication import ReplicationSample
from bonanca.recovery.models.restores import Kept, KeptFiles, Restore, ServerMove
from bonanca.recovery.models.rows import SetAside, SetAsideRow
from bonanca.recovery.models.wal import RestorePoint, WalFile, WalReceiver

__all__ = [
    "Backup",
    "BackupReplica",
    "Drill",
    "Erasure",
    "Exercise",
    "ExerciseStep",
    "Holder",
    "Kept",
    "KeptFiles",
    "OwnBackup",
    "Pin",
    "ProcedureCopy",
    "ReplicationSample",
    "Restore",
    "RestorePoint",
    "Review",
    "ReviewPoint",
    "ServerMove",
    "SetAside",
    "SetAsideRow",
    "WalFile",
    "WalReceiver",
]
