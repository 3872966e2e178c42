from django.urls import path
from notes import views

urlpatterns = [
    path("", views.home),
    path("api/me", views.me),
    path("api/notes", views.Notes.as_view()),
    path("api/teams/<team>/notes", views.team_notes),
    path("webhooks", views.webhook),
    path("plain/me", views.plain_me),
]
