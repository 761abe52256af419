"""Google's GenAI SDK, whichever provider serves."""

import base64
import json

import pytest
from google import genai
from google.genai import errors, types
from peers import ANSWER_SCHEMA, CITY_SCHEMA, GATEWAY, KEY, PDF, PNG, PROVIDERS, QUESTION, READERS, THINKERS, WORDS
from peers import model, opts

FUNCTION = types.FunctionDeclaration(name="get_weather", description="Weather", parameters_json_schema=CITY_SCHEMA)
TOOLS = [types.Tool(function_declarations=[FUNCTION])]


@pytest.fixture(scope="module")
def client():
    return genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=GATEWAY, timeout=20_000))


def config(**more):
    return types.GenerateContentConfig(automatic_function_calling={"disable": True}, **more)


def ask(client, provider, contents=QUESTION, **more):
    return client.models.generate_content(model=model(provider), contents=contents, config=config(**more))


def user(*parts):
    return types.Content(role="user", parts=list(parts))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_answer(client, provider):
    contents = [
        user(types.Part(text="Hello")), types.Content(role="model", parts=[types.Part(text="Hi.")]),
        user(types.Part(text="Say something.")),
    ]
    answer = ask(client, provider, contents, system_instruction="You are terse.", temperature=0.5, max_output_tokens=256)
    assert answer.text == WORDS
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    usage = answer.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count) == (12, 8, 20)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_stream(client, provider):
    pieces = list(client.models.generate_content_stream(
        model=model(provider), contents="Say something.", config=config()
    ))
    assert "".join(piece.text or "" for piece in pieces) == WORDS
    assert len(pieces) > 3
    assert pieces[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert pieces[-1].usage_metadata.candidates_token_count == 8


@pytest.mark.parametrize("provider", PROVIDERS)
def test_answer_that_is_too_long(client, provider):
    answer = ask(client, provider, "Say something.", max_output_tokens=3)
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert answer.text == " the model said"


@pytest.mark.parametrize("question,cities", [(QUESTION, ["Paris"]), ("Weather in Paris and Rome?", ["Paris", "Rome"])])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_tool_loop(client, provider, question, cities):
    contents = [user(types.Part(text=question))]
    answer = ask(client, provider, contents, tools=TOOLS)
    assert [call.name for call in answer.function_calls] == ["get_weather"] * len(cities)
    assert [call.args for call in answer.function_calls] == [{"city": city} for city in cities]
    responses = [
        types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"result": "sunny"}))
        for call in answer.function_calls
    ]
    contents += [answer.candidates[0].content, user(*responses)]
    answer = ask(client, provider, contents, tools=TOOLS)
    assert answer.text.count("sunny") == len(cities)
    contents += [answer.candidates[0].content, user(types.Part(text="Thank you."))]
    assert ask(client, provider, contents, tools=TOOLS).text == WORDS


@pytest.mark.parametrize("provider", PROVIDERS)
def test_streamed_tool_call(client, provider):
    calls = []
    for piece in client.models.generate_content_stream(
        model=model(provider), contents="Weather in Paris and Rome?", config=config(tools=TOOLS)
    ):
        calls += piece.function_calls or []
    assert [call.args for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]


def get_weather(city: str) -> str:
    """The weather.

    Args:
        city: Name of the city.
    """
    return f"sunny in {city}"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_function_that_the_sdk_calls_itself(client, provider):
    answer = client.models.generate_content(
        model=model(provider), contents=QUESTION, config=types.GenerateContentConfig(tools=[get_weather])
    )
    assert "sunny in Paris" in answer.text


@pytest.mark.parametrize("provider", PROVIDERS)
def test_tool_choice(client, provider):
    calling = types.FunctionCallingConfig(mode="ANY")
    answer = ask(client, provider, "Hello", tools=TOOLS, tool_config=types.ToolConfig(function_calling_config=calling))
    assert answer.function_calls[0].name == "get_weather"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_image(client, provider):
    image = types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png")
    answer = ask(client, provider, [user(types.Part(text="What is this?"), image)])
    assert answer.text == "I see 1 image(s)."


@pytest.mark.parametrize("provider", READERS)
def test_document(client, provider):
    document = types.Part.from_bytes(data=base64.b64decode(PDF), mime_type="application/pdf")
    answer = ask(client, provider, [user(types.Part(text="What does it say?"), document)])
    assert answer.text == "I see 1 document(s)."


@pytest.mark.parametrize("field", ["response_schema", "response_json_schema"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_structured_output(client, provider, field):
    schema = dict(ANSWER_SCHEMA)
    if field == "response_schema":
        del schema["additionalProperties"]
    answer = ask(client, provider, "How warm is Rome?", response_mime_type="application/json", **{field: schema})
    assert json.loads(answer.text) == {"city": "Rome", "celsius": 21}


@pytest.mark.parametrize("provider", THINKERS)
def test_thoughts_with_tools(client, provider):
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=2048)
    contents = [user(types.Part(text=QUESTION))]
    more = {"tools": TOOLS, "thinking_config": thinking, "max_output_tokens": 8192}
    answer = ask(client, provider, contents, **more)
    thoughts = [part.text for part in answer.candidates[0].content.parts if part.thought]
    assert "".join(thoughts) == "Let me think about this."
    call = answer.function_calls[0]
    response = types.FunctionResponse(id=call.id, name=call.name, response={"result": "sunny"})
    contents += [answer.candidates[0].content, user(types.Part(function_response=response))]
    assert "sunny" in ask(client, provider, contents, **more).text


@pytest.mark.parametrize("provider", PROVIDERS)
def test_count_tokens(client, provider):
    assert client.models.count_tokens(model=model(provider), contents="How many?").total_tokens > 0


@pytest.mark.parametrize("status,kind,seen", [
    (400, errors.ClientError, 400), (429, errors.ClientError, 429), (401, errors.ServerError, 502),
    (500, errors.ServerError, 502),
])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_error_classes(client, provider, status, kind, seen):
    names = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED"}
    with pytest.raises(kind) as raised:
        client.models.generate_content(model=f"fail-{provider}-{status}", contents=opts(status=status))
    assert raised.value.code == seen
    assert raised.value.status == names.get(status, raised.value.status)


def test_unknown_model(client):
    with pytest.raises(errors.ClientError) as raised:
        client.models.generate_content(model="gemini-nine", contents="Hello")
    assert raised.value.code == 404
