"""Pages of backups."""

from __future__ import annotations

from django.urls import path

from bonanca.recovery.web import (
    backup_pages,
    drill_pages,
    place_pages,
    privacy_pages,
    procedure_pages,
    replication_pages,
    restore_pages,
    retention_pages,
    row_pages,
)

app_name = "recovery"

urlpatterns = [
    path("set-aside/<uuid:set_aside_id>/", row_pages.rows, name="rows"),
    path("set-aside/<uuid:set_aside_id>/settle/", row_pages.settle, name="settle_rows"),
    path("set-aside/<uuid:set_aside_id>/rows.<slug:form>", row_pages.export, name="export_rows"),
    path("backups/", backup_pages.index, name="backups"),
    path("backups/<slug:slug>/", backup_pages.service, name="service_backups"),
    path("backups/<slug:slug>/places/", place_pages.places, name="service_places"),
    path("backups/<slug:slug>/retention/", retention_pages.plan, name="retention"),
    path("backups/<slug:slug>/retention/prune/", retention_pages.prune, name="prune_backups"),
    path("backups/<slug:slug>/<uuid:backup_id>/check/", place_pages.check, name="check_backup"),
    path("backups/<slug:slug>/<uuid:backup_id>/retry/", place_pages.retry, name="retry_copy"),
    path("backups/<slug:slug>/keys/rewrap/", place_pages.rewrap, name="rewrap"),
    path("backups/<slug:slug>/log/check/", place_pages.check_log, name="check_wal"),
    path("backups/<slug:slug>/take/", backup_pages.take, name="take_backup"),
    path("backups/<slug:slug>/<uuid:backup_id>/verify/", backup_pages.verify, name="verify_backup"),
    path("backups/<slug:slug>/drill/", drill_pages.start, name="start_drill"),
    path("drills/<uuid:drill_id>/", drill_pages.drill, name="drill"),
    path("backups/<slug:slug>/restores/", restore_pages.restores, name="restores"),
    path("backups/<slug:slug>/restores/<uuid:restore_id>/", restore_pages.restore, name="restore"),
    path("backups/<slug:slug>/restores/<uuid:restore_id>/start/", restore_pages.start, name="start_restore"),
    path("backups/<slug:slug>/restores/<uuid:restore_id>/undo/", restore_pages.undo, name="undo_restore"),
    path("backups/<slug:slug>/points/", restore_pages.point, name="restore_point"),
    path("backups/<slug:slug>/kept/<str:name>/", restore_pages.kept, name="kept"),
    path("backups/<slug:slug>/standby/", replication_pages.standby, name="standby"),
    path("backups/<slug:slug>/standby/promote/", replication_pages.promote, name="promote_standby"),
    path("backups/<slug:slug>/standby/rejoin/", replication_pages.rejoin, name="rejoin_primary"),
    path("privacy/", privacy_pages.index, name="privacy"),
    path("privacy/<slug:slug>/", privacy_pages.service, name="service_privacy"),
    path("reviews/<uuid:review_id>/", privacy_pages.review, name="review"),
    path("reviews/<uuid:review_id>/points/<int:number>/tick/", privacy_pages.tick, name="tick_point"),
    path("procedure/", procedure_pages.procedure, name="procedure"),
    path("procedure/markdown/", procedure_pages.as_markdown, name="procedure_markdown"),
    path("procedure/exercises/", procedure_pages.start, name="start_exercise"),
    path("exercises/<uuid:exercise_id>/", procedure_pages.exercise, name="exercise"),
    path("exercises/<uuid:exercise_id>/steps/<int:number>/begin/", procedure_pages.begin, name="begin_step"),
    path("exercises/<uuid:exercise_id>/steps/<int:number>/tick/", procedure_pages.tick, name="tick_step"),
    path("exercises/<uuid:exercise_id>/finish/", procedure_pages.finish, name="finish_exercise"),
]
