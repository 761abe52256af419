// Google's GenAI SDK for JavaScript, whichever provider serves.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ApiError, GoogleGenAI } from "@google/genai";

import { CITY_SCHEMA, GATEWAY, KEY, PNG, PROVIDERS, QUESTION, THINKERS, TWO, WORDS, model, opts } from "./peers.js";

const client = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: GATEWAY, timeout: 20_000 } });
const tools = [{ functionDeclarations: [{ name: "get_weather", parametersJsonSchema: CITY_SCHEMA }] }];
const user = (...parts) => ({ role: "user", parts });

for (const provider of PROVIDERS) {
  describe(provider, () => {
    const ask = (contents, config = {}) => client.models.generateContent({ model: model(provider), contents, config });
    const stream = async (contents, config = {}) => {
      const pieces = [];
      const answer = await client.models.generateContentStream({ model: model(provider), contents, config });
      for await (const piece of answer) pieces.push(piece);
      return pieces;
    };

    test("answer and stream", async () => {
      const answer = await ask("Say something.", { systemInstruction: "You are terse." });
      assert.equal(answer.text, WORDS);
      assert.equal(answer.usageMetadata.totalTokenCount, 20);
      const pieces = await stream("Say something.");
      assert.equal(pieces.map((piece) => piece.text ?? "").join(""), WORDS);
      assert.equal(pieces.at(-1).candidates[0].finishReason, "STOP");
    });

    test("tool loop", async () => {
      const first = await ask(TWO, { tools });
      assert.deepEqual(first.functionCalls.map((call) => call.args), [{ city: "Paris" }, { city: "Rome" }]);
      const results = first.functionCalls.map(({ id, name }) => ({ functionResponse: { id, name, response: { result: "sunny" } } }));
      const last = await ask([user({ text: TWO }), first.candidates[0].content, user(...results)], { tools });
      assert.equal(last.text.match(/sunny/g).length, 2);
      const streamed = (await stream(QUESTION, { tools })).flatMap((piece) => piece.functionCalls ?? []);
      assert.deepEqual(streamed.map((call) => call.args), [{ city: "Paris" }]);
    });

    test("picture", async () => {
      const answer = await ask([user({ text: "What is this?" }, { inlineData: { mimeType: "image/png", data: PNG } })]);
      assert.equal(answer.text, "I see 1 image(s).");
    });

    test("tokens are counted", async () => {
      const count = await client.models.countTokens({ model: model(provider), contents: "How many?" });
      assert.ok(count.totalTokens > 0);
    });

    test("errors", async () => {
      for (const [status, seen] of [[429, 429], [400, 400], [500, 502]]) {
        const failing = client.models.generateContent({ model: `fail-${provider}-${status}`, contents: opts({ status }) });
        await assert.rejects(failing, (error) => error instanceof ApiError && error.status === seen);
      }
    });

    if (THINKERS.includes(provider)) {
      test("thoughts with tools", async () => {
        const config = { tools, thinkingConfig: { includeThoughts: true, thinkingBudget: 2048 }, maxOutputTokens: 8192 };
        const first = await ask(QUESTION, config);
        const thoughts = first.candidates[0].content.parts.filter((part) => part.thought).map((part) => part.text);
        assert.equal(thoughts.join(""), "Let me think about this.");
        const { id, name } = first.functionCalls[0];
        const result = user({ functionResponse: { id, name, response: { result: "sunny" } } });
        const last = await ask([user({ text: QUESTION }), first.candidates[0].content, result], config);
        assert.match(last.text, /sunny/);
      });
    }
  });
}
