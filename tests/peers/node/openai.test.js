// OpenAI's SDK for JavaScript, whichever provider serves.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import {
  CITY_SCHEMA, EMBEDDERS, GATEWAY, KEY, PNG, PROVIDERS, QUESTION, THINKERS, TWO, WORDS, embedder, model, opts,
} from "./peers.js";

const client = new OpenAI({ baseURL: `${GATEWAY}/v1`, apiKey: KEY, maxRetries: 0, timeout: 20_000 });
const tools = [{ type: "function", function: { name: "get_weather", parameters: CITY_SCHEMA } }];
const user = (content) => ({ role: "user", content });

describe("chat completions", () => {
  for (const provider of PROVIDERS) {
    const ask = (messages, more = {}) => client.chat.completions.create({ model: model(provider), messages, ...more });

    test(`${provider}: answer and stream`, async () => {
      const answer = await ask([{ role: "system", content: "You are terse." }, user("Say something.")]);
      assert.equal(answer.choices[0].message.content, WORDS);
      assert.equal(answer.usage.total_tokens, 20);
      const stream = client.chat.completions.stream({ model: model(provider), messages: [user("Say something.")] });
      assert.equal(await stream.finalContent(), WORDS);
    });

    test(`${provider}: tool loop, streamed and not`, async () => {
      for (const streams of [false, true]) {
        const turn = async (messages) => {
          const body = { model: model(provider), messages, tools };
          if (!streams) return (await client.chat.completions.create(body)).choices[0].message;
          return (await client.chat.completions.stream(body).finalChatCompletion()).choices[0].message;
        };
        const message = await turn([user(TWO)]);
        const cities = message.tool_calls.map((call) => JSON.parse(call.function.arguments).city);
        assert.deepEqual(cities, ["Paris", "Rome"]);
        const results = message.tool_calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: "sunny" }));
        const last = await turn([user(TWO), message, ...results]);
        assert.equal(last.content, "The tool says: sunny; sunny");
      }
    });

    test(`${provider}: picture`, async () => {
      const picture = { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } };
      const answer = await ask([user([{ type: "text", text: "What is this?" }, picture])]);
      assert.equal(answer.choices[0].message.content, "I see 1 image(s).");
    });

    test(`${provider}: error classes`, async () => {
      const failing = (status) =>
        client.chat.completions.create({ model: `fail-${provider}-${status}`, messages: [user(opts({ status }))] });
      await assert.rejects(failing(429), OpenAI.RateLimitError);
      await assert.rejects(failing(400), OpenAI.BadRequestError);
      await assert.rejects(failing(500), OpenAI.InternalServerError);
    });
  }
});

describe("responses", () => {
  const Answer = z.object({ city: z.string(), celsius: z.number().int() });
  const functions = [{ type: "function", name: "get_weather", parameters: CITY_SCHEMA, strict: true }];

  for (const provider of PROVIDERS) {
    test(`${provider}: answer, stream, parse`, async () => {
      const answer = await client.responses.create({ model: model(provider), input: "Say something." });
      assert.equal(answer.output_text, WORDS);
      const stream = client.responses.stream({ model: model(provider), input: "Say something." });
      assert.equal((await stream.finalResponse()).output[0].content[0].text, WORDS);
      const parsed = await client.responses.parse({
        model: model(provider), input: "How warm is Rome?", text: { format: zodTextFormat(Answer, "answer") },
      });
      assert.deepEqual(parsed.output_parsed, { city: "Rome", celsius: 21 });
    });

    test(`${provider}: tool loop`, async () => {
      const input = [{ role: "user", content: QUESTION }];
      const first = await client.responses.create({ model: model(provider), input, tools: functions });
      const call = first.output.find((item) => item.type === "function_call");
      assert.deepEqual(JSON.parse(call.arguments), { city: "Paris" });
      input.push(...first.output, { type: "function_call_output", call_id: call.call_id, output: "sunny" });
      const last = await client.responses.create({ model: model(provider), input, tools: functions });
      assert.equal(last.output_text, "The tool says: sunny");
    });
  }

  for (const provider of THINKERS) {
    test(`${provider}: reasoning`, async () => {
      const answer = await client.responses.create({
        model: model(provider), input: "Think.", reasoning: { effort: "low", summary: "auto" }, max_output_tokens: 4096,
      });
      assert.equal(answer.output[0].summary[0].text, "Let me think about this.");
    });
  }
});

describe("embeddings", () => {
  for (const provider of EMBEDDERS) {
    test(provider, async () => {
      // Without an encoding the SDK asks for base64 and turns it into numbers itself.
      for (const more of [{}, { encoding_format: "float" }]) {
        const answer = await client.embeddings.create({ model: embedder(provider), input: ["one", "two"], ...more });
        assert.deepEqual(Array.from(answer.data[1].embedding).slice(0, 2), [-0.25, 0.125]);
      }
    });
  }
});
