import { useInfiniteQuery } from '@tanstack/react-query';
import { Fingerprint, Plus, Search } from 'lucide-react';
import { lazy, Suspense, useCallback, useState } from 'react';
import { TableSkeleton } from '@/components/data-table';
import { PageHead } from '@/components/page-head';
import { SearchBox } from '@/components/search-box';
import { Button } from '@/components/ui/button';
import { EmptyState, ErrorState } from '@/components/ui/states';
import { useCanEdit } from '@/features/session/api/session';
import { rowsOf } from '@/lib/query';
import { credentialsQuery } from '../api/credentials';
import { type CredentialIntent, CredentialsTable } from './credentials-table';

const CredentialForm = lazy(() => import('./credential-form'));
const RotateCredential = lazy(() => import('./rotate-credential'));
const DeleteCredential = lazy(() => import('./delete-credential'));

export type CredentialsSearch = { q?: string; create?: true };
type Props = { search: CredentialsSearch; setSearch: (change: Partial<CredentialsSearch>) => void };

export function CredentialsPage({ search: s, setSearch }: Props) {
  const canEdit = useCanEdit();
  const [intent, setIntent] = useState<CredentialIntent | null>(null);
  const credentials = useInfiniteQuery(credentialsQuery(s.q));
  const rows = rowsOf(credentials.data);
  const onText = useCallback((q: string | undefined) => setSearch({ q }), [setSearch]);
  const close = () => setIntent(null);
  const createButton = canEdit && (
    <Button variant="primary" onClick={() => setSearch({ create: true })}>
      <Plus aria-hidden="true" /> Create credential
    </Button>
  );
  return (
    <>
      <PageHead title="Credentials" sub="What models sign in to providers with. Rotated in one place, without a restart.">
        {createButton}
      </PageHead>
      <div className="mb-3 flex min-h-8 flex-wrap items-center gap-2" role="search">
        <SearchBox value={s.q} onChange={onText} placeholder="Search name or provider" label="Search credentials" />
      </div>
      {credentials.isError ? (
        <ErrorState error={credentials.error} onRetry={() => void credentials.refetch()} />
      ) : credentials.isPending ? (
        <TableSkeleton />
      ) : rows.length ? (
        <CredentialsTable
          rows={rows}
          onIntent={setIntent}
          stale={credentials.isPlaceholderData}
          more={{ has: credentials.hasNextPage, loading: credentials.isFetchingNextPage, load: () => void credentials.fetchNextPage() }}
        />
      ) : (
        <div className="card">
          {s.q ? (
            <EmptyState
              icon={<Search />}
              title="No credential matches"
              action={<Button onClick={() => setSearch({ q: undefined })}>Reset search</Button>}
            >
              The search ran over all credentials.
            </EmptyState>
          ) : (
            <EmptyState icon={<Fingerprint />} title="No credentials yet" action={createButton}>
              A model can have a key of its own. A credential is for keys that several models share, for pools of keys, and for Azure,
              Google and AWS accounts.
            </EmptyState>
          )}
        </div>
      )}
      <Suspense>
        {s.create && canEdit && <CredentialForm onClose={() => setSearch({ create: undefined })} />}
        {intent?.kind === 'edit' && <CredentialForm old={intent.credential} onClose={close} />}
        {intent?.kind === 'rotate' && <RotateCredential c={intent.credential} onClose={close} />}
        {intent?.kind === 'delete' && <DeleteCredential c={intent.credential} onClose={close} />}
      </Suspense>
    </>
  );
}
