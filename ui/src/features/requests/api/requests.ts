import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { body, client, type Schemas } from '@/lib/client';
import { paged } from '@/lib/query';

export type RequestRow = Schemas['RequestView'];
export const STATUSES = ['success', 'error', '4xx', '5xx'] as const;
export type Status = (typeof STATUSES)[number];
export type RequestFilter = { q?: string; status?: Status; model?: string; key_id?: string; kind?: Kind };
/** Events that are no calls: what an operator pays beside them. Without a kind only calls are listed. */
export const KINDS = ['failed_attempt', 'hedge_loser', 'mirror', 'probe', 'all'] as const;
export type Kind = (typeof KINDS)[number];
export type Explain = Schemas['ExplainView'];

const PAGE = 100;

export const requestsQuery = (filter: RequestFilter) =>
  infiniteQueryOptions({
    queryKey: ['requests', 'list', filter],
    queryFn: ({ pageParam, signal }) =>
      body(client.GET('/api/v1/requests', { params: { query: { ...filter, limit: PAGE, cursor: pageParam } }, signal })),
    ...paged,
  });

export const requestQuery = (id: string) =>
  queryOptions({
    queryKey: ['requests', 'one', id],
    queryFn: () => body(client.GET('/api/v1/requests/{id}', { params: { path: { id } } })),
  });

/** Why a call went where it went. */
export const explainQuery = (id: string) =>
  queryOptions({
    queryKey: ['requests', 'explain', id],
    queryFn: ({ signal }) => body(client.GET('/api/v1/requests/{id}/explain', { params: { path: { id } }, signal })),
  });

/** The server's filters, for rows that arrive by stream and not by query. */
export function matches(row: RequestRow, f: RequestFilter): boolean {
  const status = {
    success: row.status < 400,
    error: row.status >= 400,
    '4xx': row.status >= 400 && row.status < 500,
    '5xx': row.status >= 500,
  };
  return (
    (f.kind === 'all' || row.kind === (f.kind ?? 'call')) &&
    (!f.status || status[f.status]) &&
    (!f.model || row.model === f.model) &&
    (!f.key_id || row.key_id === f.key_id) &&
    (!f.q || row.request_id === f.q || row.event_id === f.q)
  );
}
