import { useInfiniteQuery } from '@tanstack/react-query';
import { Plus, Search, UserRound } from 'lucide-react';
import { lazy, Suspense, useCallback, useState } from 'react';
import { TableSkeleton } from '@/components/data-table';
import { PageHead } from '@/components/page-head';
import { SearchBox } from '@/components/search-box';
import { Button } from '@/components/ui/button';
import { EmptyState, ErrorState } from '@/components/ui/states';
import { toast } from '@/components/ui/toast';
import { useCanEdit } from '@/features/session/api/session';
import { messageOf } from '@/lib/client';
import { rowsOf } from '@/lib/query';
import { usersQuery, useUpdateUser } from '../api/users';
import { type UserIntent, UsersTable } from './users-table';

const UserForm = lazy(() => import('./user-form'));
const UserConfirm = lazy(() => import('./user-confirm'));

export type UsersSearch = { q?: string; create?: true };
type Props = { search: UsersSearch; setSearch: (change: Partial<UsersSearch>) => void };

export function UsersPage({ search: s, setSearch }: Props) {
  const canEdit = useCanEdit();
  const [intent, setIntent] = useState<UserIntent | null>(null);
  const unblock = useUpdateUser();
  const users = useInfiniteQuery(usersQuery(s.q));
  const rows = rowsOf(users.data);
  const onText = useCallback((q: string | undefined) => setSearch({ q }), [setSearch]);
  function act(next: UserIntent) {
    if (next.kind !== 'unblock') return setIntent(next);
    const { user } = next;
    unblock.mutate(
      { id: user.id, blocked: false },
      {
        onSuccess: () => toast.ok(`${user.email} can sign in again`),
        onError: (e) => toast.bad(`${user.email} is still blocked`, messageOf(e)),
      },
    );
  }
  const createButton = canEdit && (
    <Button variant="primary" onClick={() => setSearch({ create: true })}>
      <Plus aria-hidden="true" /> Create user
    </Button>
  );
  return (
    <>
      <PageHead title="Users" sub="Who may sign in to this dashboard.">
        {createButton}
      </PageHead>
      <div className="mb-3 flex min-h-8 flex-wrap items-center gap-2" role="search">
        <SearchBox value={s.q} onChange={onText} placeholder="Search name or email" label="Search users" />
      </div>
      {users.isError ? (
        <ErrorState error={users.error} onRetry={() => void users.refetch()} />
      ) : users.isPending ? (
        <TableSkeleton />
      ) : rows.length ? (
        <UsersTable
          rows={rows}
          onIntent={act}
          stale={users.isPlaceholderData}
          more={{ has: users.hasNextPage, loading: users.isFetchingNextPage, load: () => void users.fetchNextPage() }}
        />
      ) : (
        <div className="card">
          {s.q ? (
            <EmptyState
              icon={<Search />}
              title="No user matches"
              action={<Button onClick={() => setSearch({ q: undefined })}>Reset search</Button>}
            >
              The search ran over all users.
            </EmptyState>
          ) : (
            <EmptyState icon={<UserRound />} title="No users yet" action={createButton}>
              Everyone who manages the gateway should have an account of their own instead of sharing the master key.
            </EmptyState>
          )}
        </div>
      )}
      <Suspense>
        {s.create && canEdit && <UserForm onClose={() => setSearch({ create: undefined })} />}
        {intent?.kind === 'edit' && <UserForm old={intent.user} onClose={() => setIntent(null)} />}
        {(intent?.kind === 'block' || intent?.kind === 'delete') && (
          <UserConfirm kind={intent.kind} user={intent.user} onClose={() => setIntent(null)} />
        )}
      </Suspense>
    </>
  );
}
