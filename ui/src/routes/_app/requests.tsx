import { createFileRoute } from '@tanstack/react-router';
import { useCallback } from 'react';
import { KINDS, STATUSES } from '@/features/requests/api/requests';
import { RequestsPage, type RequestsSearch } from '@/features/requests/components/requests-page';
import { oneOf, str } from '@/lib/search';

export const Route = createFileRoute('/_app/requests')({
  validateSearch: (r: Record<string, unknown>): RequestsSearch => ({
    q: str(r, 'q'),
    status: oneOf(r, 'status', STATUSES),
    model: str(r, 'model'),
    key: str(r, 'key'),
    kind: oneOf(r, 'kind', KINDS),
    open: str(r, 'open'),
  }),
  component: Requests,
});

function Requests() {
  const navigate = Route.useNavigate();
  const setSearch = useCallback(
    (change: Partial<RequestsSearch>) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true }),
    [navigate],
  );
  return <RequestsPage search={Route.useSearch()} setSearch={setSearch} />;
}
