"""A client of the broker, with a cluster's own credentials, over mutual TLS."""

import json
import queue
import ssl
import tempfile

import accounts
import paho.mqtt.client as paho

SECONDS = 20


class Agent:
    """What a Maestro agent is to the broker."""

    def __init__(self, scene, credentials, name):
        self.heard = queue.Queue()
        self.answers = queue.Queue()
        self.lost = queue.Queue()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5, reconnect_on_failure=False)
        self.client.tls_set_context(_context(credentials))
        self.client.on_connect = lambda _client, _data, _flags, code, _properties: self.answers.put(code)
        self.client.on_subscribe = lambda _client, _data, _mid, codes, _properties: self.answers.put(codes[0])
        self.client.on_publish = lambda _client, _data, _mid, code, _properties: self.answers.put(code)
        self.client.on_message = lambda _client, _data, message: self.heard.put((message.topic, message.payload.decode()))
        self.client.on_disconnect = lambda _client, _data, _flags, code, _properties: self.lost.put(code)
        self.port = scene.stack.endpoints["mqtt_port"]

    def connect(self):
        """Connects; says whether the broker let it in."""
        try:
            self.client.connect("127.0.0.1", self.port)
            self.client.loop_start()
            return not self.answers.get(timeout=SECONDS).is_failure
        except (OSError, queue.Empty):
            return False

    def subscribes(self, topic):
        """Subscribes; says whether it may."""
        self.client.subscribe(topic, qos=1)
        return self._allowed()

    def publishes(self, topic, text):
        """Publishes; says whether it may. The broker ends the connection of one that may not."""
        self.client.publish(topic, text, qos=1)
        return self._allowed()

    def hears(self):
        """The next message."""
        return self.heard.get(timeout=SECONDS)

    def is_connected(self):
        """Whether the connection stands."""
        return self.client.is_connected()

    def close(self):
        """Leaves."""
        self.client.disconnect()
        self.client.loop_stop()

    def _allowed(self):
        try:
            return not self.answers.get(timeout=3).is_failure
        except queue.Empty:
            return False


def credentials(scene, account, region, secret, stage="AWSCURRENT"):
    """What the secret of a cluster holds."""
    client = accounts.client(scene.aws, "secretsmanager", account, region)
    return json.loads(client.get_secret_value(SecretId=secret, VersionStage=stage)["SecretString"])


def _context(held):
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cadata=held["caCert"])
    # The emulator's certificate is for the names of AWS's endpoints, and we are on this machine.
    context.check_hostname = False
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(held["certificate"] + held["privateKey"])
        file.flush()
        context.load_cert_chain(file.name)
    return context
