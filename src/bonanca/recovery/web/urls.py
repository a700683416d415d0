"""Pages of backups."""

from __future__ import annotations

from django.urls import path

from bonanca.recovery.web import backup_pages, drill_pages, place_pages, restore_pages, retention_pages

app_name = "recovery"

urlpatterns = [
    path("backups/", backup_pages.index, name="backups"),
    path("backups/<slug:slug>/", backup_pages.service, name="service_backups"),
    path("backups/<slug:slug>/places/", place_pages.places, name="service_places"),
    path("backups/<slug:slug>/retention/", retention_pages.plan, name="retention"),
    path("backups/<slug:slug>/retention/prune/", retention_pages.prune, name="prune_backups"),
    path("backups/<slug:slug>/<uuid:backup_id>/check/", place_pages.check, name="check_backup"),
    path("backups/<slug:slug>/<uuid:backup_id>/retry/", place_pages.retry, name="retry_copy"),
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
]
