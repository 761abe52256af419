"""Anthropic's SDK, whichever provider serves."""

import json

import anthropic
import pytest
from peers import (
    ANSWER_SCHEMA, CITY_SCHEMA, FETCHERS, GATEWAY, KEY, PDF, PNG, PROVIDERS, QUESTION, READERS, THINKERS, WORDS, ledger,
    model, opts, wait_for,
)

TOOLS = [{"name": "get_weather", "description": "Weather", "input_schema": CITY_SCHEMA}]


@pytest.fixture(scope="module")
def client():
    with anthropic.Anthropic(base_url=GATEWAY, api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


def user(content):
    return {"role": "user", "content": content}


def ask(client, provider, messages=QUESTION, **more):
    messages = [user(messages)] if isinstance(messages, str) else messages
    return client.messages.create(model=model(provider), messages=messages, **{"max_tokens": 256, **more})


def first(answer, kind):
    """The first block of a kind. Google signs its texts too, which is a thought without words after them."""
    return next(block for block in answer.content if block.type == kind)


def result(call, content="sunny"):
    return {"type": "tool_result", "tool_use_id": call.id, "content": content}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_answer(client, provider):
    answer = ask(
        client, provider, [user("Hello"), {"role": "assistant", "content": "Hi."}, user("Say something.")],
        system="You are terse.",
    )
    assert (answer.type, answer.role) == ("message", "assistant")
    assert [block.type for block in answer.content] == ["text"]
    assert answer.content[0].text == WORDS
    assert answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (12, 8)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_older_version_of_the_protocol(provider):
    """What the newest one has no more: sampling, and the key in a header of its own."""
    headers = {"anthropic-version": "2023-06-01", "x-api-key": KEY, "authorization": anthropic.Omit()}
    with anthropic.Anthropic(base_url=GATEWAY, api_key="unused", default_headers=headers, max_retries=0) as client:
        answer = ask(client, provider, "Say something.", extra_body={"temperature": 0.5})
    assert answer.content[0].text == WORDS


@pytest.mark.parametrize("provider", PROVIDERS)
def test_stream(client, provider):
    with client.messages.stream(model=model(provider), max_tokens=256, messages=[user("Say something.")]) as stream:
        text = "".join(stream.text_stream)
        answer = stream.get_final_message()
    assert text == WORDS
    assert answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (12, 8)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_raw_events_stand_in_their_order(client, provider):
    events = list(ask(client, provider, "Say something.", stream=True))
    kinds = [event.type for event in events if event.type != "ping"]
    assert kinds[:3] == ["message_start", "content_block_start", "content_block_delta"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_answer_that_is_too_long(client, provider):
    answer = ask(client, provider, "Say something.", max_tokens=3)
    assert answer.stop_reason == "max_tokens"
    assert answer.content[0].text == " the model said"


@pytest.mark.parametrize("question,cities", [(QUESTION, ["Paris"]), ("Weather in Paris and Rome?", ["Paris", "Rome"])])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_tool_loop(client, provider, question, cities):
    messages = [user(question)]
    answer = ask(client, provider, messages, tools=TOOLS, system="You are terse.")
    assert answer.stop_reason == "tool_use"
    calls = [block for block in answer.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [{"city": city} for city in cities]
    messages += [{"role": "assistant", "content": answer.content}, user([result(call) for call in calls])]
    answer = ask(client, provider, messages, tools=TOOLS, system="You are terse.")
    assert answer.content[0].text == "The tool says: " + "; ".join(["sunny"] * len(cities))
    messages += [{"role": "assistant", "content": answer.content}, user("Thank you.")]
    assert ask(client, provider, messages, tools=TOOLS).content[0].text == WORDS


@pytest.mark.parametrize("provider", PROVIDERS)
def test_streamed_tool_loop(client, provider):
    more = {"model": model(provider), "max_tokens": 256, "tools": TOOLS}
    messages = [user("Weather in Paris and Rome?")]
    with client.messages.stream(messages=messages, **more) as stream:
        answer = stream.get_final_message()
    calls = [block for block in answer.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]
    results = [result(calls[0], [{"type": "text", "text": "sunny"}]), {**result(calls[1], "no data"), "is_error": True}]
    messages += [{"role": "assistant", "content": answer.content}, user(results)]
    with client.messages.stream(messages=messages, **more) as stream:
        assert "sunny" in stream.get_final_text()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_tool_choice(client, provider):
    for choice in ({"type": "any"}, {"type": "tool", "name": "get_weather"}):
        if provider == "cohere" and choice["type"] == "tool":  # Cohere cannot name a tool.
            continue
        answer = ask(client, provider, "Hello", tools=TOOLS, tool_choice=choice)
        assert answer.stop_reason == "tool_use"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_image_by_data(client, provider):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    answer = ask(client, provider, [user([image, {"type": "text", "text": "What is this?"}])])
    assert answer.content[0].text == "I see 1 image(s)."


@pytest.mark.parametrize("provider", FETCHERS)
def test_image_by_address(client, provider):
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.png"}}
    answer = ask(client, provider, [user([image, {"type": "text", "text": "What is this?"}])])
    assert answer.content[0].text == "I see 1 image(s)."


@pytest.mark.parametrize("provider", READERS)
def test_document(client, provider):
    document = {
        "type": "document", "title": "report.pdf",
        "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
    }
    answer = ask(client, provider, [user([document, {"type": "text", "text": "What does it say?"}])])
    assert answer.content[0].text == "I see 1 document(s)."


@pytest.mark.parametrize("provider", PROVIDERS)
def test_structured_output(client, provider):
    answer = ask(
        client, provider, "How warm is Rome?",
        output_config={"format": {"type": "json_schema", "schema": ANSWER_SCHEMA}},
    )
    assert json.loads(answer.content[0].text) == {"city": "Rome", "celsius": 21}


@pytest.mark.parametrize("provider", THINKERS)
def test_thinking_with_tools(client, provider):
    more = {
        "model": model(provider), "max_tokens": 4096, "tools": TOOLS,
        "thinking": {"type": "enabled", "budget_tokens": 2048},
    }
    messages = [user(QUESTION)]
    answer = client.messages.create(messages=messages, **more)
    assert answer.content[0].thinking == "Let me think about this."
    assert answer.content[-1].type == "tool_use"
    messages += [{"role": "assistant", "content": answer.content}, user([result(answer.content[-1])])]
    with client.messages.stream(messages=messages, **more) as stream:
        answer = stream.get_final_message()
    assert first(answer, "thinking").thinking == "Let me think about this."
    assert first(answer, "text").text == "The tool says: sunny"
    # The thoughts go back once more, from the stream this time.
    messages += [{"role": "assistant", "content": answer.content}, user("Thank you.")]
    assert first(client.messages.create(messages=messages, **more), "text").text == WORDS


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if name in ("anthropic", "bedrock")])
def test_cache_is_told_in_usage(client, provider):
    system = [{"type": "text", "text": "You are terse.", "cache_control": {"type": "ephemeral"}}]
    usage = ask(client, provider, "Hello", system=system).usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (4, 5, 3)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_count_tokens(client, provider):
    count = client.messages.count_tokens(model=model(provider), messages=[user("How many?")], system="You are terse.")
    assert count.input_tokens > 0


ERRORS = [
    (400, anthropic.BadRequestError, "invalid_request_error"),
    (429, anthropic.RateLimitError, "rate_limit_error"),
    # The gateway's own key, or its name of the model, is wrong: no matter of the caller's.
    (401, anthropic.InternalServerError, "api_error"),
    (404, anthropic.InternalServerError, "api_error"),
    (500, anthropic.InternalServerError, "api_error"),
]


@pytest.mark.parametrize("status,kind,name", ERRORS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_error_classes(client, provider, status, kind, name):
    with pytest.raises(kind) as raised:
        client.messages.create(
            model=f"fail-{provider}-{status}", max_tokens=256, messages=[user(opts(status=status, retry_after=3))]
        )
    assert raised.value.body["error"]["type"] == name
    if status == 429:
        assert raised.value.response.headers["retry-after"]


def test_unknown_model(client):
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="claude-nine", max_tokens=256, messages=[user("Hello")])


def test_wrong_key():
    client = anthropic.Anthropic(base_url=GATEWAY, api_key="sk-wrong", max_retries=0)
    with pytest.raises(anthropic.AuthenticationError):
        client.messages.create(model=model(PROVIDERS[0]), max_tokens=256, messages=[user("Hello")])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_leaving_mid_stream_stops_the_upstream(client, provider):
    tag = f"anthropic-left-{provider}"
    stream = ask(client, provider, opts(chunks=2000, gap_ms=10, tag=tag), stream=True)
    for count, _ in enumerate(stream):
        if count == 5:
            break
    stream.close()
    wait_for(lambda: ledger(tag).get("closed_early") == 1)
