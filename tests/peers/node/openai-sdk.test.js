// The official OpenAI SDK for JavaScript as a client of a running DeltaLLM.
// Started by `tests/peers/run.sh`, which puts `OPENAI_BASE_URL` and `OPENAI_API_KEY` into the environment.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

const MODEL = "gpt-4o-mini";
const messages = [{ role: "user", content: "Say something." }];
const client = new OpenAI({ maxRetries: 0, timeout: 20_000 });

/** `user` text with which the mock upstream is told what to do. */
function opts(options) {
  const pairs = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  return `mock-opts:{${pairs.join(",")}}`;
}

/** What the upstream has counted under a tag. */
async function ledger(tag) {
  const answer = await fetch(`${process.env.DELTALLM_TEST_UPSTREAM_URL}/_ledger`);
  return (await answer.json()).by_tag[tag] ?? {};
}

async function waitFor(condition, milliseconds = 10_000) {
  const deadline = Date.now() + milliseconds;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, "did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function textOf(stream) {
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  return text;
}

test("unstreamed answer", async () => {
  const answer = await client.chat.completions.create({ model: MODEL, messages, user: opts({ chunks: 3 }) });
  assert.equal(answer.choices[0].message.content, " the model said");
  assert.equal(answer.usage.total_tokens, 15);
  assert.ok(answer._request_id, "the SDK finds x-request-id");
});

test("stream", async () => {
  const stream = await client.chat.completions.create({
    model: MODEL, messages, stream: true, user: opts({ chunks: 4, gap_ms: 5 }),
  });
  assert.equal(await textOf(stream), " the model said that");
});

test("stream hides usage that was not asked for", async () => {
  const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true });
  for await (const chunk of stream) {
    assert.ok(!("usage" in chunk));
    assert.equal(chunk.choices.length, 1);
  }
});

test("stream shows usage that was asked for", async () => {
  const stream = await client.chat.completions.create({
    model: MODEL, messages, stream: true, stream_options: { include_usage: true }, user: opts({ chunks: 4 }),
  });
  const usages = [];
  for await (const chunk of stream) if (chunk.usage) usages.push(chunk.usage.completion_tokens);
  assert.deepEqual(usages, [4]);
});

test("stream helper", async () => {
  const stream = client.chat.completions.stream({ model: MODEL, messages, user: opts({ chunks: 4 }) });
  assert.equal(await stream.finalContent(), " the model said that");
});

test("abort mid-stream stops the upstream", async () => {
  const stream = await client.chat.completions.create({
    model: MODEL, messages, stream: true, user: opts({ chunks: 2000, gap_ms: 10, tag: "node-abort" }),
  });
  let count = 0;
  for await (const _ of stream) if (++count === 4) break;
  stream.controller.abort();
  await waitFor(async () => (await ledger("node-abort")).closed_early === 1);
  assert.ok((await ledger("node-abort")).chunks_written < 1000);
});

test("error mid-stream is thrown", async () => {
  const stream = await client.chat.completions.create({
    model: "faulty-stream", messages, stream: true, user: opts({ chunks: 9, reset_after_chunks: 3 }),
  });
  await assert.rejects(textOf(stream), (error) => {
    assert.ok(error instanceof OpenAI.APIError, String(error));
    assert.equal(error.code, "upstream_error");
    return true;
  });
});

test("embeddings", async () => {
  // Without an encoding the SDK asks for base64 and turns it into numbers itself.
  for (const more of [{}, { encoding_format: "float" }]) {
    const answer = await client.embeddings.create({ model: "text-embedding-3-small", input: ["one", "two"], ...more });
    assert.equal(answer.data.length, 2);
    assert.deepEqual(Array.from(answer.data[0].embedding).slice(0, 4), [0.5, -0.25, 0.125, -0.0625]);
  }
});

test("models list", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes(MODEL) && names.includes("renamed"), names.join());
});

const refusals = [
  ["wrong key", OpenAI.AuthenticationError, 401, "invalid_api_key", { apiKey: "sk-wrong" }, {}],
  ["no right to the model", OpenAI.PermissionDeniedError, 403, "model_not_allowed",
    { apiKey: process.env.DELTALLM_TEST_NARROW_KEY }, {}],
  ["unknown model", OpenAI.NotFoundError, 404, "model_not_found", {}, { model: "gpt-nine" }],
  ["bad request", OpenAI.BadRequestError, 400, "invalid_request_error", {}, { user: opts({ status: 400 }) }],
  ["rate limit", OpenAI.RateLimitError, 429, "rate_limit_exceeded", {},
    { model: "faulty-429", user: opts({ status: 429, retry_after: 3 }) }],
  ["upstream failure", OpenAI.InternalServerError, 502, "upstream_error", {},
    { model: "faulty-500", user: opts({ status: 500 }) }],
];

for (const [name, type, status, code, options, body] of refusals) {
  test(`error class: ${name}`, async () => {
    const caller = client.withOptions(options);
    await assert.rejects(caller.chat.completions.create({ model: MODEL, messages, ...body }), (error) => {
      assert.ok(error instanceof type, `${error.constructor.name}: ${error.message}`);
      assert.equal(error.status, status);
      assert.equal(error.code, code);
      return true;
    });
  });
}
