// Vercel's AI SDK: its providers for OpenAI (chat, responses), Anthropic, Google and OpenAI-compatible servers.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Output, embedMany, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import { EMBEDDERS, GATEWAY, KEY, PROVIDERS, QUESTION, WORDS, embedder, lax, model } from "./peers.js";

const openai = createOpenAI({ baseURL: `${GATEWAY}/v1`, apiKey: KEY });
const anthropic = createAnthropic({ baseURL: `${GATEWAY}/v1`, apiKey: KEY });
const google = createGoogleGenerativeAI({ baseURL: `${GATEWAY}/v1beta`, apiKey: KEY });
const compatible = createOpenAICompatible({
  name: "deltallm", baseURL: `${GATEWAY}/v1`, apiKey: KEY, supportsStructuredOutputs: true,
});
const clients = {
  chat: (name) => openai.chat(name),
  responses: (name) => openai.responses(name),
  anthropic: (name) => anthropic(name),
  google: (name) => google(name),
  compatible: (name) => compatible(name),
};
const tools = {
  get_weather: tool({
    description: "Weather",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `sunny in ${city}`,
  }),
};

for (const [client, make] of Object.entries(clients)) {
  describe(client, () => {
    for (const provider of PROVIDERS) {
      // Without `store: false` it refers to what OpenAI has kept instead of sending it again.
      const base = { model: make(model(provider)), maxRetries: 0, providerOptions: { openai: { store: false } } };

      test(`${provider}: answer and stream`, async () => {
        const answer = await generateText({ ...base, system: "You are terse.", prompt: "Say something." });
        assert.equal(answer.text, WORDS);
        assert.equal(answer.usage.outputTokens, 8);
        const stream = streamText({ ...base, prompt: "Say something." });
        assert.equal(await stream.text, WORDS);
        assert.equal(await stream.finishReason, "stop");
      });

      test(`${provider}: tools are called and answered`, async () => {
        const whole = await generateText({ ...base, tools, prompt: QUESTION, stopWhen: stepCountIs(3) });
        assert.match(whole.text, /The tool says: .*sunny in Paris/);
        const stream = streamText({ ...base, tools, prompt: QUESTION, stopWhen: stepCountIs(3) });
        assert.match(await stream.text, /The tool says: .*sunny in Paris/);
      });

      test(`${provider}: structured output`, async () => {
        const schema = z.object({ city: z.string(), celsius: z.number() });
        const output = Output.object({ schema });
        // For Anthropic's it asks for one call at most, which not every vendor can promise.
        const strict = client === "anthropic" ? { ...base, model: make(lax(provider)) } : base;
        const answer = await generateText({ ...strict, output, prompt: "How warm is Rome?" });
        assert.equal(answer.output.city, "Rome");
      });
    }
  });
}

describe("embeddings", () => {
  for (const provider of EMBEDDERS) {
    test(provider, async () => {
      const { embeddings } = await embedMany({ model: openai.embedding(embedder(provider)), values: ["one", "two"] });
      assert.deepEqual(embeddings.map((vector) => vector.slice(0, 2)), [[0.5, -0.25], [-0.25, 0.125]]);
    });
  }
});
