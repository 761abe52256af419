import { createFileRoute } from '@tanstack/react-router';
import { useCallback } from 'react';
import { CredentialsPage, type CredentialsSearch } from '@/features/credentials/components/credentials-page';
import { flag, str } from '@/lib/search';

export const Route = createFileRoute('/_app/credentials')({
  validateSearch: (r: Record<string, unknown>): CredentialsSearch => ({ q: str(r, 'q'), create: flag(r, 'create') }),
  component: Credentials,
});

function Credentials() {
  const navigate = Route.useNavigate();
  const setSearch = useCallback(
    (change: Partial<CredentialsSearch>) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true }),
    [navigate],
  );
  return <CredentialsPage search={Route.useSearch()} setSearch={setSearch} />;
}
