import { useInfiniteQuery } from '@tanstack/react-query';
import { KeyRound, Plus, Search, X } from 'lucide-react';
import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import { TableSkeleton } from '@/components/data-table';
import { PageHead } from '@/components/page-head';
import { isTyping, SearchBox } from '@/components/search-box';
import { Kbd } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { FilterMenu } from '@/components/ui/menu';
import { EmptyState, ErrorState } from '@/components/ui/states';
import { toast } from '@/components/ui/toast';
import { useCanEdit } from '@/features/session/api/session';
import { messageOf } from '@/lib/client';
import { rowsOf } from '@/lib/query';
import { type KeyState, keysQuery, STATES, useBlockKey } from '../api/keys';
import type { KeyIntent } from './key-actions';
import { KEY_STATE } from './key-state';
import { KeysTable } from './keys-table';

const KeyForm = lazy(() => import('./key-form'));
const KeyConfirm = lazy(() => import('./key-confirm'));
const TeamFilter = lazy(() => import('./team-filter'));

export type KeysSearch = { q?: string; state?: KeyState; team?: string; create?: true };
type Props = { search: KeysSearch; setSearch: (change: Partial<KeysSearch>) => void };

export function KeysPage({ search: s, setSearch }: Props) {
  const canEdit = useCanEdit();
  const [intent, setIntent] = useState<KeyIntent | null>(null);
  const unblock = useBlockKey();
  const keys = useInfiniteQuery(keysQuery({ q: s.q, state: s.state, team_id: s.team }));
  const rows = rowsOf(keys.data);
  const filtered = !!(s.q || s.state || s.team);
  const reset = () => setSearch({ q: undefined, state: undefined, team: undefined });
  const onText = useCallback((q: string | undefined) => setSearch({ q }), [setSearch]);

  useEffect(() => {
    const on = (e: KeyboardEvent) => {
      if (e.key === 'c' && canEdit && !isTyping(e)) setSearch({ create: true });
    };
    addEventListener('keydown', on);
    return () => removeEventListener('keydown', on);
  }, [canEdit, setSearch]);

  function act(next: KeyIntent) {
    if (next.kind !== 'unblock') return setIntent(next);
    const { key } = next;
    unblock.mutate(
      { id: key.id, blocked: false },
      {
        onSuccess: () => toast.ok(`${key.name} works again`),
        onError: (e) => toast.bad(`${key.name} is still blocked`, messageOf(e)),
      },
    );
  }
  const createButton = canEdit && (
    <Button variant="primary" onClick={() => setSearch({ create: true })}>
      <Plus aria-hidden="true" /> Create key
      <span className="hidden sm:inline [&_kbd]:border-transparent [&_kbd]:bg-on-primary/15 [&_kbd]:text-on-primary">
        <Kbd>C</Kbd>
      </span>
    </Button>
  );

  return (
    <>
      <PageHead title="API keys" sub="What applications sign their calls with.">
        {createButton}
      </PageHead>
      <div className="mb-3 flex min-h-8 flex-wrap items-center gap-2" role="search">
        <SearchBox value={s.q} onChange={onText} placeholder="Search name or key ending" label="Search keys" />
        <FilterMenu
          label="State"
          value={s.state}
          onChange={(state) => setSearch({ state })}
          options={STATES.map((value) => ({ value, label: KEY_STATE[value].label }))}
        />
        <Suspense>
          <TeamFilter value={s.team} onChange={(team) => setSearch({ team })} />
        </Suspense>
        {filtered && (
          <Button variant="ghost" size="sm" onClick={reset}>
            <X aria-hidden="true" /> Reset
          </Button>
        )}
      </div>
      {keys.isError ? (
        <ErrorState error={keys.error} onRetry={() => void keys.refetch()} />
      ) : keys.isPending ? (
        <TableSkeleton />
      ) : rows.length ? (
        <KeysTable
          rows={rows}
          onIntent={act}
          stale={keys.isPlaceholderData}
          more={{ has: keys.hasNextPage, loading: keys.isFetchingNextPage, load: () => void keys.fetchNextPage() }}
        />
      ) : (
        <div className="card">
          {filtered ? (
            <EmptyState icon={<Search />} title="No key matches" action={<Button onClick={reset}>Reset filters</Button>}>
              The search ran over all keys, not only those loaded here.
            </EmptyState>
          ) : (
            <EmptyState icon={<KeyRound />} title="No keys yet" action={createButton}>
              A key lets one application call the gateway, with its own models and its own line in the spend.
            </EmptyState>
          )}
        </div>
      )}
      <Suspense>
        {s.create && canEdit && <KeyForm onClose={() => setSearch({ create: undefined })} />}
        {intent?.kind === 'edit' && <KeyForm old={intent.key} onClose={() => setIntent(null)} />}
        {(intent?.kind === 'block' || intent?.kind === 'revoke') && (
          <KeyConfirm kind={intent.kind} k={intent.key} onClose={() => setIntent(null)} />
        )}
      </Suspense>
    </>
  );
}
