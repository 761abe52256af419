"""`instructor`: structured answers through tools and through schemas, whichever provider serves."""

import anthropic
import instructor
import openai
import pytest
from peers import GATEWAY, KEY, PROVIDERS, lax, model
from pydantic import BaseModel


class Answer(BaseModel):
    city: str
    celsius: int


#: JSON without a schema is nothing that these have; through tools and schemas they do the same.
WITHOUT_PLAIN_JSON = ("anthropic", "bedrock")
MODES = [instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA, instructor.Mode.JSON]


def reaches(provider, mode):
    return mode != instructor.Mode.JSON or provider not in WITHOUT_PLAIN_JSON


WAYS = [(provider, mode) for provider in PROVIDERS for mode in MODES if reaches(provider, mode)]


@pytest.mark.parametrize("provider", WITHOUT_PLAIN_JSON)
def test_json_without_a_schema_is_refused_by_name(provider):
    client = openai.OpenAI(base_url=f"{GATEWAY}/v1", api_key=KEY, max_retries=0)
    client = instructor.from_openai(client, mode=instructor.Mode.JSON)
    with pytest.raises(Exception, match="response_format"):
        client.chat.completions.create(
            model=model(provider), response_model=Answer, max_retries=0,
            messages=[{"role": "user", "content": "How warm is Rome?"}],
        )


@pytest.mark.parametrize(("provider", "mode"), WAYS, ids=str)
def test_through_openai(provider, mode):
    client = instructor.from_openai(openai.OpenAI(base_url=f"{GATEWAY}/v1", api_key=KEY, max_retries=0), mode=mode)
    answer = client.chat.completions.create(
        model=model(provider), response_model=Answer, max_retries=0,
        messages=[{"role": "user", "content": "How warm is Rome?"}],
    )
    assert (answer.city, answer.celsius) == ("Rome", 21)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_through_anthropic(provider):
    client = instructor.from_anthropic(anthropic.Anthropic(base_url=GATEWAY, api_key=KEY, max_retries=0))
    answer = client.messages.create(
        # It asks for one call at most, which not every vendor can promise.
        model=lax(provider), response_model=Answer, max_retries=0, max_tokens=1024,
        messages=[{"role": "user", "content": "How warm is Rome?"}],
    )
    assert (answer.city, answer.celsius) == ("Rome", 21)
