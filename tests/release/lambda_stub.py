"""Lambda's runtime API and the two AWS services that the webhook calls, for one program at a time; it counts what it is asked.

The runtime API hands out one event at a time and takes its answer, as AWS documents it; Secrets Manager answers with one secret, and
DynamoDB accepts every transaction: what a transaction means is tested elsewhere (tests/workspace/ports.rs).
"""

import http.server
import json
import pathlib
import queue
import subprocess
import sys
import threading
import time

REGION = "us-east-1"
PATIENCE = 30


class Died(Exception):
    """The program ended, or did not answer in time."""


class Stub(http.server.ThreadingHTTPServer):
    """Both APIs on one loopback port."""

    daemon_threads = True

    def __init__(self, secret):
        super().__init__(("127.0.0.1", 0), Handler)
        self.secret = secret
        self.events, self.answers = queue.Queue(), queue.Queue()
        self.calls, self.connections = [], set()
        self.ready = threading.Event()
        self.address = f"127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def run(self, program, variables):
        """Starts the program; gives it back when it asks for its first event."""
        environment = {
            "AWS_LAMBDA_RUNTIME_API": self.address, "AWS_LAMBDA_FUNCTION_NAME": "function", "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_LOG_GROUP_NAME": "group", "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": f"http://{self.address}", **variables,
        }
        child = subprocess.Popen([str(program)], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + PATIENCE
        while not self.ready.wait(0.1):
            if child.poll() is not None or time.monotonic() > deadline:
                child.kill()
                said = child.communicate()[0].decode(errors="replace")
                raise Died(f"{program.name} ended, or asked for no event within {PATIENCE} s. It said: {said or 'nothing'}")
        # Its log would fill the pipe; nobody reads it from here on.
        threading.Thread(target=child.stdout.read, daemon=True).start()
        return child

    def handle_error(self, request, client_address):
        """A program that is ended resets its connections; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def invoke(self, event):
        """Hands an event over; gives back the answer, and which AWS calls were made for it."""
        before = len(self.calls)
        self.events.put(json.dumps(event).encode())
        try:
            return json.loads(self.answers.get(timeout=PATIENCE)), self.calls[before:]
        except queue.Empty:
            raise Died(f"no answer to an event within {PATIENCE} s") from None


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection to the stub."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """`/2018-06-01/runtime/invocation/next`: waits for an event."""
        self.server.ready.set()
        deadline = int((time.time() + PATIENCE) * 1000)
        self._reply(200, self.server.events.get(), {
            "Lambda-Runtime-Aws-Request-Id": "request", "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:{REGION}:123456789012:function:function",
        })

    def do_POST(self):
        """An answer to the runtime API, or a call of an AWS service."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)) if "Content-Length" in self.headers else self._chunks()
        target = self.headers.get("x-amz-target")
        if target is None:
            self.server.answers.put(body)
            return self._reply(202, b"{}")
        self.server.calls.append(target)
        self.server.connections.add(self.client_address)
        answers = {
            "secretsmanager.GetSecretValue": {"Name": "webhook", "SecretString": self.server.secret},
            "DynamoDB_20120810.TransactWriteItems": {},
        }
        known = target in answers
        problem = {"__type": "UnknownOperationException", "message": f"the stub does not know {target}"}
        return self._reply(200 if known else 400, json.dumps(answers[target] if known else problem).encode())

    def _chunks(self):
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _reply(self, status, body, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": "application/x-amz-json-1.0", "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Silent: the checks say what matters."""


def cpu_ms(child):
    """The processor time that a program has used, from the kernel's own account; nothing where there is no such account."""
    tasks = pathlib.Path(f"/proc/{child.pid}/task")
    if not tasks.exists():
        return None
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e6
