import { Said } from '@/components/said';
import { Badge, type Tone } from '@/components/ui/badge';
import { fmtMs } from '@/lib/format';
import { type Attempt, type AttemptSpan, spansOf } from './attempt-spans';

const END: Record<string, { label: string; tone: Tone; bar: string }> = {
  answered: { label: 'Answered', tone: 'ok', bar: 'var(--c1)' },
  failed: { label: 'Failed', tone: 'bad', bar: 'var(--c4)' },
  cancelled: { label: 'Cancelled', tone: 'neutral', bar: 'var(--c8)' },
  interrupted: { label: 'Interrupted', tone: 'warn', bar: 'var(--c3)' },
};
const share = (part: number) => `${Math.min(100, part * 100)}%`;
const ms = (us: number) => fmtMs(us / 1000);

/** Each time that a deployment was asked, in order, on the axis of the whole request. */
export function RouteAttempts({ attempts, requestUs }: { attempts: Attempt[]; requestUs: number }) {
  const { spans, totalUs } = spansOf(attempts, requestUs);
  return (
    <>
      <ol className="flex flex-col gap-4" aria-label="Attempts">
        {spans.map((span, i) => (
          <Row key={i} number={i + 1} span={span} />
        ))}
      </ol>
      <p className="num mt-1 flex justify-between text-2xs text-fg-3" aria-hidden="true">
        <span>0</span>
        <span>{ms(totalUs)}</span>
      </p>
    </>
  );
}

function Row({ number, span }: { number: number; span: AttemptSpan }) {
  const a = span.attempt;
  const end = END[a.end] ?? { label: a.end, tone: 'neutral' as const, bar: 'var(--c8)' };
  const facts = [
    a.waited_us > 0 && `waited ${ms(a.waited_us)}`,
    a.first_token_us != null && `first token ${ms(a.first_token_us)}`,
    `took ${ms(a.duration_us)}`,
  ].filter(Boolean);
  return (
    <li>
      <p className="flex flex-wrap items-center gap-1.5">
        <span className="num text-fg-3 text-xs">{number}</span>
        <span className="min-w-0 break-all font-mono text-xs">{a.deployment.label}</span>
        <Badge tone={end.tone}>{end.label}</Badge>
        {a.status != null && <Badge className="font-mono">{a.status}</Badge>}
        {a.fault && <Badge tone="bad">{a.fault.replaceAll('_', ' ')}</Badge>}
        {a.is_hedge && <Badge tone="accent">Hedge</Badge>}
        <span className="num ml-auto whitespace-nowrap text-fg-3 text-xs">{facts.join(' · ')}</span>
      </p>
      <div className="relative mt-1 h-3 rounded bg-hover" aria-hidden="true">
        {span.waitWidth > 0 && (
          <span
            className="absolute inset-y-1 rounded-sm bg-line-strong"
            style={{ left: share(span.waitLeft), width: share(span.waitWidth) }}
          />
        )}
        <span
          className="absolute inset-y-0 rounded-[3px]"
          style={{
            left: `min(${share(span.left)}, calc(100% - 3px))`,
            width: `max(3px, ${share(span.width)})`,
            maxWidth: '100%',
            background: end.bar,
          }}
        />
        {span.firstToken != null && (
          <span className="absolute -inset-y-0.5 w-0.5 bg-fg" style={{ left: `min(${share(span.firstToken)}, calc(100% - 2px))` }} />
        )}
      </div>
      <p className="mt-1 text-fg-2 text-xs">
        <Said text={a.sentence} />
      </p>
    </li>
  );
}
