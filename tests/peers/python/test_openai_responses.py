"""OpenAI's SDK: the Responses API, whichever provider serves."""

import json

import openai
import pydantic
import pytest
from peers import CITY_SCHEMA, GATEWAY, KEY, PNG, PROVIDERS, QUESTION, THINKERS, WORDS, model, opts

TOOLS = [{"type": "function", "name": "get_weather", "parameters": CITY_SCHEMA, "strict": True}]
#: Those that keep answers; the others say so.
KEEPERS = [name for name in PROVIDERS if name in ("openai", "azure")]


@pytest.fixture(scope="module")
def client():
    with openai.OpenAI(base_url=f"{GATEWAY}/v1", api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


@pytest.mark.parametrize("provider", PROVIDERS)
def test_answer(client, provider):
    answer = client.responses.create(model=model(provider), input="Say something.", instructions="You are terse.")
    assert answer.object == "response"
    assert answer.status == "completed"
    assert answer.output_text == WORDS
    assert answer.instructions == "You are terse."
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (12, 8, 20)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_answer_that_is_too_long(client, provider):
    answer = client.responses.create(model=model(provider), input="Say something.", max_output_tokens=3)
    assert answer.status == "incomplete"
    assert answer.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_stream(client, provider):
    events = list(client.responses.create(model=model(provider), input="Say something.", stream=True))
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == WORDS
    for kind in ("response.output_item.added", "response.content_part.added", "response.output_text.done",
                 "response.content_part.done", "response.output_item.done"):
        assert kind in kinds
    assert events[-1].response.output_text == WORDS
    assert events[-1].response.usage.output_tokens == 8


@pytest.mark.parametrize("provider", PROVIDERS)
def test_tool_loop(client, provider):
    items = [{"role": "user", "content": "Weather in Paris and Rome?"}]
    answer = client.responses.create(model=model(provider), input=items, tools=TOOLS)
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [json.loads(call.arguments) for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]
    items += answer.output
    items += [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
    answer = client.responses.create(model=model(provider), input=items, tools=TOOLS)
    assert answer.output_text == "The tool says: sunny; sunny"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_streamed_tool_loop(client, provider):
    items = [{"role": "user", "content": QUESTION}]
    with client.responses.stream(model=model(provider), input=items, tools=TOOLS) as stream:
        arguments = "".join(
            event.delta for event in stream if event.type == "response.function_call_arguments.delta"
        )
        answer = stream.get_final_response()
    assert json.loads(arguments) == {"city": "Paris"}
    items += answer.output
    call = next(item for item in answer.output if item.type == "function_call")
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
    with client.responses.stream(model=model(provider), input=items, tools=TOOLS) as stream:
        assert stream.get_final_response().output_text == "The tool says: sunny"


class Answer(pydantic.BaseModel):
    model_config = {"extra": "forbid"}
    city: str
    celsius: int


@pytest.mark.parametrize("provider", PROVIDERS)
def test_structured_output(client, provider):
    answer = client.responses.parse(model=model(provider), input="How warm is Rome?", text_format=Answer)
    assert answer.output_parsed == Answer(city="Rome", celsius=21)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_image(client, provider):
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PNG}"},
    ]
    answer = client.responses.create(model=model(provider), input=[{"role": "user", "content": content}])
    assert answer.output_text == "I see 1 image(s)."


@pytest.mark.parametrize("provider", [*THINKERS, *KEEPERS])
def test_reasoning_comes_back(client, provider):
    more = {
        "model": model(provider), "reasoning": {"effort": "low", "summary": "auto"}, "tools": TOOLS,
        "include": ["reasoning.encrypted_content"], "store": False, "max_output_tokens": 4096,
    }
    items = [{"role": "user", "content": QUESTION}]
    answer = client.responses.create(input=items, **more)
    thought = next(item for item in answer.output if item.type == "reasoning")
    assert thought.summary[0].text == "Let me think about this."
    items += answer.output
    call = next(item for item in answer.output if item.type == "function_call")
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
    answer = client.responses.create(input=items, **more)
    assert answer.output_text == "The tool says: sunny"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_previous_response(client, provider):
    first = client.responses.create(model=model(provider), input="Say something.")
    if provider in KEEPERS:
        second = client.responses.create(
            model=model(provider), input="And more.", previous_response_id=first.id
        )
        assert second.output_text == WORDS
    else:
        with pytest.raises(openai.BadRequestError) as raised:
            client.responses.create(model=model(provider), input="And more.", previous_response_id=first.id)
        assert "previous_response_id" in str(raised.value)


@pytest.mark.parametrize("status,kind", [(400, openai.BadRequestError), (429, openai.RateLimitError),
                                         (500, openai.InternalServerError)])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_error_classes(client, provider, status, kind):
    with pytest.raises(kind):
        client.responses.create(model=f"fail-{provider}-{status}", input=opts(status=status))
