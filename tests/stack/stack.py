"""Starts and stops the whole: emulators, foundation, API, forge, functions. Writes target/stack/endpoints.json and target/stack/env."""

import contextlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import sys

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

import bus
import foundation
import functions
import guard
import processes
import samples
import say
import settings
import tokens
from aws import ACCOUNT, CREDENTIALS, REGION, Aws
from forge import Forge
from environment import STATE, VENV
from say import Failure
from processes import answers, free_port, wait_until

ENDPOINTS = STATE / "endpoints.json"
ENV_FILE = STATE / "env"


class Stack:
    """What runs: its addresses, and clients for them."""

    def __init__(self, endpoints):
        self.endpoints = endpoints
        self.aws = Aws(endpoints["aws_endpoint"], endpoints["codepipeline_endpoint"])
        self.aws.codecommit_endpoint = endpoints["forge_url"]
        self.moto_log = STATE / "codepipeline-requests.jsonl"

    def addresses(self):
        """The endpoints to show to people: tokens are long, and `make token` prints them."""
        return [(name, value) for name, value in self.endpoints.items() if name != "tokens"]

    @classmethod
    def running(cls):
        """The stack that `make up` started."""
        processes.check_up()
        return cls(json.loads(ENDPOINTS.read_text()))


HOSTS = {"github": "a GitHub-compatible server", "codecommit": "a server that answers CodeCommit's API"}


def refuse_second():
    """Refuses when a stack of this checkout is up; clears what a dead one left."""
    if any(processes.is_alive(record) for record in processes.recorded()):
        raise Failure("a stack of this checkout is already up: `make down` stops it")
    processes.stop_all()


def up(binaries, contract, announce, host="github"):
    """Starts everything. `announce` is told each step; `host` is where the repository is: github or codecommit."""
    shutil.rmtree(STATE, ignore_errors=True)
    (STATE / "tmp").mkdir(parents=True)
    announce("start the emulators: MiniStack (AWS), moto (CodePipeline)")
    aws, moto_log, mqtt_port = _emulators()
    announce("make table, bus, buckets, secrets, governance bundle, API")
    private_key, public_key = _key_pair(STATE / "app-private.pem", STATE / "app-public.pem")
    facts = {**foundation.make(aws, private_key.read_text(), host), **_queues(aws, contract)}
    bus.listen(aws)
    api = aws.client("apigatewayv2").create_api(Name=settings.NAME, ProtocolType="HTTP")["ApiId"]
    aws.client("apigatewayv2").create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    issuer = _issuer()
    authorizer = aws.client("apigatewayv2").create_authorizer(
        ApiId=api, Name="jwt", AuthorizerType="JWT", IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": issuer, "Audience": [tokens.AUDIENCE]},
    )["AuthorizerId"]
    api_url = f"{aws.endpoint}/_aws/execute-api/{api}/$default"
    announce(f"start the forge ({HOSTS[host]} over a bare git repository) and the engine (runs of pipelines)")
    forge = _forge(binaries / "forge", f"{api_url}/webhooks/github", public_key)
    aws.codecommit_endpoint = forge["url"]
    if host == "codecommit":
        # It has no webhooks: what happens is told to the default bus.
        Forge(forge["url"]).tell_bus(aws.endpoint)
    aws.codepipeline_endpoint = _engine(binaries / "engine", aws, forge)
    announce(f"deploy {len(contract['functions'])} functions as events/contract.json says")
    values = _values(facts, forge["url"], api_url, issuer)
    if host == "codecommit":
        # Nothing of GitHub is set up: whoever asks for it all the same fails.
        values = {name: value for name, value in values.items() if name != "CONNECTION_ARN" and not name.startswith("GITHUB_")}
    functions.Deployment(aws, contract, facts, values, binaries, api, authorizer).run()
    endpoints = {
        "webhook_url": f"{api_url}/webhooks/github",
        "api_url": api_url,
        "issuer_url": issuer,
        "aws_endpoint": aws.endpoint,
        "codepipeline_endpoint": aws.codepipeline_endpoint,
        "forge_url": forge["url"],
        "forge_git_url": forge["git_url"],
        "forge_repo": settings.REPOSITORY,
        "forge_branch": settings.BRANCH,
        "github_app_id": str(settings.APP_ID),
        "webhook_secret_id": settings.WEBHOOK_SECRET,
        "table": settings.TABLE,
        "bus": settings.BUS,
        "account_id": ACCOUNT,
        "mqtt_port": mqtt_port,
        "region": REGION,
        "tokens": tokens.of_every_role(issuer),
    }
    ENDPOINTS.write_text(json.dumps(endpoints, indent=2) + "\n")
    _write_env(aws, values)
    stack = Stack(endpoints)
    stack.moto_log = moto_log
    wait_until("GET /health does not answer", lambda: answers(f"{api_url}/health"), 30)
    return stack


def down():
    """Stops everything that is recorded. Gives back how many programs that were."""
    count = processes.stop_all()
    for path in (ENDPOINTS, ENV_FILE):
        path.unlink(missing_ok=True)
    return count


@contextlib.contextmanager
def ended(keep):
    """Ends the stack when the block ends, in whatever way; with `keep` it stays, unless the block was broken off."""
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda number, _frame: sys.exit(128 + number))
    STATE.mkdir(parents=True, exist_ok=True)
    pipe = guard.set_guard()
    stays = False
    try:
        yield
        stays = keep
    except KeyboardInterrupt:
        say.line("\nstopping the stack …")
        raise
    except (Failure, BotoCoreError, Boto3Error, ClientError, OSError) as error:
        # When a program of the stack is gone, that is the news, and not what followed from it.
        processes.check_alive()
        if isinstance(error, Failure):
            raise
        raise Failure(f"a program of the local stack refused a call: {error}", processes.logs()) from error
    finally:
        if not stays:
            down()
        guard.release(pipe)


def _clean(**variables):
    """The environment of what we start: nothing of the caller's leaks into it, and through it into the functions."""
    home = str(STATE / "tmp")
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", **variables}


def _emulators():
    ports = [free_port(f"PENSTOCK_{name}_PORT") for name in ("AWS", "CODEPIPELINE", "MQTT")]
    endpoint, codepipeline = (f"http://127.0.0.1:{port}" for port in ports[:2])
    # The packages start fast; MiniStack would otherwise listen on every interface, and speak MQTT on the port that everybody uses.
    program = pathlib.Path(__file__).with_name("emulator.py")
    processes.start("ministack", [VENV / "bin" / "python", program], _clean(
        AUTH="true", BIND_HOST="127.0.0.1", GATEWAY_PORT=str(ports[0]), AWS_ENDPOINT_URL=endpoint,
        MINISTACK_ACCOUNT_ID=ACCOUNT, IOT_MTLS_PORT=str(ports[2]), LAMBDA_ASYNC_RETRY_BASE_SECONDS="1",
    ))
    moto_log = STATE / "codepipeline-requests.jsonl"
    processes.start("moto", [VENV / "bin" / "moto_server", "-H", "127.0.0.1", "-p", ports[1]], _clean(
        MOTO_ENABLE_RECORDING="true", MOTO_RECORDER_FILEPATH=str(moto_log),
    ))
    wait_until("MiniStack does not answer", lambda: answers(f"{endpoint}/_ministack/health"), 30)
    wait_until("moto does not answer", lambda: answers(f"{codepipeline}/moto-api/data.json"), 30)
    return Aws(endpoint, codepipeline), moto_log, ports[2]


def _key_pair(private, public):
    """An RSA key pair in two files: the GitHub App's (its functions sign, the forge verifies), and the issuer's of tokens."""
    from cryptography.hazmat.primitives import serialization as pem
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def _issuer():
    """Starts the issuer of tokens, with a key of its own; gives back its URL."""
    _key_pair(tokens.PRIVATE, tokens.PUBLIC)
    port = free_port("PENSTOCK_ISSUER_PORT")
    program = pathlib.Path(__file__).with_name("issuer.py")
    processes.start("issuer", [VENV / "bin" / "python", program, port, tokens.PUBLIC], _clean())
    url = f"http://127.0.0.1:{port}"
    wait_until("the issuer of tokens does not answer", lambda: answers(f"{url}/.well-known/openid-configuration"), 20)
    return url


def _forge(binary, webhook, public_key):
    """Starts the forge; its first line says where it listens."""
    secret = STATE / "webhook-secret"
    secret.touch(mode=0o600)
    secret.write_text(settings.WEBHOOK_SECRET_TEXT)
    port = free_port("PENSTOCK_FORGE_PORT")
    processes.start("forge", [
        binary, "--repository", settings.REPOSITORY, "--id", settings.REPOSITORY_ID, "--root", STATE / "forge",
        "--listen", f"127.0.0.1:{port}", "--webhook", webhook, "--secret-file", secret,
        "--app-id", settings.APP_ID, "--app-key", public_key, "--codecommit", f"{settings.CODECOMMIT_ARN},{settings.CODECOMMIT_ID}",
    ], _clean())
    forge = json.loads(wait_until("the forge does not say where it listens", lambda: _first_line("forge"), 20))
    samples.make_commit(STATE / "forge" / f"{settings.REPOSITORY}.git")
    return forge


def _engine(binary, aws, forge):
    """Starts the engine in front of moto, which keeps the definitions; gives back where CodePipeline is from now on."""
    port = free_port("PENSTOCK_ENGINE_PORT")
    processes.start("engine", [
        binary, "--emulator", aws.codepipeline_endpoint, "--aws", aws.endpoint, "--forge", forge["url"],
        "--forge-token", forge["person_token"], "--codecommit", settings.REPOSITORY, "--account", ACCOUNT, "--region", REGION, "--listen", f"127.0.0.1:{port}",
    ], _clean())
    return json.loads(wait_until("the engine does not say where it listens", lambda: _first_line("engine"), 20))["url"]


def _first_line(program):
    first = (STATE / f"{program}.log").read_text().partition("\n")
    return first[0] if first[1] else ""


def _queues(aws, contract):
    """Which functions have a queue, and the ARNs of their queues as grants have them."""
    queued = [name for name, manifest in contract["functions"].items() if manifest["queue"]]
    arns = [aws.arn("sqs", f"{settings.NAME}-{name}") for name in queued]
    return {
        "queue_functions": ",".join(queued),
        "queue_arns": '", "'.join(arns),
        "dead_queue_arns": '", "'.join(f"{arn}-dead" for arn in arns),
    }


def _values(facts, forge_url, api_url, issuer):
    """Every variable that a function may ask for."""
    return {
        "API_URL": api_url,
        "API_ISSUER": issuer,
        "TABLE_NAME": settings.TABLE,
        "BUS_NAME": settings.BUS,
        "WEBHOOK_SECRET_ID": facts["webhook_secret_arn"],
        "GOVERNANCE_BUCKET": settings.GOVERNANCE_BUCKET,
        "GOVERNANCE_DIGEST": facts["governance_digest"],
        "GITHUB_APP_ID": str(settings.APP_ID),
        "GITHUB_APP_KEY_SECRET_ID": facts["github_app_key_secret_arn"],
        "GITHUB_API_URL": forge_url,
        "APPROVAL_LINK_KEY_SECRET_ID": facts["approval_link_key_secret_arn"],
        "PIPELINE_ROLE_ARN": facts["pipeline_role_arn"],
        "ARTIFACT_BUCKET": settings.ARTIFACT_BUCKET,
        "CONNECTION_ARN": settings.CONNECTION_ARN,
        "PROJECT_PREFIX": settings.PROJECT_PREFIX,
        "QUEUE_PREFIX": settings.NAME,
        "QUEUE_FUNCTIONS": facts["queue_functions"],
        "GATE_FUNCTION": f"{settings.NAME}-stage-gate",
        "CERTIFICATE_FUNCTION": f"{settings.NAME}-iot-cert-provisioner",
        "TARGET_ROLE_NAME": settings.CERTIFICATE_ROLE,
        "TARGET_EXTERNAL_ID": settings.CERTIFICATE_EXTERNAL_ID,
        "BROKER_CA": facts["broker_ca"],
        "PIPELINES_URL": settings.PIPELINES_URL,
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "info"),
    }


def _write_env(aws, values):
    """For `cargo lambda watch --env-file target/stack/env` and for other programs that drive the deployed system."""
    lines = {
        **CREDENTIALS,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ENDPOINT_URL_CODEPIPELINE": aws.codepipeline_endpoint,
        "AWS_ENDPOINT_URL_CODECOMMIT": aws.codecommit_endpoint,
        # Its reader takes no text of several lines, such as a certificate.
        **{name: value for name, value in values.items() if "\n" not in value},
    }
    ENV_FILE.write_text("".join(f"{name}={_quoted(value)}\n" for name, value in lines.items()))


def _quoted(value):
    """A value as cargo-lambda's reader and a shell take it. That reader refuses a bare `=`, which shlex.quote leaves as it is."""
    return shlex.quote(value) if "=" not in value else "'" + value.replace("'", "'\"'\"'") + "'"
