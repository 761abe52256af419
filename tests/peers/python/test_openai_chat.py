"""OpenAI's SDK: chat completions and embeddings, whichever provider serves."""

import json

import openai
import pydantic
import pytest
from peers import (
    ANSWER_SCHEMA, CITY_SCHEMA, EMBEDDERS, FETCHERS, GATEWAY, KEY, PDF, PNG, PROVIDERS, QUESTION, READERS, THINKERS, WORDS,
    embedder, ledger, model, opts, wait_for,
)

TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": CITY_SCHEMA}}]


@pytest.fixture(scope="module")
def client():
    with openai.OpenAI(base_url=f"{GATEWAY}/v1", api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


def user(text):
    return {"role": "user", "content": text}


def ask(client, provider, messages=QUESTION, **more):
    messages = [user(messages)] if isinstance(messages, str) else messages
    return client.chat.completions.create(model=model(provider), messages=messages, **more)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_answer(client, provider):
    answer = ask(client, provider, [
        {"role": "system", "content": "You are terse."},
        {"role": "developer", "content": "Speak English."},
        user("Hello"), {"role": "assistant", "content": "Hi."}, user("Say something."),
    ], temperature=0.5, max_tokens=256)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content == WORDS
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (12, 8, 20)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_stream(client, provider):
    stream = ask(client, provider, "Say something.", stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == WORDS
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert [c.usage.completion_tokens for c in chunks if c.usage] == [8]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_answer_that_is_too_long(client, provider):
    answer = ask(client, provider, "Say something.", max_completion_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content == " the model said"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_stop_sequence(client, provider):
    answer = ask(client, provider, "Say something.", stop=[" one"])
    assert answer.choices[0].message.content == " the model said that"
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("question,cities", [(QUESTION, ["Paris"]), ("Weather in Paris and Rome?", ["Paris", "Rome"])])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_tool_loop(client, provider, question, cities):
    messages = [{"role": "system", "content": "You are terse."}, user(question)]
    answer = ask(client, provider, messages, tools=TOOLS)
    assert answer.choices[0].finish_reason == "tool_calls"
    calls = answer.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["get_weather"] * len(cities)
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": city} for city in cities]
    assert len({call.id for call in calls}) == len(cities)
    messages.append(answer.choices[0].message)
    for call, city in zip(calls, cities):
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"sunny in {city}"})
    answer = ask(client, provider, messages, tools=TOOLS)
    assert answer.choices[0].message.content == "The tool says: " + "; ".join(f"sunny in {city}" for city in cities)
    assert answer.choices[0].finish_reason == "stop"
    messages += [answer.choices[0].message, user("Thank you.")]
    assert ask(client, provider, messages, tools=TOOLS).choices[0].message.content == WORDS


@pytest.mark.parametrize("provider", PROVIDERS)
def test_streamed_tool_loop(client, provider):
    question = user("Weather in Paris and Rome?")
    with client.chat.completions.stream(model=model(provider), messages=[question], tools=TOOLS) as stream:
        message = stream.get_final_completion().choices[0].message
    assert [json.loads(call.function.arguments) for call in message.tool_calls] == [{"city": "Paris"}, {"city": "Rome"}]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls]
    with client.chat.completions.stream(
        model=model(provider), messages=[question, message, *results], tools=TOOLS
    ) as stream:
        assert stream.get_final_completion().choices[0].message.content == "The tool says: sunny; sunny"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_tool_choice(client, provider):
    forced = ask(client, provider, "Hello", tools=TOOLS, tool_choice="required")
    assert forced.choices[0].message.tool_calls[0].function.name == "get_weather"
    if provider != "cohere":  # Cohere cannot name a tool.
        named = {"type": "function", "function": {"name": "get_weather"}}
        forced = ask(client, provider, "Hello", tools=TOOLS, tool_choice=named)
        assert forced.choices[0].message.tool_calls[0].function.name == "get_weather"
    free = ask(client, provider, QUESTION, tools=TOOLS, tool_choice="none")
    assert free.choices[0].message.content == WORDS


@pytest.mark.parametrize("provider", PROVIDERS)
def test_image_by_data(client, provider):
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    ]
    assert ask(client, provider, [user(content)]).choices[0].message.content == "I see 1 image(s)."


@pytest.mark.parametrize("provider", PROVIDERS)
def test_image_by_address(client, provider):
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
    ]
    if provider in FETCHERS:
        assert ask(client, provider, [user(content)]).choices[0].message.content == "I see 1 image(s)."
    else:
        with pytest.raises(openai.BadRequestError):
            ask(client, provider, [user(content)])


@pytest.mark.parametrize("provider", READERS)
def test_document(client, provider):
    file = {"filename": "report.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
    content = [{"type": "text", "text": "What does it say?"}, {"type": "file", "file": file}]
    assert ask(client, provider, [user(content)]).choices[0].message.content == "I see 1 document(s)."


class Answer(pydantic.BaseModel):
    model_config = {"extra": "forbid"}
    city: str
    celsius: int


@pytest.mark.parametrize("provider", PROVIDERS)
def test_structured_output(client, provider):
    schema = {"name": "answer", "schema": ANSWER_SCHEMA, "strict": True}
    answer = ask(client, provider, "How warm is Rome?", response_format={"type": "json_schema", "json_schema": schema})
    assert json.loads(answer.choices[0].message.content) == {"city": "Rome", "celsius": 21}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_structured_output_is_parsed(client, provider):
    answer = client.chat.completions.parse(
        model=model(provider), messages=[user("How warm is Rome?")], response_format=Answer
    )
    assert answer.choices[0].message.parsed == Answer(city="Rome", celsius=21)
    with client.chat.completions.stream(
        model=model(provider), messages=[user("How warm is Rome?")], response_format=Answer
    ) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == Answer(city="Rome", celsius=21)


@pytest.mark.parametrize("provider", THINKERS)
def test_reasoning(client, provider):
    answer = ask(client, provider, "Think.", reasoning_effort="low", max_completion_tokens=4096)
    assert answer.choices[0].message.reasoning_content == "Let me think about this."
    assert answer.choices[0].message.content == WORDS
    assert answer.usage.completion_tokens == 13
    chunks = list(ask(client, provider, "Think.", reasoning_effort="low", stream=True))
    thoughts = [getattr(c.choices[0].delta, "reasoning_content", None) or "" for c in chunks if c.choices]
    assert "".join(thoughts) == "Let me think about this."


@pytest.mark.parametrize("provider", PROVIDERS)
def test_tool_loop_with_reasoning(client, provider):
    messages = [user(QUESTION)]
    answer = ask(client, provider, messages, tools=TOOLS, reasoning_effort="low")
    message = answer.choices[0].message
    messages += [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny"}]
    answer = ask(client, provider, messages, tools=TOOLS, reasoning_effort="low")
    assert answer.choices[0].message.content == "The tool says: sunny"


@pytest.mark.parametrize("provider", EMBEDDERS)
@pytest.mark.parametrize("encoding", [None, "float", "base64"])
def test_embeddings(client, provider, encoding):
    more = {"encoding_format": encoding} if encoding else {}
    answer = client.embeddings.create(model=embedder(provider), input=["one", "two"], **more)
    assert [item.index for item in answer.data] == [0, 1]
    if encoding != "base64":
        assert answer.data[0].embedding[:4] == [0.5, -0.25, 0.125, -0.0625]
        assert answer.data[1].embedding[:2] == [-0.25, 0.125]


ERRORS = [
    (400, openai.BadRequestError, 400),
    (429, openai.RateLimitError, 429),
    # The gateway's own key, or its name of the model, is wrong: no matter of the caller's.
    (401, openai.InternalServerError, 502),
    (404, openai.InternalServerError, 502),
    (500, openai.InternalServerError, 502),
]


@pytest.mark.parametrize("status,kind,seen", ERRORS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_error_classes(client, provider, status, kind, seen):
    # Each status has a model of its own: a deployment that failed too often is left alone for a while.
    with pytest.raises(kind) as raised:
        client.chat.completions.create(
            model=f"fail-{provider}-{status}", messages=[user(opts(status=status, retry_after=3))]
        )
    assert raised.value.status_code == seen
    if status == 429:
        assert raised.value.response.headers["retry-after"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_error_mid_stream_is_raised(client, provider):
    text = ""
    with pytest.raises(openai.APIError):
        stream = client.chat.completions.create(
            model=f"fail-{provider}-500", messages=[user(opts(chunks=9, reset_after_chunks=3))], stream=True
        )
        for chunk in stream:
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    assert " the model said".startswith(text)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_leaving_mid_stream_stops_the_upstream(client, provider):
    tag = f"left-{provider}"
    stream = ask(client, provider, opts(chunks=2000, gap_ms=10, tag=tag), stream=True)
    for count, _ in enumerate(stream):
        if count == 3:
            break
    stream.close()
    wait_for(lambda: ledger(tag).get("closed_early") == 1)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_events_that_come_in_pieces(client, provider):
    stream = ask(client, provider, opts(split_bytes=11) + " é weather in Paris?", stream=True, tools=TOOLS)
    arguments = "".join(
        call.function.arguments or "" for c in stream if c.choices for call in c.choices[0].delta.tool_calls or []
    )
    assert json.loads(arguments) == {"city": "Paris"}


def test_unknown_model(client):
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model="gpt-nine", messages=[user("Hello")])
    assert raised.value.code == "model_not_found"


def test_wrong_key():
    client = openai.OpenAI(base_url=f"{GATEWAY}/v1", api_key="sk-wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        ask(client, PROVIDERS[0])


def test_azure_client():
    """The same SDK with Azure's paths and Azure's header."""
    client = openai.AzureOpenAI(azure_endpoint=GATEWAY, api_key=KEY, api_version="2024-10-21", max_retries=0)
    for provider in PROVIDERS:
        assert ask(client, provider, "Say something.").choices[0].message.content == WORDS, provider


def test_legacy_completions(client):
    for provider in PROVIDERS:
        answer = client.completions.create(model=model(provider), prompt="Say something.", max_tokens=64)
        assert answer.choices[0].text == WORDS, provider
        assert answer.object == "text_completion"
        stream = client.completions.create(model=model(provider), prompt="Say something.", max_tokens=64, stream=True)
        assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == WORDS, provider
