"""What `make test` checks of the canary on the deployed system: it passes, and says what is not as it should be."""

import json

import settings
from expect import equal, expect
from say import tell

FUNCTION = f"{settings.NAME}-canary"
SETTING = "GOVERNANCE_DIGEST"


def outside(scene):
    """the canary looks from outside: all is as it should be; told of another deployment, it says what differs"""
    equal("a look finds nothing", look(scene), (False, {"result": "done"}))
    rows = scene.aws.client("dynamodb").scan(TableName=settings.TABLE, FilterExpression="contains(pk, :canary)", ExpressionAttributeValues={":canary": {"S": "canary-"}})
    equal("and leaves nothing in the table", rows["Items"], [])
    functions = scene.aws.client("lambda")
    given = functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": {**given, SETTING: "0" * 64}})
    failed, answer = look(scene)
    tell(answer.get("errorMessage", answer))
    expect("with another governance bundle than the API's it fails, and names both", failed and f"health: governance_digest is \"{given[SETTING]}\", not {'0' * 64}" in answer["errorMessage"], answer)
    functions.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": given})


def look(scene):
    """One look, asked for by hand: whether the invocation failed, and its answer."""
    answer = scene.aws.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps({"schedule": "look"}).encode())
    return bool(answer.get("FunctionError")), json.loads(answer["Payload"].read())


PARTS = [outside]
