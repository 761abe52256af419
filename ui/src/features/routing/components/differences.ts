/** What is special about a group, in a few words each: only what differs from the router. */
import { plural } from '@/lib/format';
import type { Policy, Settings } from '../api/routing';
import { FEATURES, FIGURES, toText } from './settings-fields';

const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
const seconds = (ms: number | null | undefined) => `${toText(ms, 'seconds')} s`;

const TIMERS = ['timeout_ms', 'connect_timeout_ms', 'first_byte_timeout_ms', 'chunk_timeout_ms'] as const;
const WAITS = ['retry_after_ms', 'max_retry_wait_ms'] as const;
const HEALTH = ['allowed_fails', 'cooldown_time_ms', 'max_error_percent', 'error_window_ms', 'min_requests'] as const;
const LIST_WORDS = [
  ['fallbacks', 'Fallbacks'],
  ['context_window_fallbacks', 'Long prompts'],
  ['content_policy_fallbacks', 'Refused content'],
] as const;

const FEATURE_WORDS: { [K in (typeof FEATURES)[number]]: (value: NonNullable<Settings[K]>) => string } = {
  hedge: (h) => `Hedge over p${h.percentile ?? FIGURES['hedge.percentile'].usual}`,
  mirror: (m) => `Mirror ${m.percent}% to ${m.model}`,
  canary: (c) => `Canary ${c.percent}%`,
  queue: (q) => `Queue ${seconds(q.max_wait_ms)}`,
  active_check: (a) => `Checked every ${seconds(a.interval_ms)}`,
};
/** A part of a policy in a few words. */
export const featureWords = <K extends (typeof FEATURES)[number]>(name: K, value: Settings[K]) =>
  value == null ? 'off' : (FEATURE_WORDS[name] as (value: unknown) => string)(value);
const OFF_WORDS = { hedge: 'No hedge', mirror: 'No mirror', canary: 'No canary', queue: 'No queue', active_check: 'Not checked' };

export function differences(group: Policy, router: Policy): string[] {
  const [near, far] = [group.effective, router.effective];
  const found: string[] = [];
  if (near.num_retries !== far.num_retries) found.push(plural(near.num_retries ?? 0, 'retry', 'retries'));
  for (const [name, word] of LIST_WORDS)
    if (!same(near[name] ?? [], far[name] ?? [])) found.push(near[name]?.length ? `${word}: ${near[name].join(', ')}` : `${word}: none`);
  for (const name of FEATURES) {
    if (same(near[name], far[name])) continue;
    found.push(near[name] ? featureWords(name, near[name]) : OFF_WORDS[name]);
  }
  const changed = TIMERS.filter((name) => near[name] !== far[name]);
  if (changed.length === 1 && changed[0] === 'timeout_ms') found.push(`Timeout ${seconds(near.timeout_ms)}`);
  else if (changed.length) found.push('Timers');
  if (WAITS.some((name) => near[name] !== far[name])) found.push('Waits');
  if (HEALTH.some((name) => near[name] !== far[name])) found.push('Health');
  if (near.enable_tag_filtering !== far.enable_tag_filtering || near.tag_match !== far.tag_match) found.push('Tags');
  return found;
}
