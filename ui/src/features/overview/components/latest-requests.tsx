import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { matches, type RequestRow, requestsQuery } from '@/features/requests/api/requests';
import { useRequestStream } from '@/features/requests/api/stream';
import { cn } from '@/lib/cn';
import { fmtInt, fmtMs, fmtTime, fmtUsd } from '@/lib/format';
import { queryClient, rowsOf } from '@/lib/query';

const SHOWN = 8;
const LATEST = requestsQuery({});

/** The newest calls, as they come in. */
export function LatestRequests() {
  const latest = useInfiniteQuery(LATEST);
  const state = useRequestStream((row) =>
    queryClient.setQueryData(LATEST.queryKey, (old) => {
      if (!matches(row, {})) return old;
      const [first, ...rest] = old?.pages ?? [];
      if (!old || !first || first.data.some((r) => r.event_id === row.event_id)) return old;
      return { ...old, pages: [{ ...first, data: [row, ...first.data] }, ...rest] };
    }),
  );
  const rows = rowsOf(latest.data).slice(0, SHOWN);
  if (!rows.length) return null;
  return (
    <section className="card p-4 pb-2" aria-labelledby="latest-requests">
      <div className="mb-2 flex items-center gap-2">
        <h2 id="latest-requests" className="flex flex-1 items-center gap-2 font-semibold text-base tracking-[-0.01em]">
          Latest requests
          <span className={cn('size-1.5 rounded-full', state === 'live' ? 'animate-pulse bg-ok-solid' : 'bg-fg-3')} aria-hidden="true" />
          <span className="sr-only">{state === 'live' ? 'live' : 'connecting'}</span>
        </h2>
        <Link to="/requests" className="rounded-md px-1.5 py-0.5 text-fg-2 text-xs hover:bg-hover hover:text-fg">
          View all
        </Link>
      </div>
      <ol className="-mx-2">
        {rows.map((r) => (
          <li key={r.event_id}>
            <Line r={r} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Line({ r }: { r: RequestRow }) {
  const failed = r.status >= 400;
  return (
    <Link to="/requests" search={{ open: r.event_id }} className="flex h-8 items-center gap-3 rounded-md px-2 text-xs hover:bg-hover">
      <span className="num hidden w-10 text-fg-3 sm:block">{fmtTime(new Date(r.started_at))}</span>
      <span className={cn('num w-7 font-medium font-mono', failed ? 'text-bad' : 'text-ok')}>{r.status}</span>
      <span className="min-w-0 flex-1 truncate sm:w-56 sm:flex-none">{r.model}</span>
      <span className="hidden min-w-0 flex-1 truncate text-fg-3 sm:block">{r.key_name}</span>
      <span className="num w-20 whitespace-nowrap text-right text-fg-2">{fmtInt(r.input_tokens + r.output_tokens)} tok</span>
      <span className="num w-14 text-right text-fg-2">{fmtMs(r.duration_ms)}</span>
      <span className="num hidden w-24 text-right min-[420px]:block">{r.cost_usd == null ? '–' : fmtUsd(r.cost_usd)}</span>
    </Link>
  );
}
