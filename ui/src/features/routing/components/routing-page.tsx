import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Route, Search } from 'lucide-react';
import { lazy, Suspense, useCallback } from 'react';
import { TableSkeleton } from '@/components/data-table';
import { PageHead } from '@/components/page-head';
import { SearchBox } from '@/components/search-box';
import { Button, buttonStyle } from '@/components/ui/button';
import { EmptyState, ErrorState } from '@/components/ui/states';
import { useCanEdit } from '@/features/session/api/session';
import { cn } from '@/lib/cn';
import { plural } from '@/lib/format';
import { type Policy, type Routing, routingQuery } from '../api/routing';
import { GroupsTable } from './groups-table';
import { PolicySource } from './policy-source';
import { toText } from './settings-fields';

const PolicyPage = lazy(() => import('./policy-page'));

/** `group` and `router` open a policy; nothing: the list. */
export type RoutingSearch = { q?: string; group?: string; router?: true };
type Props = { search: RoutingSearch; setSearch: (change: Partial<RoutingSearch>, replace?: boolean) => void };

export function RoutingPage({ search: s, setSearch }: Props) {
  const routing = useQuery(routingQuery);
  if (routing.data && (s.router || s.group !== undefined))
    return (
      <Suspense fallback={<TableSkeleton />}>
        <PolicyPage key={s.group ?? ''} group={s.router ? null : s.group!} />
      </Suspense>
    );
  return (
    <>
      <PageHead title="Routing" sub="How a request finds its deployment, and what happens when one fails." />
      {routing.isError ? (
        <ErrorState error={routing.error} onRetry={() => void routing.refetch()} />
      ) : routing.isPending ? (
        <TableSkeleton />
      ) : (
        <Lists routing={routing.data} q={s.q} setSearch={setSearch} />
      )}
    </>
  );
}

function Lists({ routing, q, setSearch }: { routing: Routing; q: string | undefined; setSearch: Props['setSearch'] }) {
  const onText = useCallback((text: string | undefined) => setSearch({ q: text }, true), [setSearch]);
  const groups = routing.groups.filter((g) => !q || g.model_name!.toLowerCase().includes(q.toLowerCase()));
  return (
    <>
      <Router policy={routing.router} />
      <div className="mb-3 flex min-h-8 flex-wrap items-center gap-2" role="search">
        <SearchBox value={q} onChange={onText} placeholder="Search group" label="Search groups" />
      </div>
      {groups.length ? (
        <GroupsTable groups={groups} router={routing.router} onOpen={(g) => setSearch({ group: g.model_name! })} />
      ) : (
        <div className="card">
          {q ? (
            <EmptyState
              icon={<Search />}
              title="No group matches"
              action={<Button onClick={() => setSearch({ q: undefined })}>Reset search</Button>}
            >
              A group is all deployments of one public name.
            </EmptyState>
          ) : (
            <EmptyState icon={<Route />} title="No groups yet">
              A group is all deployments of one public name: it appears here with the first model.
            </EmptyState>
          )}
        </div>
      )}
    </>
  );
}

/** The router's policy in short. */
function Router({ policy }: { policy: Policy }) {
  const canEdit = useCanEdit();
  const e = policy.effective;
  const facts: [string, string][] = [
    ['Strategy', e.strategy ?? ''],
    ['Retries', String(e.num_retries ?? '')],
    ['Whole request', `${toText(e.timeout_ms, 'seconds')} s`],
    ['Set aside after', plural(e.allowed_fails ?? 0, 'failure')],
    ['Default fallbacks', e.fallbacks?.length ? e.fallbacks.join(', ') : 'None'],
  ];
  return (
    <section className="card mb-5 p-4" aria-label="Router">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h2 className="font-semibold text-base">Router</h2>
        <PolicySource policy={policy} />
        <p className="min-w-0 text-fg-2 max-sm:order-last max-sm:basis-full">What holds where no group says otherwise.</p>
        <Link to="/routing" search={{ router: true }} className={cn(buttonStyle(), 'ml-auto')}>
          {canEdit ? 'Edit router' : 'View router'}
        </Link>
      </div>
      <dl className="mt-3 grid grid-cols-2 gap-x-4 gap-y-2 sm:grid-cols-3 lg:grid-cols-5">
        {facts.map(([name, value]) => (
          <div key={name} className="min-w-0">
            <dt className="text-fg-3 text-xs">{name}</dt>
            <dd className="num truncate font-medium" title={value}>
              {value}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
