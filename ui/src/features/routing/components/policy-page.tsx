import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ArrowLeft, RotateCcw, Route, TriangleAlert } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { PageHead } from '@/components/page-head';
import { Said } from '@/components/said';
import { Button } from '@/components/ui/button';
import { RelTime } from '@/components/ui/rel-time';
import { EmptyState } from '@/components/ui/states';
import { useCanEdit } from '@/features/session/api/session';
import { plural } from '@/lib/format';
import { routingQuery } from '../api/routing';
import { PolicyForm } from './policy-form';
import { PolicySource } from './policy-source';

const ResetPolicy = lazy(() => import('./reset-policy'));

const Back = () => (
  <Link
    to="/routing"
    className="-ml-1 mb-2 inline-flex h-6 items-center gap-1 rounded-md px-1 text-fg-2 text-xs hover:bg-hover hover:text-fg"
  >
    <ArrowLeft className="size-3.5" aria-hidden="true" /> Routing
  </Link>
);

/** The router's policy, or that of a group. `group`: null for the router. Only where the policies are loaded. */
export default function PolicyPage({ group }: { group: string | null }) {
  // Not handed down: the form that a save starts anew has to see what the save made, and the page above renders a moment later.
  const routing = useQuery(routingQuery).data!;
  const canEdit = useCanEdit();
  const [asking, setAsking] = useState(false);
  // A save starts the form anew; somebody else's save meanwhile must not, it would throw a draft away.
  const [saves, setSaves] = useState(0);
  const policy = group === null ? routing.router : routing.groups.find((g) => g.model_name === group);
  if (!policy)
    return (
      <>
        <Back />
        <PageHead title={group ?? 'Router'} />
        <div className="card">
          <EmptyState icon={<Route />} title="There is no such group">
            No deployment has this public name, and no settings are kept for it.
          </EmptyState>
        </div>
      </>
    );
  return (
    <>
      <Back />
      <PageHead
        title={group ?? 'Router'}
        sub={
          <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
            {group === null ? 'What holds where no group says otherwise.' : plural(policy.deployments, 'deployment')}
            <PolicySource policy={policy} />
            {policy.updated_at && (
              <span className="text-fg-3 text-xs">
                Set <RelTime at={policy.updated_at} />
              </span>
            )}
          </span>
        }
      >
        {canEdit && policy.database && (
          <Button onClick={() => setAsking(true)}>
            <RotateCcw aria-hidden="true" /> Reset to file
          </Button>
        )}
      </PageHead>
      {policy.warnings.length > 0 && (
        <ul aria-label="Warnings" className="mb-4 flex flex-col gap-1 rounded-xl bg-warn-soft px-3.5 py-2.5 text-warn">
          {policy.warnings.map((warning) => (
            <li key={warning} className="flex items-start gap-2 break-words">
              <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden="true" />
              <span className="min-w-0">
                <Said text={warning} />
              </span>
            </li>
          ))}
        </ul>
      )}
      <PolicyForm key={`${group} ${saves}`} policy={policy} routing={routing} onSaved={() => setSaves((n) => n + 1)} />
      <Suspense>
        {asking && <ResetPolicy policy={policy} onClose={() => setAsking(false)} onDone={() => setSaves((n) => n + 1)} />}
      </Suspense>
    </>
  );
}
