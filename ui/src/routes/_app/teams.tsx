import { createFileRoute } from '@tanstack/react-router';
import { useCallback } from 'react';
import { TeamsPage, type TeamsSearch } from '@/features/teams/components/teams-page';
import { flag, str } from '@/lib/search';

export const Route = createFileRoute('/_app/teams')({
  validateSearch: (r: Record<string, unknown>): TeamsSearch => ({ q: str(r, 'q'), create: flag(r, 'create') }),
  component: Teams,
});

function Teams() {
  const navigate = Route.useNavigate();
  const setSearch = useCallback(
    (change: Partial<TeamsSearch>) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true }),
    [navigate],
  );
  return <TeamsPage search={Route.useSearch()} setSearch={setSearch} />;
}
