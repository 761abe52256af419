/** The figures of a policy: how each is called, in which unit it is typed, and where it stands in the form. */

export type Unit = 'count' | 'percent' | 'seconds' | 'ms';
type Figure = { label: string; unit: Unit; hint?: string; usual?: number; needed?: string };

/** By the path that the API knows them under, which its refusals name. Times are milliseconds there, whatever is typed here. */
export const FIGURES = {
  num_retries: { label: 'Retries', unit: 'count', hint: 'Attempts after the first one, within the group.' },
  timeout_ms: { label: 'Whole request', unit: 'seconds', hint: 'All attempts together.' },
  connect_timeout_ms: { label: 'Connect', unit: 'seconds', hint: 'Until a connection stands.' },
  first_byte_timeout_ms: { label: 'First byte', unit: 'seconds', hint: 'Of one attempt, where its deployment does not say.' },
  chunk_timeout_ms: { label: 'Silence in a stream', unit: 'seconds', hint: 'Between two pieces of an answer.' },
  retry_after_ms: { label: 'Wait before asking again', unit: 'ms', hint: 'Where the provider names no time.' },
  max_retry_wait_ms: { label: 'Longest wait', unit: 'seconds', hint: 'If the provider wants more, the client is told.' },
  allowed_fails: { label: 'Failures in a row', unit: 'count', hint: 'After so many a deployment is set aside.' },
  cooldown_time_ms: { label: 'Set aside for', unit: 'seconds', hint: 'Then one request finds out whether it is well.' },
  max_error_percent: { label: 'Share of errors', unit: 'percent', hint: 'From which on it is set aside as well.' },
  error_window_ms: { label: 'Counted over', unit: 'seconds' },
  min_requests: { label: 'Requests at least', unit: 'count', hint: 'With fewer the share says nothing.' },
  'hedge.percentile': { label: 'Percentile', unit: 'count', usual: 95, hint: 'Of the time to first token: slower than that is slow.' },
  'hedge.min_delay_ms': { label: 'Never sooner than', unit: 'ms', usual: 100 },
  'hedge.max_share_percent': { label: 'At most', unit: 'percent', usual: 5, hint: 'Of all requests: what hedging may cost.' },
  'mirror.percent': { label: 'Share', unit: 'percent', needed: 'Give the share of requests, for example 5' },
  'canary.percent': { label: 'Share', unit: 'percent', needed: 'Give the share of first attempts, for example 5' },
  'canary.max_error_percent': { label: 'Ends at errors of', unit: 'percent', usual: 20 },
  'canary.min_requests': { label: 'Requests at least', unit: 'count', usual: 20 },
  'queue.max_wait_ms': { label: 'Longest wait', unit: 'seconds', needed: 'Give the longest wait, for example 5' },
  'queue.max_waiting': { label: 'How many may wait', unit: 'count', usual: 100, hint: 'The next one gets its 429 at once.' },
  'active_check.interval_ms': { label: 'Every', unit: 'seconds', usual: 300_000 },
} as const satisfies Record<string, Figure>;

export type FigurePath = keyof typeof FIGURES;
export const FIGURE_PATHS = Object.keys(FIGURES) as FigurePath[];
export const figure = (path: FigurePath): Figure => FIGURES[path];

export const SUFFIX: Record<Unit, string | undefined> = { count: undefined, percent: '%', seconds: 'seconds', ms: 'ms' };

/** The parts of a policy that are whole or not there. */
export const FEATURES = ['hedge', 'mirror', 'canary', 'queue', 'active_check'] as const;
export type Feature = (typeof FEATURES)[number];

export const LISTS = ['fallbacks', 'context_window_fallbacks', 'content_policy_fallbacks', 'default_fallbacks'] as const;
export type ListName = (typeof LISTS)[number];

const SHAPE: Record<Unit, RegExp> = { count: /^\d+$/, percent: /^\d+$/, ms: /^\d+$/, seconds: /^(\d+(\.\d{1,3})?|\.\d{1,3})$/ };
const WORDS: Record<Unit, string> = {
  count: 'Write a whole number',
  percent: 'Write a whole number of percent',
  ms: 'Write whole milliseconds',
  seconds: 'Write seconds, such as 30 or 0.5',
};

/** What is wrong with a figure as typed; nothing is wrong with an empty one, unless it is needed. */
export function mistakeIn(text: string, { unit, needed }: Figure): string | undefined {
  if (!text.trim()) return needed;
  return SHAPE[unit].test(text.trim()) ? undefined : WORDS[unit];
}

/** As typed → as the API counts. `undefined`: left empty. */
export function toNumber(text: string, unit: Unit): number | undefined {
  if (!text.trim()) return undefined;
  return unit === 'seconds' ? Math.round(Number(text) * 1000) : Number(text);
}

/** As the API counts → as typed. */
export const toText = (value: number | null | undefined, unit: Unit) =>
  value == null ? '' : String(unit === 'seconds' ? value / 1000 : value);
