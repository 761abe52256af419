import { ArrowDownRight, ArrowUpRight } from 'lucide-react';
import { Sparkline } from '@/components/charts/sparkline';
import { cn } from '@/lib/cn';
import { fmtPct } from '@/lib/format';
import type { SpendRow } from '../api/summary';
import { METRIC_IDS, METRICS, type Metric } from './metrics';

const NOTICEABLE = 0.02;

function Delta({ metric, now, before }: { metric: Metric; now: SpendRow; before: SpendRow }) {
  const m = METRICS[metric];
  const old = m.compare(before);
  if (!old) return null;
  const change = (m.compare(now) - old) / old;
  if (Math.abs(change) < 0.0005) return null;
  const Icon = change >= 0 ? ArrowUpRight : ArrowDownRight;
  const tone = !m.lessIsBetter || Math.abs(change) < NOTICEABLE ? 'text-fg-2' : change > 0 ? 'text-bad' : 'text-ok';
  return (
    <span
      className={cn('num inline-flex items-center gap-0.5 font-medium text-xs', tone)}
      title="Compared with the same time one range earlier"
    >
      <Icon className="size-3" aria-hidden="true" />
      <span className="sr-only">{change >= 0 ? 'up' : 'down'}</span>
      {Math.abs(change) >= 10 ? '>10×' : fmtPct(Math.abs(change), 1)}
    </span>
  );
}

type Props = {
  metric: Metric;
  onMetric: (m: Metric) => void;
  total: SpendRow;
  before: SpendRow | undefined;
  series: (m: Metric) => number[];
};

/** The key figures; the chosen one is what the chart below shows. */
export function MetricTabs({ metric, onMetric, total, before, series }: Props) {
  return (
    <div role="group" aria-label="Metric" className="grid grid-cols-2 border-line border-b lg:grid-cols-4">
      {METRIC_IDS.map((id) => {
        const on = id === metric;
        const m = METRICS[id];
        return (
          <button
            key={id}
            type="button"
            aria-pressed={on}
            onClick={() => onMetric(id)}
            className={cn(
              'relative flex flex-col items-start gap-1 border-line px-4 pt-3 pb-3.5 text-left outline-offset-[-2px] transition-colors hover:bg-hover max-lg:odd:border-r max-lg:first:border-b max-lg:nth-2:border-b lg:border-r lg:last:border-r-0',
              on && 'bg-hover',
            )}
          >
            {on && <span className="absolute inset-x-0 bottom-0 h-0.5 bg-primary" />}
            <span className="flex w-full items-center justify-between gap-2">
              <span className={cn('text-sm', on ? 'font-medium text-fg' : 'text-fg-2')}>{m.label}</span>
              {before && <Delta metric={id} now={total} before={before} />}
            </span>
            <span className="flex w-full items-end justify-between gap-3">
              <span className="num font-semibold text-2xl tracking-[-0.025em]">{m.head(total)}</span>
              <span className="hidden pb-0.5 sm:block">
                <Sparkline values={series(id)} strong={on} label={`${m.label} trend`} />
              </span>
            </span>
          </button>
        );
      })}
    </div>
  );
}
