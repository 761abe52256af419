import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Segmented } from '@/components/ui/controls';
import { ErrorState, Skeleton } from '@/components/ui/states';
import { cn } from '@/lib/cn';
import { fmtPct } from '@/lib/format';
import { type Group, type SpendRow, summaryQuery, type windowOf } from '../api/summary';
import { METRICS, type Metric } from './metrics';

const SHOWN = 8;
const NAMES: Record<Group, { label: string; none: string }> = {
  model: { label: 'Model', none: 'No model' },
  provider: { label: 'Provider', none: 'No provider was called' },
  key: { label: 'Key', none: 'Master key' },
  team: { label: 'Team', none: 'No team' },
};

type Props = { window: ReturnType<typeof windowOf>; metric: Metric; group: Group; onGroup: (g: Group) => void };

/** Who and what the chosen figure is made of. */
export function Breakdown({ window, metric, group, onGroup }: Props) {
  const summary = useQuery(summaryQuery(window, group));
  const m = METRICS[metric];
  const rows = [...(summary.data?.data ?? [])].sort((a, b) => m.value(b) - m.value(a)).filter((r) => m.value(r) > 0);
  const sum = rows.reduce((total, r) => total + m.value(r), 0);
  const top = rows[0] ? m.value(rows[0]) : 0;
  return (
    <div role="group" aria-label="Breakdown" className="border-line p-4 max-lg:border-t lg:border-l">
      <Segmented
        label="Group by"
        value={group}
        onChange={onGroup}
        options={(Object.keys(NAMES) as Group[]).map((value) => ({ value, label: NAMES[value].label }))}
        className="mb-3 flex [&>*]:flex-1 [&>*]:px-1.5"
      />
      {summary.isError ? (
        <ErrorState error={summary.error} onRetry={() => void summary.refetch()} />
      ) : summary.isPending ? (
        <Skeleton className="h-40 w-full" />
      ) : rows.length === 0 ? (
        <p className="py-6 text-center text-fg-3">{metric === 'errors' ? 'No errors in this range.' : 'Nothing in this range.'}</p>
      ) : (
        <ul className={cn('flex flex-col gap-0.5 transition-opacity', summary.isPlaceholderData && 'opacity-60')}>
          {rows.slice(0, SHOWN).map((r) => (
            <li key={r.group ?? ''}>
              <Drill row={r} group={group}>
                <span className="flex items-center gap-2">
                  <span className="min-w-0 flex-1 truncate">{r.label ?? r.group ?? NAMES[group].none}</span>
                  <span className="num font-medium">{m.fmt(m.value(r))}</span>
                  <span className="num w-9 text-right text-fg-3 text-xs">
                    {m.value(r) / sum < 0.005 ? '<1%' : fmtPct(m.value(r) / sum, 0)}
                  </span>
                </span>
                <span className="mt-1 block h-1 overflow-hidden rounded-full bg-active">
                  <span
                    className="block h-full rounded-full bg-[var(--c1)]"
                    style={{ width: `${Math.max(1, (m.value(r) / top) * 100)}%` }}
                  />
                </span>
              </Drill>
            </li>
          ))}
          {rows.length > SHOWN && <li className="pt-1 text-fg-3 text-xs">and {rows.length - SHOWN} more</li>}
        </ul>
      )}
    </div>
  );
}

const row = '-mx-2 block rounded-lg px-2 py-1.5';

/** Leads to the rows behind the number where a filter for them exists. */
function Drill({ row: r, group, children }: { row: SpendRow; group: Group; children: React.ReactNode }) {
  const to = { model: { model: r.group ?? undefined }, key: { key: r.group ?? undefined }, provider: null, team: null }[group];
  if (!to || !r.group) return <div className={row}>{children}</div>;
  return (
    <Link to="/requests" search={to} className={cn(row, 'hover:bg-hover')}>
      {children}
    </Link>
  );
}
