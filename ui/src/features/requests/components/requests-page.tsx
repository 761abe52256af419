import { useInfiniteQuery } from '@tanstack/react-query';
import { Activity, Search, X } from 'lucide-react';
import { lazy, Suspense, useCallback, useMemo, useState } from 'react';
import { TableSkeleton } from '@/components/data-table';
import { PageHead } from '@/components/page-head';
import { SearchBox } from '@/components/search-box';
import { Button } from '@/components/ui/button';
import { FilterMenu } from '@/components/ui/menu';
import { EmptyState, ErrorState } from '@/components/ui/states';
import { rowsOf } from '@/lib/query';
import { KINDS, type Kind, matches, type RequestFilter, requestsQuery, type Status } from '../api/requests';
import { useLiveRequests } from '../api/stream';
import { KIND_LABEL } from './kind-badge';
import { LiveSwitch } from './live-switch';
import { RequestsTable } from './requests-table';

const RequestFilters = lazy(() => import('./request-filters'));
const RequestDetail = lazy(() => import('./request-detail'));

export type RequestsSearch = { q?: string; status?: Status; model?: string; key?: string; kind?: Kind; open?: string };
type Props = { search: RequestsSearch; setSearch: (change: Partial<RequestsSearch>) => void };

export function RequestsPage({ search: s, setSearch }: Props) {
  const [paused, setPaused] = useState(false);
  const live = useLiveRequests(paused);
  const filter: RequestFilter = useMemo(
    () => ({ q: s.q, status: s.status, model: s.model, key_id: s.key, kind: s.kind }),
    [s.q, s.status, s.model, s.key, s.kind],
  );
  const listed = useInfiniteQuery(requestsQuery(filter));
  const rows = useMemo(() => {
    const old = rowsOf(listed.data);
    const known = new Set(old.map((r) => r.event_id));
    return [...live.rows.filter((r) => !known.has(r.event_id) && matches(r, filter)), ...old];
  }, [listed.data, live.rows, filter]);
  const at = rows.findIndex((r) => r.event_id === s.open);
  const filtered = !!(s.q || s.status || s.model || s.key || s.kind);
  const reset = () => setSearch({ q: undefined, status: undefined, model: undefined, key: undefined, kind: undefined });
  const onText = useCallback((q: string | undefined) => setSearch({ q }), [setSearch]);
  const openAt = (i: number) => () => setSearch({ open: rows[i]!.event_id });

  return (
    <>
      <PageHead title="Requests" sub="Every call, as it is recorded.">
        <LiveSwitch
          state={live.state}
          paused={paused}
          held={live.held}
          onPause={() => setPaused(true)}
          onResume={() => {
            live.release();
            setPaused(false);
          }}
        />
      </PageHead>
      <div className="mb-3 flex min-h-8 flex-wrap items-center gap-2" role="search">
        <SearchBox value={s.q} onChange={onText} placeholder="Whole request ID" label="Search request ID" className="sm:w-80" />
        <FilterMenu
          label="Status"
          value={s.status}
          onChange={(status) => setSearch({ status })}
          options={[
            { value: 'success', label: 'Succeeded' },
            { value: 'error', label: 'Failed' },
            { value: '4xx', label: 'Refused', hint: '4xx' },
            { value: '5xx', label: 'Gateway or provider error', hint: '5xx' },
          ]}
        />
        <FilterMenu
          label="Kind"
          none="Calls"
          value={s.kind}
          onChange={(kind) => setSearch({ kind })}
          options={[
            ...KINDS.filter((kind) => kind !== 'all').map((kind) => ({ value: kind, label: KIND_LABEL[kind] })),
            { value: 'all', label: 'All kinds' },
          ]}
        />
        <Suspense>
          <RequestFilters model={s.model} keyId={s.key} onModel={(model) => setSearch({ model })} onKey={(key) => setSearch({ key })} />
        </Suspense>
        {filtered && (
          <Button variant="ghost" size="sm" onClick={reset}>
            <X aria-hidden="true" /> Reset
          </Button>
        )}
      </div>
      {listed.isError ? (
        <ErrorState error={listed.error} onRetry={() => void listed.refetch()} />
      ) : listed.isPending ? (
        <TableSkeleton rows={12} />
      ) : rows.length ? (
        <RequestsTable
          rows={rows}
          openId={s.open}
          onOpen={(r) => setSearch({ open: r.event_id })}
          stale={listed.isPlaceholderData}
          more={{ has: listed.hasNextPage, loading: listed.isFetchingNextPage, load: () => void listed.fetchNextPage() }}
        />
      ) : (
        <div className="card">
          {filtered ? (
            <EmptyState icon={<Search />} title="No request matches" action={<Button onClick={reset}>Reset filters</Button>}>
              The search ran over all recorded requests. New ones that match appear here by themselves.
            </EmptyState>
          ) : (
            <EmptyState icon={<Activity />} title="No requests yet">
              The first call to the gateway appears here by itself, within a second or two.
            </EmptyState>
          )}
        </div>
      )}
      <Suspense>
        {s.open && (
          <RequestDetail
            id={s.open}
            row={rows[at]}
            onPrev={at > 0 ? openAt(at - 1) : undefined}
            onNext={at >= 0 && at < rows.length - 1 ? openAt(at + 1) : undefined}
            onClose={() => setSearch({ open: undefined })}
          />
        )}
      </Suspense>
    </>
  );
}
