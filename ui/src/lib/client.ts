/** The typed client of the admin API, and what every call has in common: one error type and one way out of a lost session. */
import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];
export type Page<T> = { data: T[]; next_cursor?: string | null };

/** A refused or failed call. `param` names the field the admin service objects to. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly param: string | null = null,
  ) {
    super(message);
  }
}

let reauthenticate: (() => Promise<void>) | null = null;
/** While a handler is set, a call that meets 401 waits for the new session and is then sent again, so no page loses its state. */
export function setReauthenticate(handler: (() => Promise<void>) | null) {
  reauthenticate = handler;
}

// These answer 401 about what was typed in, not about the session.
const CREDENTIAL_PATHS = ['/api/v1/session', '/api/v1/me/password'];

async function send(request: Request): Promise<Response> {
  const again = request.clone();
  let response: Response;
  try {
    response = await fetch(request);
  } catch (cause) {
    if (request.signal.aborted) throw cause;
    throw new ApiError(0, 'unreachable', 'The admin service did not answer. Check that deltallm-admin runs, then try again.');
  }
  const wait = reauthenticate;
  if (response.status !== 401 || !wait || CREDENTIAL_PATHS.includes(new URL(request.url).pathname)) return response;
  await wait();
  return fetch(again);
}

export const client = createClient<paths>({ baseUrl: location.origin, fetch: send });

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of a successful answer; anything else is thrown as an `ApiError`. */
export async function body<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  const e = (error as { error?: Partial<{ message: string; code: string; param: string | null }> } | undefined)?.error;
  throw new ApiError(
    response.status,
    e?.code ?? `http_${response.status}`,
    e?.message ?? `The admin service answered with HTTP ${response.status}.`,
    e?.param ?? null,
  );
}

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : 'Something went wrong.');
