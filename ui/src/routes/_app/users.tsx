import { createFileRoute } from '@tanstack/react-router';
import { useCallback } from 'react';
import { UsersPage, type UsersSearch } from '@/features/users/components/users-page';
import { flag, str } from '@/lib/search';

export const Route = createFileRoute('/_app/users')({
  validateSearch: (r: Record<string, unknown>): UsersSearch => ({ q: str(r, 'q'), create: flag(r, 'create') }),
  component: Users,
});

function Users() {
  const navigate = Route.useNavigate();
  const setSearch = useCallback(
    (change: Partial<UsersSearch>) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true }),
    [navigate],
  );
  return <UsersPage search={Route.useSearch()} setSearch={setSearch} />;
}
