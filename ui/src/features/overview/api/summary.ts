import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { body, client, type Schemas } from '@/lib/client';

/** One group's sums; the total has the same shape, without a group. */
export type SpendRow = Schemas['SpendView'];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const RANGES = {
  '24h': { label: '24h', bucket: 'hour', spanMs: HOUR_MS, count: 24 },
  '7d': { label: '7d', bucket: 'day', spanMs: DAY_MS, count: 7 },
  '30d': { label: '30d', bucket: 'day', spanMs: DAY_MS, count: 30 },
} as const;
export type Range = keyof typeof RANGES;
export const RANGE_IDS = Object.keys(RANGES) as Range[];

export const GROUPS = ['model', 'provider', 'key', 'team'] as const;
export type Group = (typeof GROUPS)[number];

/** Starts of the buckets of a range; the last one is under way. Hours and days are UTC, as the roll-up keeps them. */
export function bucketsOf(range: Range, now: number): Date[] {
  const { spanMs, count } = RANGES[range];
  const last = Math.floor(now / spanMs) * spanMs;
  return Array.from({ length: count }, (_, i) => new Date(last - (count - 1 - i) * spanMs));
}

type Window = { since: string; until?: string };
export function windowOf(range: Range, now: number): Window {
  return { since: bucketsOf(range, now)[0]!.toISOString() };
}
/** The same stretch of time one range earlier, cut at the same point of its last bucket (to the hour, as the roll-up counts). */
export function windowBefore(range: Range, now: number): Window {
  const { spanMs, count } = RANGES[range];
  const earlierMs = spanMs * count;
  const until = Math.floor((now - earlierMs) / HOUR_MS) * HOUR_MS;
  return { since: new Date(bucketsOf(range, now)[0]!.getTime() - earlierMs).toISOString(), until: new Date(until).toISOString() };
}

export const summaryQuery = (window: Window, group_by: Group | 'hour' | 'day') =>
  queryOptions({
    queryKey: ['spend', window, group_by],
    queryFn: ({ signal }) => body(client.GET('/api/v1/spend/summary', { params: { query: { ...window, group_by } }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });

/** One value per bucket, zero where nothing happened. */
export function seriesOf(rows: SpendRow[], buckets: Date[], value: (t: SpendRow) => number): number[] {
  const byStart = new Map(rows.map((r) => [Date.parse(r.group ?? ''), r]));
  return buckets.map((b) => {
    const row = byStart.get(b.getTime());
    return row ? value(row) : 0;
  });
}
