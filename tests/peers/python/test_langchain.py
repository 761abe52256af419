"""LangChain: its own clients for OpenAI and Anthropic, whichever provider serves."""

import pydantic
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from peers import EMBEDDERS, GATEWAY, KEY, PROVIDERS, QUESTION, WORDS, embedder, model


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


class Answer(pydantic.BaseModel):
    """An answer."""

    city: str
    celsius: int


def through_openai(provider):
    return ChatOpenAI(base_url=f"{GATEWAY}/v1", api_key=KEY, model=model(provider), max_retries=0, timeout=20)


def through_responses(provider):
    return ChatOpenAI(
        base_url=f"{GATEWAY}/v1", api_key=KEY, model=model(provider), max_retries=0, timeout=20,
        use_responses_api=True, store=False,
    )


def through_anthropic(provider):
    return ChatAnthropic(
        base_url=GATEWAY, api_key=KEY, model=model(provider), max_retries=0, timeout=20, max_tokens=1024
    )


CLIENTS = [through_openai, through_responses, through_anthropic]
every_pair = pytest.mark.parametrize(
    "chat", [pytest.param(make(name), id=f"{make.__name__}-{name}") for make in CLIENTS for name in PROVIDERS]
)


@every_pair
def test_answer_and_stream(chat):
    messages = [SystemMessage("You are terse."), HumanMessage("Say something.")]
    answer = chat.invoke(messages)
    assert answer.text == WORDS
    assert answer.usage_metadata["output_tokens"] == 8
    whole = None
    for chunk in chat.stream(messages):
        whole = chunk if whole is None else whole + chunk
    assert whole.text == WORDS


@every_pair
def test_tool_loop(chat):
    chat = chat.bind_tools([get_weather])
    messages = [HumanMessage(QUESTION)]
    answer = chat.invoke(messages)
    messages.append(answer)
    for call in answer.tool_calls:
        assert call["args"] == {"city": "Paris"}
        messages.append(get_weather.invoke(call))
    assert isinstance(messages[-1], ToolMessage)
    assert chat.invoke(messages).text == "The tool says: sunny in Paris"


@every_pair
def test_structured_output(chat):
    assert chat.with_structured_output(Answer).invoke("How warm is Rome?") == Answer(city="Rome", celsius=21)


@pytest.mark.parametrize("provider", EMBEDDERS)
def test_embeddings(provider):
    client = OpenAIEmbeddings(
        base_url=f"{GATEWAY}/v1", api_key=KEY, model=embedder(provider), check_embedding_ctx_length=False
    )
    assert [vector[:2] for vector in client.embed_documents(["one", "two"])] == [[0.5, -0.25], [-0.25, 0.125]]
