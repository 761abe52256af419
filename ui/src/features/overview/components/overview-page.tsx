import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CircleAlert } from 'lucide-react';
import { lazy, Suspense } from 'react';
import { BarChart } from '@/components/charts/bar-chart';
import { PageHead } from '@/components/page-head';
import { Segmented } from '@/components/ui/controls';
import { ErrorState, Skeleton } from '@/components/ui/states';
import { cn } from '@/lib/cn';
import { plural } from '@/lib/format';
import { useNow } from '@/lib/use-now';
import { bucketsOf, type Group, RANGE_IDS, RANGES, type Range, seriesOf, summaryQuery, windowBefore, windowOf } from '../api/summary';
import { Breakdown } from './breakdown';
import { LatestRequests } from './latest-requests';
import { MetricTabs } from './metric-tabs';
import { METRICS, type Metric } from './metrics';

const FirstSteps = lazy(() => import('./first-steps').then((m) => ({ default: m.FirstSteps })));

export type OverviewSearch = { range?: Range; metric?: Metric; group?: Group };
type Props = { search: OverviewSearch; setSearch: (change: OverviewSearch) => void };

export function OverviewPage({ search: { range = '24h', metric = 'spend', group = 'model' }, setSearch }: Props) {
  // To the minute: a key that changed with every tick would ask again with every tick.
  const now = Math.floor(useNow() / 60_000) * 60_000;
  const { bucket, spanMs } = RANGES[range];
  const window = windowOf(range, now);
  const summary = useQuery(summaryQuery(window, bucket));
  const before = useQuery(summaryQuery(windowBefore(range, now), bucket));
  const everyTime = useQuery({
    ...summaryQuery({ since: new Date(0).toISOString() }, 'provider'),
    enabled: summary.data?.total.requests === 0,
  });
  const neverCalled = summary.data?.total.requests === 0 && everyTime.data?.total.requests === 0;
  const d = summary.data;
  const buckets = bucketsOf(range, now);
  const m = METRICS[metric];

  return (
    <>
      <PageHead title="Overview" sub={neverCalled ? undefined : 'Hours and days are UTC.'}>
        {!neverCalled && (
          <Segmented
            label="Time range"
            value={range}
            onChange={(next) => setSearch({ range: next })}
            options={RANGE_IDS.map((value) => ({ value, label: RANGES[value].label }))}
          />
        )}
      </PageHead>
      {summary.isError ? (
        <ErrorState error={summary.error} onRetry={() => void summary.refetch()} />
      ) : !d || (d.total.requests === 0 && everyTime.isPending) ? (
        <Loading />
      ) : neverCalled ? (
        <Suspense fallback={<Loading />}>
          <FirstSteps />
        </Suspense>
      ) : (
        <div className={cn('flex flex-col gap-4 transition-opacity', summary.isPlaceholderData && 'opacity-60')}>
          {d.total.unpriced_requests > 0 && (
            <p className="card flex items-center gap-3 px-4 py-2.5">
              <CircleAlert className="size-4 shrink-0 text-warn" aria-hidden="true" />
              <span className="min-w-0 flex-1">
                {plural(d.total.unpriced_requests, 'request')} had no known price and {d.total.unpriced_requests === 1 ? 'is' : 'are'} not
                in the spend.
              </span>
              <Link to="/models" className="font-medium text-accent hover:underline">
                See models
              </Link>
            </p>
          )}
          <section className="card overflow-hidden" aria-label="Traffic">
            <MetricTabs
              metric={metric}
              onMetric={(next) => setSearch({ metric: next })}
              total={d.total}
              before={before.data?.total}
              series={(id) => seriesOf(d.data, buckets, METRICS[id].value)}
            />
            <div className="grid lg:grid-cols-[minmax(0,1fr)_21rem]">
              <div className="min-w-0 p-4 pr-3">
                <h2 className="mb-2 font-medium text-fg-3 text-xs">
                  {m.label} per {bucket}
                </h2>
                <BarChart
                  label={`${m.label} per ${bucket}`}
                  buckets={buckets}
                  spanMs={spanMs}
                  values={seriesOf(d.data, buckets, m.value)}
                  fmt={m.fmt}
                  fmtAxis={m.axis}
                />
              </div>
              <Breakdown window={window} metric={metric} group={group} onGroup={(next) => setSearch({ group: next })} />
            </div>
          </section>
          <LatestRequests />
        </div>
      )}
    </>
  );
}

function Loading() {
  return (
    <div role="status" aria-label="Loading" className="card">
      <div className="grid grid-cols-2 gap-6 border-line border-b p-4 lg:grid-cols-4">
        {METRIC_SKELETONS.map((i) => (
          <div key={i} className="flex flex-col gap-2">
            <Skeleton className="h-4 w-16" />
            <Skeleton className="h-7 w-24" />
          </div>
        ))}
      </div>
      <div className="p-4">
        <Skeleton className="h-66 w-full" />
      </div>
    </div>
  );
}
const METRIC_SKELETONS = [1, 2, 3, 4];
