import { createFileRoute } from '@tanstack/react-router';
import { GROUPS, RANGE_IDS } from '@/features/overview/api/summary';
import { METRIC_IDS } from '@/features/overview/components/metrics';
import { OverviewPage, type OverviewSearch } from '@/features/overview/components/overview-page';
import { oneOf } from '@/lib/search';

export const Route = createFileRoute('/_app/')({
  validateSearch: (r: Record<string, unknown>): OverviewSearch => ({
    range: oneOf(r, 'range', RANGE_IDS),
    metric: oneOf(r, 'metric', METRIC_IDS),
    group: oneOf(r, 'group', GROUPS),
  }),
  component: Overview,
});

function Overview() {
  const navigate = Route.useNavigate();
  return (
    <OverviewPage
      search={Route.useSearch()}
      setSearch={(change) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true })}
    />
  );
}
