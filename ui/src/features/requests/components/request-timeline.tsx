import { fmtMs } from '@/lib/format';
import type { RequestRow } from '../api/requests';

type Span = { name: string; startMs: number; lengthMs: number; tone: string };

/** What the recorded times allow to say: the gateway's own share, the wait for the first token, the rest of the answer. */
export function spansOf(r: RequestRow): Span[] {
  const overheadMs = (r.overhead_us ?? 0) / 1000;
  const firstMs = r.time_to_first_token_ms;
  const spans: Span[] = [];
  if (r.overhead_us != null) spans.push({ name: 'Gateway', startMs: 0, lengthMs: overheadMs, tone: 'var(--c8)' });
  if (firstMs == null) {
    spans.push({ name: 'Provider', startMs: overheadMs, lengthMs: Math.max(0, r.duration_ms - overheadMs), tone: 'var(--c1)' });
    return spans;
  }
  spans.push({ name: 'First token', startMs: overheadMs, lengthMs: Math.max(0, firstMs - overheadMs), tone: 'var(--c1)' });
  spans.push({ name: 'Rest of answer', startMs: firstMs, lengthMs: Math.max(0, r.duration_ms - firstMs), tone: 'var(--c7)' });
  return spans;
}

export function RequestTimeline({ r }: { r: RequestRow }) {
  const total = Math.max(r.duration_ms, 0.001);
  return (
    <ol className="flex flex-col gap-1.5">
      {spansOf(r).map((s) => (
        <li key={s.name} className="grid grid-cols-[6.5rem_1fr_4rem] items-center gap-3 text-xs">
          <span>{s.name}</span>
          <span className="relative h-3 rounded bg-hover">
            <span
              className="absolute inset-y-0 rounded-[3px]"
              style={{
                left: `${Math.min(98.5, (s.startMs / total) * 100)}%`,
                width: `max(3px, ${Math.min(100, (s.lengthMs / total) * 100)}%)`,
                maxWidth: '100%',
                background: s.tone,
              }}
            />
          </span>
          <span className="num text-right text-fg-2">{fmtMs(s.lengthMs)}</span>
        </li>
      ))}
    </ol>
  );
}
