/** The running services the tests use. They must exist: `deltallm up` prints all three. */
function need(name: string, example: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set ${name} (for example ${example}): the tests run against a gateway that is up.`);
  return value.replace(/\/$/, '');
}

export const DASHBOARD_URL = need('DELTALLM_DASHBOARD_URL', 'http://127.0.0.1:4001');
export const API_URL = need('DELTALLM_API_URL', 'http://127.0.0.1:4000');
export const MASTER_KEY = need('DELTALLM_MASTER_KEY', 'sk-…');
export const MODEL = process.env.DELTALLM_TEST_MODEL ?? 'mock/echo';

/** A client's call; the request id makes it findable in the dashboard. */
export async function call(key: string, text: string, requestId?: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`${API_URL}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...(requestId && { 'x-request-id': requestId }) },
    body: JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: text }] }),
  });
  return { status: response.status, body: await response.text() };
}

let count = 0;
/** Names that no other test and no earlier run has used. */
export const unique = (noun: string) => `${noun}-${Date.now().toString(36)}-${process.pid}-${count++}`;
