"""Settings of the example. What Latchkey needs is between the comments."""

import os

SECRET_KEY = "only for this example"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DATABASE", "notes.db")}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

# docs:settings
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "notes"]

MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "latchkey.django.LatchkeyMiddleware"]

AUTHENTICATION_BACKENDS = ["latchkey.django.LatchkeyBackend"]

LATCHKEY = {
    "ISSUER": os.environ["LATCHKEY_URL"],
    "AUDIENCE": os.environ["LATCHKEY_AUDIENCE"],
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["latchkey.django.LatchkeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
# docs:end
