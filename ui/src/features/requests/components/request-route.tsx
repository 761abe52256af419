import { useQuery } from '@tanstack/react-query';
import { Said } from '@/components/said';
import { ErrorState, Skeleton } from '@/components/ui/states';
import { fmtMs, fmtUsd } from '@/lib/format';
import { type Explain, explainQuery, type RequestRow } from '../api/requests';
import { Cost } from './cost';
import { KindBadge } from './kind-badge';
import { RouteAttempts } from './route-attempts';
import { RouteChoice } from './route-choice';
import { StatusBadge } from './status-badge';

/** Why a request went where it went. */
export default function RequestRoute({ id }: { id: string }) {
  const explain = useQuery(explainQuery(id));
  if (explain.isError) return <ErrorState error={explain.error} onRetry={() => void explain.refetch()} />;
  if (!explain.data) return <Skeleton className="h-64 w-full" />;
  return <Story e={explain.data} />;
}

const HEAD = 'mt-6 mb-2 font-semibold text-base';

function Story({ e }: { e: Explain }) {
  return (
    <>
      <p className="text-base" data-testid="route-summary">
        <Said text={e.summary} />
      </p>
      {!e.is_traced && (
        <p className="mt-1 text-fg-3 text-xs">No decision is on record for it: what is shown follows from the call itself.</p>
      )}
      {e.queued_us > 0 && <p className="mt-1 text-fg-2">{`Waited ${fmtMs(e.queued_us / 1000)} for a place.`}</p>}
      {e.attempts.length > 0 && (
        <>
          <h3 className={HEAD}>Attempts</h3>
          <RouteAttempts attempts={e.attempts} requestUs={e.request.duration_ms * 1000} />
        </>
      )}
      {e.choices.length > 0 && (
        <>
          <h3 className={HEAD}>{e.choices.length > 1 ? 'Choices' : 'Choice'}</h3>
          <ol className="flex flex-col gap-3">
            {e.choices.map((choice, i) => (
              <RouteChoice key={i} choice={choice} />
            ))}
          </ol>
        </>
      )}
      {e.beside.length > 0 && (
        <>
          <h3 className={HEAD}>Beside the call</h3>
          <p className="mb-2 text-fg-2">{`${fmtUsd(e.beside_cost_usd)} that the caller is not billed for.`}</p>
          <ul className="card divide-y divide-line">
            {e.beside.map((r) => (
              <Beside key={r.event_id} r={r} />
            ))}
          </ul>
        </>
      )}
    </>
  );
}

const Beside = ({ r }: { r: RequestRow }) => (
  <li className="flex flex-wrap items-center gap-x-2 gap-y-1 px-3 py-2">
    <KindBadge kind={r.kind} />
    <StatusBadge status={r.status} />
    <span className="min-w-0 flex-1 truncate font-mono text-xs">{[r.provider, r.upstream_model].filter(Boolean).join('/') || r.model}</span>
    <span className="num whitespace-nowrap text-fg-2 text-xs">
      {fmtMs(r.duration_ms)} · <Cost r={r} />
    </span>
  </li>
);
