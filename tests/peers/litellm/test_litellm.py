"""LiteLLM's SDK with the gateway as its proxy, and as an OpenAI-compatible server."""

import json

import litellm
import pytest
from peers import CITY_SCHEMA, EMBEDDERS, GATEWAY, KEY, PROVIDERS, QUESTION, WORDS, embedder, model, opts

TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": CITY_SCHEMA}}]
PREFIXES = {"litellm_proxy": GATEWAY, "openai": f"{GATEWAY}/v1"}
every_pair = pytest.mark.parametrize("prefix,provider", [(p, name) for p in PREFIXES for name in PROVIDERS])


def ask(prefix, provider, text=QUESTION, messages=None, **more):
    return litellm.completion(
        model=f"{prefix}/{model(provider)}", messages=messages or [{"role": "user", "content": text}],
        api_base=PREFIXES[prefix], api_key=KEY, num_retries=0, max_retries=0, timeout=20, **more,
    )


@every_pair
def test_answer_and_stream(prefix, provider):
    answer = ask(prefix, provider, "Say something.")
    assert answer.choices[0].message.content == WORDS
    assert answer.usage.total_tokens == 20
    chunks = list(ask(prefix, provider, "Say something.", stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == WORDS


@every_pair
def test_tool_loop(prefix, provider):
    messages = [{"role": "user", "content": QUESTION}]
    message = ask(prefix, provider, messages=messages, tools=TOOLS).choices[0].message
    call = message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    messages += [message.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    answer = ask(prefix, provider, messages=messages, tools=TOOLS)
    assert answer.choices[0].message.content == "The tool says: sunny"


@pytest.mark.parametrize("provider", EMBEDDERS)
def test_embeddings(provider):
    answer = litellm.embedding(
        model=f"litellm_proxy/{embedder(provider)}", input=["one", "two"], api_base=GATEWAY, api_key=KEY
    )
    assert answer.data[1]["embedding"][:2] == [-0.25, 0.125]


def test_rerank():
    answer = litellm.rerank(
        model="litellm_proxy/rerank-cohere", query="short", documents=["a long document", "short"], top_n=1,
        api_base=GATEWAY, api_key=KEY,
    )
    assert [result["index"] for result in answer.results] == [1]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_error_classes(provider):
    for status, kind in [(429, litellm.RateLimitError), (400, litellm.BadRequestError)]:
        with pytest.raises(kind):
            litellm.completion(
                model=f"openai/fail-{provider}-{status}", messages=[{"role": "user", "content": opts(status=status)}],
                api_base=f"{GATEWAY}/v1", api_key=KEY, num_retries=0, max_retries=0, timeout=20,
            )
