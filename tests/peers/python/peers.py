"""What all tests of this folder share: the running system, its models, the stories they tell.

Started by `tests/peers/run.sh`, which puts the addresses and keys into the environment. Nothing in here knows which vendor
stands behind a model: the same story is told to each.
"""

import base64
import json
import os
import time
import urllib.request

GATEWAY = os.environ["DELTALLM_TEST_GATEWAY"]
UPSTREAM = os.environ["DELTALLM_TEST_UPSTREAM_URL"]
KEY = os.environ["OPENAI_API_KEY"]

#: Every provider whose own protocol the upstream speaks; each serves `chat-<provider>`.
PROVIDERS = os.environ.get(
    "DELTALLM_TEST_PROVIDERS", "openai azure anthropic gemini vertex bedrock cohere mistral groq"
).split()
#: Those whose models show what they think.
THINKERS = [name for name in PROVIDERS if name in ("anthropic", "gemini", "vertex", "bedrock", "cohere")]
#: Those that can read documents.
READERS = [name for name in PROVIDERS if name in ("openai", "azure", "anthropic", "gemini", "vertex", "bedrock")]
#: Those that fetch a picture from its address.
FETCHERS = [name for name in PROVIDERS if name not in ("bedrock",)]
#: Those with embeddings; each serves `embed-<provider>`.
EMBEDDERS = [name for name in PROVIDERS if name in ("openai", "azure", "gemini", "vertex", "cohere", "mistral")]

WORDS = " the model said that one more word will"
QUESTION = "What is the weather in Paris?"
CITY_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Name of the city"}},
    "required": ["city"],
    "additionalProperties": False,
}
ANSWER_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "celsius": {"type": "integer"}},
    "required": ["city", "celsius"],
    "additionalProperties": False,
}
#: The smallest picture and document: nobody looks at them.
PNG = base64.b64encode(
    bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000"
                  "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082")
).decode()
PDF = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()


def model(provider):
    """Public name of the model that this provider serves."""
    return f"chat-{provider}"


def lax(provider):
    """The same with `drop_params`: for clients that ask for more than every vendor has."""
    return f"lax-{provider}"


def embedder(provider):
    """Public name of the embedding model. Google's SDK takes any name with its own name in it for a model of another kind."""
    return f"embed-{provider}".replace("gemini", "google")


def opts(**options):
    """Text with which the upstream is told what to do."""
    return "mock-opts:{" + ",".join(f"{key}={value}" for key, value in options.items()) + "}"


def ledger(tag):
    """What the upstream has counted under a tag."""
    with urllib.request.urlopen(UPSTREAM + "/_ledger", timeout=10) as answer:
        return json.load(answer)["by_tag"].get(tag, {})


def last_received():
    """The newest request of the upstream: path and body."""
    with urllib.request.urlopen(UPSTREAM + "/_ledger?last=1", timeout=10) as answer:
        received = json.load(answer)["recent"][0]
    return received["uri"], json.loads(base64.b64decode(received["body_base64"]))


def wait_for(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)
