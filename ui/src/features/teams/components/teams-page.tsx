import { useInfiniteQuery } from '@tanstack/react-query';
import { Plus, Search, UsersRound } from 'lucide-react';
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
import { teamsQuery, useBlockTeam } from '../api/teams';
import { type TeamIntent, TeamsTable } from './teams-table';

const TeamForm = lazy(() => import('./team-form'));
const TeamConfirm = lazy(() => import('./team-confirm'));

export type TeamsSearch = { q?: string; create?: true };
type Props = { search: TeamsSearch; setSearch: (change: Partial<TeamsSearch>) => void };

export function TeamsPage({ search: s, setSearch }: Props) {
  const canEdit = useCanEdit();
  const [intent, setIntent] = useState<TeamIntent | null>(null);
  const unblock = useBlockTeam();
  const teams = useInfiniteQuery(teamsQuery(s.q));
  const rows = rowsOf(teams.data);
  const onText = useCallback((q: string | undefined) => setSearch({ q }), [setSearch]);
  function act(next: TeamIntent) {
    if (next.kind !== 'unblock') return setIntent(next);
    const { team } = next;
    unblock.mutate(
      { id: team.id, blocked: false },
      {
        onSuccess: () => toast.ok(`${team.name} works again`),
        onError: (e) => toast.bad(`${team.name} is still blocked`, messageOf(e)),
      },
    );
  }
  const createButton = canEdit && (
    <Button variant="primary" onClick={() => setSearch({ create: true })}>
      <Plus aria-hidden="true" /> Create team
    </Button>
  );
  return (
    <>
      <PageHead title="Teams" sub="Keys that belong together, with one line in the spend.">
        {createButton}
      </PageHead>
      <div className="mb-3 flex min-h-8 flex-wrap items-center gap-2" role="search">
        <SearchBox value={s.q} onChange={onText} placeholder="Search name" label="Search teams" />
      </div>
      {teams.isError ? (
        <ErrorState error={teams.error} onRetry={() => void teams.refetch()} />
      ) : teams.isPending ? (
        <TableSkeleton />
      ) : rows.length ? (
        <TeamsTable
          rows={rows}
          onIntent={act}
          stale={teams.isPlaceholderData}
          more={{ has: teams.hasNextPage, loading: teams.isFetchingNextPage, load: () => void teams.fetchNextPage() }}
        />
      ) : (
        <div className="card">
          {s.q ? (
            <EmptyState
              icon={<Search />}
              title="No team matches"
              action={<Button onClick={() => setSearch({ q: undefined })}>Reset search</Button>}
            >
              The search ran over all teams.
            </EmptyState>
          ) : (
            <EmptyState icon={<UsersRound />} title="No teams yet" action={createButton}>
              A team limits its keys to the models you choose and adds up what they spend. Keys work without a team too.
            </EmptyState>
          )}
        </div>
      )}
      <Suspense>
        {s.create && canEdit && <TeamForm onClose={() => setSearch({ create: undefined })} />}
        {intent?.kind === 'edit' && <TeamForm old={intent.team} onClose={() => setIntent(null)} />}
        {(intent?.kind === 'block' || intent?.kind === 'delete') && (
          <TeamConfirm kind={intent.kind} team={intent.team} onClose={() => setIntent(null)} />
        )}
      </Suspense>
    </>
  );
}
