import { createFileRoute } from '@tanstack/react-router';
import { useCallback } from 'react';
import { ModelsPage, type ModelsSearch } from '@/features/models/components/models-page';
import { flag, str } from '@/lib/search';

export const Route = createFileRoute('/_app/models')({
  validateSearch: (r: Record<string, unknown>): ModelsSearch => ({ q: str(r, 'q'), add: flag(r, 'add') }),
  component: Models,
});

function Models() {
  const navigate = Route.useNavigate();
  const setSearch = useCallback(
    (change: Partial<ModelsSearch>) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true }),
    [navigate],
  );
  return <ModelsPage search={Route.useSearch()} setSearch={setSearch} />;
}
