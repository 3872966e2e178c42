#!/usr/bin/env python3
"""An application without a sign-in of its own: it shows the user that the proxy names."""

import http.server
import sys

# How the headers begin: those of forward auth, unless another proxy has others.
PREFIX = sys.argv[2] if len(sys.argv) > 2 else "X-Auth-Request-"


class Application(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        who = {name: self.headers.get(PREFIX + name, "") for name in ("User", "Email", "Team", "Role")}
        page = "<!doctype html><title>Behind a proxy</title>" + "".join(f"<p>{name}: <b>{value}</b></p>" for name, value in who.items())
        body = page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Application).serve_forever()
