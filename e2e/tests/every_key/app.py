"""A small server that tells what it was given and what it has seen, and behaves as its environment says."""

import http.server
import json
import os
import signal
import socketserver
import sys
import threading
import time

HEALTH = os.environ.get("HEALTH", "ok")
checks = 0
rest = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def do_GET(self):
        global checks, rest
        status = 200
        if self.path == "/health":
            checks += 1
            if HEALTH == "slow":
                time.sleep(1)
            good = {"ok": True, "slow": True, "bad": False, "thrice": checks <= 3}[HEALTH]
            status = 200 if good else 500
        elif self.path.startswith("/sleep/"):
            time.sleep(float(self.path.rsplit("/")[-1]))
        elif self.path.startswith("/rest/"):
            rest = float(self.path.rsplit("/")[-1])
        elif self.path.startswith("/say/"):
            for number in range(int(self.path.rsplit("/")[-1])):
                print("line", number, "." * 100, flush=True)
        about = {
            "arguments": sys.argv[1:],
            "environment": dict(os.environ),
            "folder": os.getcwd(),
            "user": os.getuid(),
            "group": os.getgid(),
            "connection": self.client_address[1],
            "checks": checks,
        }
        body = json.dumps(about).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    # With as few waiting connections as the kernel allows, so that a server that rests accepts none.
    request_queue_size = 0

    def service_actions(self):
        global rest
        if rest:
            print("rests", flush=True)
            time.sleep(rest)
            rest = 0
            print("goes on", flush=True)


def told(number, _frame):
    print("told", signal.Signals(number).name, flush=True)
    if os.environ.get("DEAF") is None:
        os._exit(0)


for number in (signal.SIGTERM, signal.SIGQUIT):
    signal.signal(number, told)
server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
while True:
    signal.pause()
