// What all tests of this folder share: the running system, its models, the stories they tell.
// Started by `tests/peers/run.sh`, which puts the addresses and keys into the environment.

export const GATEWAY = process.env.DELTALLM_TEST_GATEWAY;
export const KEY = process.env.OPENAI_API_KEY;

/** Every provider whose own protocol the upstream speaks; each serves `chat-<provider>`. */
export const PROVIDERS = process.env.DELTALLM_TEST_PROVIDERS.split(" ");
/** Those whose models show what they think. */
export const THINKERS = PROVIDERS.filter((name) => ["anthropic", "gemini", "vertex", "bedrock", "cohere"].includes(name));
/** Those with embeddings; each serves `embed-<provider>`. */
export const EMBEDDERS = PROVIDERS.filter((name) => ["openai", "azure", "gemini", "vertex", "cohere", "mistral"].includes(name));

export const WORDS = " the model said that one more word will";
export const QUESTION = "What is the weather in Paris?";
export const TWO = "Weather in Paris and Rome?";
export const CITY_SCHEMA = {
  type: "object",
  properties: { city: { type: "string", description: "Name of the city" } },
  required: ["city"],
  additionalProperties: false,
};
export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgAAAAAgAB4iG8MwAAAABJRU5ErkJggg==";

/** Public name of the model that a provider serves. */
export const model = (provider) => `chat-${provider}`;
/** The same with `drop_params`: for clients that ask for more than every vendor has. */
export const lax = (provider) => `lax-${provider}`;
/** Public name of the embedding model. */
export const embedder = (provider) => `embed-${provider}`.replace("gemini", "google");

/** Text with which the upstream is told what to do. */
export function opts(options) {
  const pairs = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  return `mock-opts:{${pairs.join(",")}}`;
}
