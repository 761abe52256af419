"""The official OpenAI SDK for Python as a client of a running DeltaLLM.

Started by `tests/peers/run.sh`, which puts `OPENAI_BASE_URL`, `OPENAI_API_KEY` and the rest into the
environment. Nothing in here knows that the other end is not OpenAI, apart from the options for the
mock upstream in `user`.
"""

import asyncio
import base64
import json
import os
import time
import urllib.request

import openai
import pytest

MODEL = "gpt-4o-mini"
MESSAGES = [{"role": "user", "content": "Say something."}]


@pytest.fixture
def client():
    with openai.OpenAI(max_retries=0, timeout=20) as client:
        yield client


def opts(**options):
    """`user` text with which the mock upstream is told what to do."""
    return "mock-opts:{" + ",".join(f"{key}={value}" for key, value in options.items()) + "}"


def ledger(tag):
    """What the upstream has counted under a tag."""
    url = os.environ["DELTALLM_TEST_UPSTREAM_URL"] + "/_ledger"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["by_tag"].get(tag, {})


def wait_for(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def test_unstreamed_answer(client):
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, user=opts(chunks=3))
    assert answer.object == "chat.completion"
    assert answer.model == MODEL
    assert answer.choices[0].message.content == " the model said"
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (12, 3, 15)


def test_details_of_usage_come_through(client):
    answer = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, user=opts(prompt_tokens=2000, cached_tokens=1024, reasoning_tokens=64)
    )
    assert answer.usage.prompt_tokens_details.cached_tokens == 1024
    assert answer.usage.completion_tokens_details.reasoning_tokens == 64


def test_response_headers(client):
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=MESSAGES, extra_headers={"x-request-id": "python-1"}
    )
    assert raw.headers["x-request-id"] == "python-1"
    assert raw.headers["x-deltallm-model"] == MODEL
    assert raw.headers["x-deltallm-provider"] == "openai"
    assert raw.parse().choices


def test_stream(client):
    stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True, user=opts(chunks=4))
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == " the model said that"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_stream_hides_usage_that_was_not_asked_for(client):
    stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
    for chunk in stream:
        assert chunk.usage is None
        assert chunk.choices, "a chunk without choices breaks clients that did not ask for usage"
        assert "usage" not in chunk.model_fields_set


def test_stream_shows_usage_that_was_asked_for(client):
    stream = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}, user=opts(chunks=4)
    )
    chunks = list(stream)
    assert [c.usage.completion_tokens for c in chunks if c.usage] == [4]
    assert chunks[-1].usage.total_tokens == 16
    assert chunks[-1].choices == []


def test_stream_helper(client):
    with client.chat.completions.stream(model=MODEL, messages=MESSAGES, user=opts(chunks=4)) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == " the model said that"


def test_abort_mid_stream_stops_the_upstream(client):
    stream = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, stream=True, user=opts(chunks=2000, gap_ms=10, tag="python-abort")
    )
    for count, _ in enumerate(stream):
        if count == 3:
            break
    stream.close()
    wait_for(lambda: ledger("python-abort").get("closed_early") == 1)
    assert ledger("python-abort")["chunks_written"] < 1000


def test_error_mid_stream_is_raised(client):
    stream = client.chat.completions.create(
        model="faulty-stream", messages=MESSAGES, stream=True, user=opts(chunks=9, reset_after_chunks=3)
    )
    text = ""
    with pytest.raises(openai.APIError) as raised:
        for chunk in stream:
            text += chunk.choices[0].delta.content or ""
    assert text == " the model said"
    assert raised.value.code == "upstream_error"


def test_async_client():
    async def talk():
        async with openai.AsyncOpenAI(max_retries=0, timeout=20) as client:
            calls = [
                client.chat.completions.create(model=MODEL, messages=MESSAGES, user=opts(chunks=count))
                for count in range(1, 9)
            ]
            return [answer.usage.completion_tokens for answer in await asyncio.gather(*calls)]

    assert asyncio.run(talk()) == list(range(1, 9))


def test_async_stream():
    async def talk():
        async with openai.AsyncOpenAI(max_retries=0, timeout=20) as client:
            stream = await client.chat.completions.create(
                model=MODEL, messages=MESSAGES, stream=True, user=opts(chunks=3, gap_ms=5)
            )
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert asyncio.run(talk()) == " the model said"


@pytest.mark.parametrize("encoding", [None, "float", "base64"])
def test_embeddings(client, encoding):
    more = {"encoding_format": encoding} if encoding else {}
    answer = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"], **more)
    assert [item.index for item in answer.data] == [0, 1]
    assert answer.usage.total_tokens == 12
    if encoding != "base64":
        assert answer.data[0].embedding[:4] == [0.5, -0.25, 0.125, -0.0625]


def test_models_list(client):
    names = [model.id for model in client.models.list()]
    assert MODEL in names
    assert "renamed" in names


def test_extra_body_reaches_the_upstream(client):
    answer = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, extra_body={"vendor_option": {"deep": [1, None, "é"]}}
    )
    assert answer.choices
    url = os.environ["DELTALLM_TEST_UPSTREAM_URL"] + "/_ledger?last=1"
    with urllib.request.urlopen(url, timeout=10) as reply:
        received = json.load(reply)["recent"][0]
    assert json.loads(base64.b64decode(received["body_base64"]))["vendor_option"] == {"deep": [1, None, "é"]}


def test_wrong_key():
    with pytest.raises(openai.AuthenticationError) as raised:
        openai.OpenAI(api_key="sk-wrong", max_retries=0).models.list()
    assert raised.value.code == "invalid_api_key"


def test_blocked_key():
    client = openai.OpenAI(api_key=os.environ["DELTALLM_TEST_BLOCKED_KEY"], max_retries=0)

    def is_refused():
        try:
            client.models.list()
        except openai.AuthenticationError as error:
            return error.code == "key_blocked"
        return False

    wait_for(is_refused)


def test_key_without_right_to_the_model():
    client = openai.OpenAI(api_key=os.environ["DELTALLM_TEST_NARROW_KEY"], max_retries=0)
    assert [model.id for model in client.models.list()] == ["renamed"]
    with pytest.raises(openai.PermissionDeniedError) as raised:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert raised.value.code == "model_not_allowed"


def test_unknown_model(client):
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model="gpt-nine", messages=MESSAGES)
    assert raised.value.code == "model_not_found"
    assert "gpt-nine" in str(raised.value)


def test_bad_request(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model=MODEL, messages=MESSAGES, user=opts(status=400))
    assert raised.value.code == "invalid_request_error"


def test_rate_limit_of_the_upstream(client):
    with pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(
            model="faulty-429", messages=MESSAGES, user=opts(status=429, retry_after=3)
        )
    assert raised.value.code == "rate_limit_exceeded"
    assert raised.value.response.headers["retry-after"]


def test_upstream_failure(client):
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model="faulty-500", messages=MESSAGES, user=opts(status=500))
    assert raised.value.status_code == 502
    assert raised.value.code == "upstream_error"


def test_timeout_of_the_client(client):
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(
            model=MODEL, messages=MESSAGES, user=opts(delay_ms=5000, tag="python-timeout")
        )
    wait_for(lambda: ledger("python-timeout").get("closed_early") == 1)
