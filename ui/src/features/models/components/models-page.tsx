import { useInfiniteQuery } from '@tanstack/react-query';
import { Boxes, Plus, Search } from 'lucide-react';
import { lazy, Suspense, useCallback, useState } from 'react';
import { TableSkeleton } from '@/components/data-table';
import { PageHead } from '@/components/page-head';
import { SearchBox } from '@/components/search-box';
import { Button } from '@/components/ui/button';
import { EmptyState, ErrorState } from '@/components/ui/states';
import { useCanEdit } from '@/features/session/api/session';
import { rowsOf } from '@/lib/query';
import { deploymentsQuery } from '../api/models';
import { grouped, type ModelIntent, ModelsTable } from './models-table';

const AddModel = lazy(() => import('./add-model'));
const DeleteModel = lazy(() => import('./delete-model'));
const TestDialog = lazy(() => import('./test-dialog'));

export type ModelsSearch = { q?: string; add?: true };
type Props = { search: ModelsSearch; setSearch: (change: Partial<ModelsSearch>) => void };

export function ModelsPage({ search: s, setSearch }: Props) {
  const canEdit = useCanEdit();
  const [intent, setIntent] = useState<ModelIntent | null>(null);
  const models = useInfiniteQuery(deploymentsQuery(s.q));
  const rows = grouped(rowsOf(models.data));
  const onText = useCallback((q: string | undefined) => setSearch({ q }), [setSearch]);
  const addButton = canEdit && (
    <Button variant="primary" onClick={() => setSearch({ add: true })}>
      <Plus aria-hidden="true" /> Add model
    </Button>
  );
  return (
    <>
      <PageHead title="Models" sub="What clients can ask for, and which deployments serve it.">
        {addButton}
      </PageHead>
      <div className="mb-3 flex min-h-8 flex-wrap items-center gap-2" role="search">
        <SearchBox value={s.q} onChange={onText} placeholder="Search model or provider" label="Search models" />
      </div>
      {models.isError ? (
        <ErrorState error={models.error} onRetry={() => void models.refetch()} />
      ) : models.isPending ? (
        <TableSkeleton />
      ) : rows.length ? (
        <ModelsTable
          rows={rows}
          onIntent={setIntent}
          stale={models.isPlaceholderData}
          more={{ has: models.hasNextPage, loading: models.isFetchingNextPage, load: () => void models.fetchNextPage() }}
        />
      ) : (
        <div className="card">
          {s.q ? (
            <EmptyState
              icon={<Search />}
              title="No model matches"
              action={<Button onClick={() => setSearch({ q: undefined })}>Reset search</Button>}
            >
              The search ran over all deployments, not only those loaded here.
            </EmptyState>
          ) : (
            <EmptyState icon={<Boxes />} title="No models yet" action={addButton}>
              Add one here, list it in config.yaml, or start the gateway with a provider key such as OPENAI_API_KEY in its environment.
            </EmptyState>
          )}
        </div>
      )}
      <Suspense>
        {s.add && canEdit && <AddModel onClose={() => setSearch({ add: undefined })} />}
        {intent?.kind === 'test' && <TestDialog modelName={intent.deployment.model_name} onClose={() => setIntent(null)} />}
        {intent?.kind === 'delete' && (
          <DeleteModel
            d={intent.deployment}
            others={rows.filter((r) => r.d.model_name === intent.deployment.model_name).length - 1}
            onClose={() => setIntent(null)}
          />
        )}
      </Suspense>
    </>
  );
}
