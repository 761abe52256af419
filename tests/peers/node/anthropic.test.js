// Anthropic's SDK for JavaScript, whichever provider serves.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";

import { CITY_SCHEMA, GATEWAY, KEY, PNG, PROVIDERS, QUESTION, THINKERS, TWO, WORDS, model, opts } from "./peers.js";

const client = new Anthropic({ baseURL: GATEWAY, apiKey: KEY, maxRetries: 0, timeout: 20_000 });
const tools = [{ name: "get_weather", description: "Weather", input_schema: CITY_SCHEMA }];
const user = (content) => ({ role: "user", content });

for (const provider of PROVIDERS) {
  describe(provider, () => {
    const body = (messages, more = {}) => ({ model: model(provider), max_tokens: 4096, messages, ...more });

    test("answer and stream", async () => {
      const answer = await client.messages.create(body([user("Say something.")], { system: "You are terse." }));
      assert.equal(answer.content[0].text, WORDS);
      assert.equal(answer.stop_reason, "end_turn");
      const stream = client.messages.stream(body([user("Say something.")]));
      assert.equal(await stream.finalText(), WORDS);
      assert.equal((await stream.finalMessage()).usage.output_tokens, 8);
    });

    test("tool loop, streamed and not", async () => {
      for (const streams of [false, true]) {
        const turn = (messages) =>
          streams ? client.messages.stream(body(messages, { tools })).finalMessage() : client.messages.create(body(messages, { tools }));
        const first = await turn([user(TWO)]);
        const calls = first.content.filter((block) => block.type === "tool_use");
        assert.deepEqual(calls.map((call) => call.input), [{ city: "Paris" }, { city: "Rome" }]);
        const results = calls.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "sunny" }));
        const last = await turn([user(TWO), { role: "assistant", content: first.content }, user(results)]);
        assert.equal(last.content[0].text, "The tool says: sunny; sunny");
      }
    });

    test("picture", async () => {
      const picture = { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } };
      const answer = await client.messages.create(body([user([picture, { type: "text", text: "What is this?" }])]));
      assert.equal(answer.content[0].text, "I see 1 image(s).");
    });

    test("tokens are counted", async () => {
      const count = await client.messages.countTokens({ model: model(provider), messages: [user("How many?")] });
      assert.ok(count.input_tokens > 0);
    });

    test("error classes", async () => {
      const failing = (status) =>
        client.messages.create({ ...body([user(opts({ status }))]), model: `fail-${provider}-${status}` });
      await assert.rejects(failing(429), Anthropic.RateLimitError);
      await assert.rejects(failing(400), Anthropic.BadRequestError);
      await assert.rejects(failing(500), Anthropic.InternalServerError);
    });

    if (THINKERS.includes(provider)) {
      test("thinking with tools", async () => {
        const more = { tools, thinking: { type: "enabled", budget_tokens: 2048 } };
        const first = await client.messages.stream(body([user(QUESTION)], more)).finalMessage();
        assert.equal(first.content[0].thinking, "Let me think about this.");
        const result = { type: "tool_result", tool_use_id: first.content.at(-1).id, content: "sunny" };
        const messages = [user(QUESTION), { role: "assistant", content: first.content }, user([result])];
        const last = await client.messages.create(body(messages, more));
        assert.equal(last.content.find((block) => block.type === "text").text, "The tool says: sunny");
      });
    }
  });
}
