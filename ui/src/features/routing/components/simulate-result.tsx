import { Badge } from '@/components/ui/badge';
import { fmtInt, fmtMs, fmtPct, fmtUsd, plural } from '@/lib/format';
import type { Simulation } from '../api/routing';

const ms = (us: number) => fmtMs(us / 1000);
const part = (n: number, all: number) => (all ? n / all : 0);
const SOURCE: Record<string, string> = { given: 'as given', record: 'as on record', default: 'by default' };

/** Times of a hundred requests: half, 95 and 99 of them keep these. */
const quantiles = (q: Simulation['total']) => `${ms(q.p50_us)} / ${ms(q.p95_us)} / ${ms(q.p99_us)}`;

export function SimulateResult({ s }: { s: Simulation }) {
  const head: [string, string][] = [
    ['Requests', fmtInt(s.requests)],
    ['Client errors', `${fmtInt(s.client_errors)} (${fmtPct(part(s.client_errors, s.requests))})`],
    ['Total p50 / p95 / p99', quantiles(s.total)],
    ['First content p50 / p95 / p99', s.first_content.p99_us ? quantiles(s.first_content) : '–'],
    ['Spend', fmtUsd(s.spend_usd)],
  ];
  return (
    <div className="mt-5" role="region" aria-label="Simulation result">
      <dl className="grid gap-px overflow-hidden rounded-xl border border-line bg-line sm:grid-cols-2 xl:grid-cols-[1fr_1fr_1.6fr_1.6fr_1fr]">
        {head.map(([name, value]) => (
          <div key={name} className="bg-surface px-3.5 py-2.5 sm:max-xl:last:col-span-2">
            <dt className="text-fg-3 text-xs">{name}</dt>
            <dd className="num font-semibold text-base">{value}</dd>
          </div>
        ))}
      </dl>
      {s.unpriced > 0 && <p className="mt-1 text-fg-3 text-xs">{`${plural(s.unpriced, 'answer')} without a known price.`}</p>}
      <Deployments s={s} />
      <div className="mt-5 grid gap-5 sm:grid-cols-2">
        <Bars
          title="Attempts per request"
          rows={s.attempts
            .map((count, n): [string, number] => [n ? plural(n, 'attempt') : 'None', count])
            .filter(([, count], n) => n > 0 || count > 0)}
          all={s.requests}
        />
        {s.errors.length > 0 && (
          <Bars
            title="What clients saw"
            rows={s.errors.map((e): [string, number] => [e.reason.replaceAll('_', ' '), e.count])}
            all={s.requests}
            bad
          />
        )}
      </div>
    </div>
  );
}

function Deployments({ s }: { s: Simulation }) {
  const th = 'h-9 whitespace-nowrap border-line border-b px-3 text-left font-medium text-fg-3 text-xs first:pl-0 last:pr-0';
  const td = 'border-line border-b px-3 py-2 align-top first:pl-0 last:pr-0';
  return (
    <div className="scroll-thin mt-4 overflow-x-auto" tabIndex={0} role="region" aria-label="Deployments of the simulation">
      <table className="w-full border-separate border-spacing-0" aria-label="Simulated deployments">
        <thead>
          <tr>
            <th scope="col" className={th}>
              Deployment
            </th>
            {['Share', 'Asked', 'Failed', 'Set aside', 'Spend'].map((name) => (
              <th key={name} scope="col" className={`${th} text-right`}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="num">
          {s.deployments.map((d) => (
            <tr key={d.deployment.id}>
              <td className={td}>
                <p className="flex min-w-36 flex-wrap items-center gap-1.5">
                  <span className="wrap-anywhere font-mono text-xs">{d.deployment.label}</span>
                  {d.is_canary_returned && <Badge tone="warn">Trial failed</Badge>}
                </p>
                <p className="text-fg-3 text-xs">{SOURCE[d.source] ?? d.source}</p>
              </td>
              <td className={`${td} text-right`}>{fmtPct(d.share_ppm / 1_000_000)}</td>
              <td className={`${td} text-right`}>{fmtInt(d.attempts)}</td>
              <td className={`${td} text-right`}>{fmtInt(d.failed)}</td>
              <td className={`${td} whitespace-nowrap text-right`}>{d.pause_count ? plural(d.pause_count, 'time') : 'Never'}</td>
              <td className={`${td} text-right`}>{fmtUsd(d.spend_usd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Bars({ title, rows, all, bad }: { title: string; rows: [string, number][]; all: number; bad?: boolean }) {
  return (
    <section aria-label={title}>
      <h3 className="mb-2 font-medium">{title}</h3>
      <ul className="flex flex-col gap-1.5">
        {rows.map(([name, count]) => (
          <li key={name} className="grid grid-cols-[7rem_1fr_4rem] items-center gap-3 text-xs">
            <span className="truncate">{name}</span>
            <span className="relative h-3 rounded bg-hover" aria-hidden="true">
              {count > 0 && (
                <span
                  className="absolute inset-y-0 left-0 rounded-[3px]"
                  style={{ width: `max(3px, ${part(count, all) * 100}%)`, background: bad ? 'var(--c4)' : 'var(--c1)' }}
                />
              )}
            </span>
            <span className="num text-right text-fg-2">{fmtInt(count)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
