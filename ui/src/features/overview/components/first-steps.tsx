import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Check } from 'lucide-react';
import type { ReactNode } from 'react';
import { Snippet } from '@/components/snippet';
import { buttonStyle } from '@/components/ui/button';
import { keyChoicesQuery } from '@/features/keys/api/keys';
import { useExampleModel, useModelNames } from '@/features/models/api/models';
import { useRequestStream } from '@/features/requests/api/stream';
import { useCanEdit, useMe } from '@/features/session/api/session';
import { cn } from '@/lib/cn';
import { plural } from '@/lib/format';
import { queryClient } from '@/lib/query';

function Step({ n, done, title, children }: { n: number; done: boolean; title: string; children: ReactNode }) {
  return (
    <li className="flex gap-4 px-5 py-4">
      <span
        className={cn(
          'num grid size-6 shrink-0 place-items-center rounded-full border font-medium text-xs',
          done ? 'border-transparent bg-ok-soft text-ok' : 'border-line-strong text-fg-2',
        )}
      >
        {done ? <Check className="size-3.5" aria-label="Done" /> : n}
      </span>
      <div className="min-w-0 flex-1">
        <h3 className="pt-0.5 font-medium">{title}</h3>
        <div className="mt-1 text-fg-2">{children}</div>
      </div>
    </li>
  );
}

/** Stands where the figures will, until the first call has been recorded; the steps tick themselves. */
export function FirstSteps() {
  const { gateway } = useMe();
  const canEdit = useCanEdit();
  const models = useModelNames();
  const keys = useQuery({ ...keyChoicesQuery(''), refetchInterval: 10_000 }).data?.data ?? [];
  const stream = useRequestStream(() => void queryClient.invalidateQueries({ queryKey: ['spend'] }));
  const onlyMocks = models.length > 0 && models.every((m) => m.startsWith('mock/'));
  const model = useExampleModel();
  return (
    <section className="card overflow-hidden" aria-labelledby="first-steps">
      <div className="border-line border-b px-5 py-4">
        <h2 id="first-steps" className="font-semibold text-lg tracking-[-0.01em]">
          Three steps to the first call
        </h2>
        <p className="text-fg-2">Nothing has been recorded yet. Spend, requests, tokens and errors appear here with the first call.</p>
      </div>
      <ol className="divide-y divide-line">
        <Step n={1} done={models.length > 0} title={models.length ? `${plural(models.length, 'model')} ready` : 'Add a model'}>
          <p>
            {models.length
              ? 'Clients can ask for: '
              : 'Add one with its provider key, list it in config.yaml, or start the gateway with a provider key in its environment. '}
            {models.length > 0 && (
              <span className="break-words font-mono text-xs">
                {models.slice(0, 4).join(', ')}
                {models.length > 4 && ` and ${models.length - 4} more`}
              </span>
            )}
          </p>
          {onlyMocks && <p>They answer by themselves, which is enough to try the gateway. Real answers need a provider's model.</p>}
          {canEdit && (onlyMocks || !models.length) ? (
            <Link to="/models" search={{ add: true }} className={cn(buttonStyle(), 'mt-2')}>
              Add model
            </Link>
          ) : (
            <Link to="/models" className={cn(buttonStyle(), 'mt-2')}>
              See models
            </Link>
          )}
        </Step>
        <Step n={2} done={keys.length > 0} title={keys.length ? 'A key exists' : 'Create a key'}>
          <p>Each application calls the gateway with a key of its own.</p>
          <Link to="/keys" search={canEdit && !keys.length ? { create: true } : {}} className={cn(buttonStyle(), 'mt-2')}>
            {keys.length || !canEdit ? 'See keys' : 'Create key'}
          </Link>
        </Step>
        <Step n={3} done={false} title="Make the first call">
          <p className="mb-3">Put the key into DELTALLM_API_KEY and run:</p>
          <Snippet apiUrl={gateway.api_url} model={model} />
          <p role="status" className="mt-3 flex items-center gap-2 text-xs">
            <span className={cn('size-2 rounded-full', stream === 'live' ? 'animate-pulse bg-ok-solid' : 'bg-warn-solid')} />
            {stream === 'live' ? 'Listening for the first call' : 'Connecting'}
          </p>
        </Step>
      </ol>
    </section>
  );
}
