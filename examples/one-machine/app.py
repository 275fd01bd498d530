"""A small program to upgrade: standard library only, one process, finishes what it has taken on SIGTERM."""

import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = os.environ.get("SEGUE_VERSION", "unknown")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path == "/slow":
            time.sleep(2)
        self.answer(f"hello from {VERSION}, process {os.getpid()}\n".encode())

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, text, *values):
        print(self.command, self.path, *values[1:2], flush=True)


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = False


server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
# shutdown() waits for the loop below, so it is called beside it.
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print(f"{VERSION} listens on port {server.server_port}", flush=True)
server.serve_forever()
