import { createFileRoute } from '@tanstack/react-router';
import { useCallback } from 'react';
import { RoutingPage, type RoutingSearch } from '@/features/routing/components/routing-page';
import { flag, str } from '@/lib/search';

export const Route = createFileRoute('/_app/routing')({
  validateSearch: (r: Record<string, unknown>): RoutingSearch => ({ q: str(r, 'q'), group: str(r, 'group'), router: flag(r, 'router') }),
  component: Routing,
});

function Routing() {
  const navigate = Route.useNavigate();
  const setSearch = useCallback(
    (change: Partial<RoutingSearch>, replace = false) => void navigate({ search: (old) => ({ ...old, ...change }), replace }),
    [navigate],
  );
  return <RoutingPage search={Route.useSearch()} setSearch={setSearch} />;
}
