import { createFileRoute } from '@tanstack/react-router';
import { useCallback } from 'react';
import { STATES } from '@/features/keys/api/keys';
import { KeysPage, type KeysSearch } from '@/features/keys/components/keys-page';
import { flag, oneOf, str } from '@/lib/search';

export const Route = createFileRoute('/_app/keys')({
  validateSearch: (r: Record<string, unknown>): KeysSearch => ({
    q: str(r, 'q'),
    state: oneOf(r, 'state', STATES),
    team: str(r, 'team'),
    create: flag(r, 'create'),
  }),
  component: Keys,
});

function Keys() {
  const navigate = Route.useNavigate();
  const setSearch = useCallback(
    (change: Partial<KeysSearch>) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true }),
    [navigate],
  );
  return <KeysPage search={Route.useSearch()} setSearch={setSearch} />;
}
