"""Signing in and out, and a person's own preferences."""

from __future__ import annotations

from django.urls import path

from bonanca.access.web import login, profile

app_name = "access"

urlpatterns = [
    path("login/", login.login_page, name="login"),
    path("login/once/<str:secret>", login.login_once, name="login_once"),
    path("logout/", login.logout_now, name="logout"),
    path("language/", profile.set_language, name="set_language"),
    path("profile/", profile.profile, name="profile"),
]
