/** Attempts of a request on one axis: where each begins, how long it was waited for, when its first content came. */
import type { Explain } from '../api/requests';

export type Attempt = Explain['attempts'][number];
export type AttemptSpan = { attempt: Attempt; waitLeft: number; waitWidth: number; left: number; width: number; firstToken: number | null };

/** All figures but the attempts themselves are shares of the axis, 0 to 1. */
export function spansOf(attempts: Attempt[], requestUs: number): { totalUs: number; spans: AttemptSpan[] } {
  const totalUs = Math.max(1, requestUs, ...attempts.map((a) => a.at_us + a.duration_us));
  const spans = attempts.map((attempt) => {
    const { at_us, waited_us, first_token_us, duration_us } = attempt;
    return {
      attempt,
      waitLeft: Math.max(0, at_us - waited_us) / totalUs,
      waitWidth: Math.min(at_us, waited_us) / totalUs,
      left: at_us / totalUs,
      width: duration_us / totalUs,
      firstToken: first_token_us == null ? null : (at_us + first_token_us) / totalUs,
    };
  });
  return { totalUs, spans };
}
