import os

import latchkey
from django.contrib.auth import get_user_model
from django.http import HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from latchkey.django import has_role, refusal, require_user
from rest_framework import status
from rest_framework.decorators import api_view, permission_classes
from rest_framework.response import Response
from rest_framework.views import APIView

from .models import Note


def home(request):
    """A public page, which works while Latchkey is away."""
    return JsonResponse({"notes": Note.objects.count()})


# docs:user
@api_view()
def me(request):
    return Response({"id": request.auth.id, "team": request.auth.team or "", "role": request.auth.role or ""})
# docs:end


# docs:author
class Notes(APIView):
    def get(self, request):
        return Response([note.as_json() for note in Note.objects.filter(author=request.user)])

    def post(self, request):
        text = request.data.get("text")
        if not isinstance(text, str) or not text:
            return Response({"error": "a note needs a text"}, status.HTTP_400_BAD_REQUEST)
        note = Note.objects.create(author=request.user, team=request.auth.team or "", text=text)
        return Response(note.as_json(), status.HTTP_201_CREATED)
# docs:end


# docs:role
@api_view(["DELETE"])
@permission_classes([has_role("admin", team="team")])
def team_notes(request, team):
    Note.objects.filter(team=team).delete()
    return Response(status=status.HTTP_204_NO_CONTENT)
# docs:end


# docs:plain
@require_user
def plain_me(request):
    return JsonResponse({"id": request.latchkey.id, "row": request.user.username})
# docs:end


# docs:webhook
@csrf_exempt
@require_POST
def webhook(request):
    try:
        event = latchkey.verify_webhook(request.headers, request.body, os.environ["WEBHOOK_SECRET"])
    except latchkey.LatchkeyError as error:
        return refusal(error)
    if event.type == "user.merged":  # two accounts of one person became one
        into, _ = get_user_model().objects.get_or_create(username=event.data["into"])
        Note.objects.filter(author__username=event.data["from"]).update(author=into)
    return HttpResponse(status=204)
# docs:end
