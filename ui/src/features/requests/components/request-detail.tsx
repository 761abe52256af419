import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { Fragment, lazy, type ReactNode, Suspense, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Segmented } from '@/components/ui/controls';
import { CopyButton } from '@/components/ui/copy-button';
import { Sheet } from '@/components/ui/overlay';
import { ErrorState, Skeleton } from '@/components/ui/states';
import { fmtExact, fmtInt, fmtMs, plural } from '@/lib/format';
import { type RequestRow, requestQuery } from '../api/requests';
import { Cost } from './cost';
import { KindBadge } from './kind-badge';
import { RequestTimeline } from './request-timeline';
import { StatusBadge } from './status-badge';

const RequestRoute = lazy(() => import('./request-route'));

type View = 'facts' | 'route';
type Props = { id: string; row: RequestRow | undefined; onPrev?: () => void; onNext?: () => void; onClose: () => void };

/** `row` where the list has it; a link can open one the list does not show. */
export default function RequestDetail({ id, row, onPrev, onNext, onClose }: Props) {
  // Stays while stepping from one request to the next.
  const [view, setView] = useState<View>('facts');
  const fetched = useQuery({ ...requestQuery(id), enabled: !row });
  const r = row ?? fetched.data;
  return (
    <Sheet open onOpenChange={(open) => !open && onClose()} title="Request detail" className="max-w-2xl">
      <header className="flex items-center gap-2 border-line border-b px-5 py-3">
        {r && (
          <>
            <StatusBadge status={r.status} />
            <KindBadge kind={r.kind} />
            <span className="min-w-0 truncate font-mono text-sm">{r.request_id}</span>
            <CopyButton text={r.request_id} label="Copy request ID" />
          </>
        )}
        <span className="flex-1" />
        <Button size="icon-sm" variant="ghost" aria-label="Newer request" disabled={!onPrev} onClick={onPrev}>
          <ChevronUp aria-hidden="true" />
        </Button>
        <Button size="icon-sm" variant="ghost" aria-label="Older request" disabled={!onNext} onClick={onNext}>
          <ChevronDown aria-hidden="true" />
        </Button>
        <Button size="icon-sm" variant="ghost" aria-label="Close" onClick={onClose}>
          <X aria-hidden="true" />
        </Button>
      </header>
      <div className="scroll-thin flex-1 overflow-y-auto p-5" tabIndex={0} role="region" aria-label="Request facts">
        {r ? (
          <>
            <Segmented
              label="View"
              value={view}
              onChange={setView}
              options={[
                { value: 'facts', label: 'Facts' },
                { value: 'route', label: 'Route' },
              ]}
              className="mb-4"
            />
            {view === 'facts' ? (
              <Facts r={r} />
            ) : (
              <Suspense fallback={<Skeleton className="h-64 w-full" />}>
                <RequestRoute id={r.event_id} />
              </Suspense>
            )}
          </>
        ) : fetched.isError ? (
          <ErrorState error={fetched.error} onRetry={() => void fetched.refetch()} />
        ) : (
          <Skeleton className="h-64 w-full" />
        )}
      </div>
    </Sheet>
  );
}

function Facts({ r }: { r: RequestRow }) {
  const head: [string, ReactNode][] = [
    ['Total', fmtMs(r.duration_ms)],
    ['First token', r.time_to_first_token_ms == null ? '–' : fmtMs(r.time_to_first_token_ms)],
    ['Gateway overhead', r.overhead_us == null ? '–' : fmtMs(r.overhead_us / 1000)],
    ['Cost', <Cost key="cost" r={r} />],
  ];
  const tokens = [
    `${fmtInt(r.input_tokens)} in`,
    `${fmtInt(r.output_tokens)} out`,
    r.cached_input_tokens > 0 && `${fmtInt(r.cached_input_tokens)} read from cache`,
    r.cache_creation_tokens > 0 && `${fmtInt(r.cache_creation_tokens)} written to cache`,
    r.reasoning_tokens > 0 && `${fmtInt(r.reasoning_tokens)} reasoning`,
    ...Object.entries(r.usage_details ?? {}).map(([kind, count]) => `${fmtInt(count)} ${kind.replaceAll('_', ' ')}`),
  ].filter(Boolean);
  const rows: [string, ReactNode][] = [
    ['Started', fmtExact(r.started_at)],
    ['Outcome', r.error_code ? <span className="text-bad">{`${r.outcome}: ${r.error_code}`}</span> : r.outcome],
    ['Model', r.model],
    ['Served by', r.provider ? `${r.provider} / ${r.upstream_model ?? r.model}` : 'No deployment was called'],
    ['Attempts', plural(r.attempts, 'attempt')],
    ['Endpoint', `${r.endpoint}${r.stream ? ', streamed' : ''}`],
    ['Tokens', tokens.join(', ')],
    ['Counted by', r.usage_source],
    ['Price', r.price_state],
    [
      'Key',
      r.key_id ? (
        <Link to="/keys" search={{ q: r.key_name ?? undefined }} className="text-accent hover:underline">
          {r.key_name ?? r.key_id}
        </Link>
      ) : (
        (r.key_name ?? 'None')
      ),
    ],
    ['Team', r.team_name ?? 'None'],
    ['End user', r.end_user ?? 'Not given'],
  ];
  const ids: [string, string | null][] = [
    ['Request ID', r.request_id],
    ['Event ID', r.event_id],
    ['Deployment ID', r.deployment_id],
  ];
  return (
    <>
      <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-xl border border-line bg-line sm:grid-cols-4">
        {head.map(([name, value]) => (
          <div key={name} className="bg-raised px-3.5 py-2.5">
            <dt className="text-fg-3 text-xs">{name}</dt>
            <dd className="num font-semibold text-lg tracking-[-0.015em]">{value}</dd>
          </div>
        ))}
      </dl>
      <h3 className="mt-6 mb-2 font-semibold text-base">Timeline</h3>
      <RequestTimeline r={r} />
      <h3 className="mt-6 mb-2 font-semibold text-base">Facts</h3>
      <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-y-1.5">
        {rows.map(([name, value]) => (
          <Fragment key={name}>
            <dt className="text-fg-3">{name}</dt>
            <dd className="break-words">{value}</dd>
          </Fragment>
        ))}
        {ids.map(
          ([name, value]) =>
            value && (
              <Fragment key={name}>
                <dt className="text-fg-3">{name}</dt>
                <dd className="flex min-w-0 items-center gap-1">
                  <span className="min-w-0 truncate font-mono text-xs">{value}</span>
                  <CopyButton text={value} label={`Copy ${name.toLowerCase()}`} className="size-5 [&_svg]:size-3" />
                </dd>
              </Fragment>
            ),
        )}
      </dl>
    </>
  );
}
