import { Ellipsis, Pencil, RotateCw, Trash2 } from 'lucide-react';
import { ACTIONS, type Column, DataTable } from '@/components/data-table';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Menu } from '@/components/ui/menu';
import { RelTime } from '@/components/ui/rel-time';
import { useCanEdit } from '@/features/session/api/session';
import { fmtInt, plural } from '@/lib/format';
import type { Credential } from '../api/credentials';
import { KIND_LABEL } from './credential-values';

export type CredentialIntent = { kind: 'edit' | 'rotate' | 'delete'; credential: Credential };

function Actions({ c, onIntent }: { c: Credential; onIntent: (i: CredentialIntent) => void }) {
  const canEdit = useCanEdit();
  if (!canEdit || c.source !== 'database') return null;
  const act = (kind: CredentialIntent['kind']) => () => onIntent({ kind, credential: c });
  return (
    <Menu
      trigger={
        <Button size="icon-sm" variant="ghost" aria-label={`Actions for ${c.name}`}>
          <Ellipsis className="size-4!" aria-hidden="true" />
        </Button>
      }
      items={[
        { label: 'Rotate', icon: <RotateCw />, onSelect: act('rotate') },
        { label: 'Edit', icon: <Pencil />, onSelect: act('edit') },
        'sep',
        { label: 'Delete', icon: <Trash2 />, danger: true, onSelect: act('delete') },
      ]}
    />
  );
}

/** The value that people know a credential by: its key's ends, or whose it is. */
const TELLING = ['api_key', 'client_email', 'access_key_id', 'client_id'];
const telling = (c: Credential) => TELLING.flatMap((name) => c.fields.find((f) => f.name === name)?.hint ?? [])[0];

const Values = ({ c }: { c: Credential }) =>
  c.readable ? (
    <span
      className="block min-w-0 max-w-60 truncate font-mono text-fg-2 text-xs"
      title={c.fields.map((f) => `${f.name} ${f.hint}`).join('\n')}
    >
      {telling(c)}
    </span>
  ) : (
    <Badge dot tone="bad">
      Not readable: rotate it
    </Badge>
  );

const Source = ({ c }: { c: Credential }) => (
  <Badge tone={c.source === 'database' ? 'accent' : 'neutral'}>{c.source === 'database' ? 'Dashboard' : 'config.yaml'}</Badge>
);

type Props = {
  rows: Credential[];
  onIntent: (intent: CredentialIntent) => void;
  stale: boolean;
  more: { has: boolean; loading: boolean; load: () => void };
};

export function CredentialsTable({ rows, onIntent, stale, more }: Props) {
  const columns: Column<Credential>[] = [
    {
      id: 'name',
      header: 'Name',
      cell: (c) => (
        <p className="max-w-72 truncate font-medium" title={c.name}>
          {c.name}
        </p>
      ),
    },
    { id: 'kind', header: 'Kind', cell: (c) => KIND_LABEL[c.kind] },
    { id: 'values', header: 'Signs in as', cell: (c) => <Values c={c} /> },
    {
      id: 'provider',
      header: 'Provider',
      className: 'max-lg:hidden',
      cell: (c) => (c.provider ? c.provider : <span className="text-fg-3">Any</span>),
    },
    { id: 'source', header: 'Source', cell: (c) => <Source c={c} /> },
    { id: 'used', header: 'Models', align: 'right', cell: (c) => fmtInt(c.deployments_count) },
    {
      id: 'rotated',
      header: 'Rotated',
      className: 'max-lg:hidden',
      cell: (c) => (c.rotated_at ? <RelTime at={c.rotated_at} className="text-fg-2" /> : <span className="text-fg-3">Never</span>),
    },
    {
      id: 'actions',
      header: <span className="sr-only">Actions</span>,
      align: 'right',
      className: ACTIONS,
      cell: (c) => <Actions c={c} onIntent={onIntent} />,
    },
  ];
  return (
    <DataTable
      label="Credentials"
      rows={rows}
      rowKey={(c) => c.id}
      columns={columns}
      stale={stale}
      more={more}
      card={(c) => (
        <article className="card flex items-start gap-2 p-3.5">
          <div className="min-w-0 flex-1">
            <h2 className="truncate font-medium text-base">{c.name}</h2>
            <p className="truncate text-fg-3 text-xs">
              {KIND_LABEL[c.kind]} · {c.provider ?? 'any provider'}
            </p>
            <div className="mt-2 flex min-w-0 items-center gap-2">
              <Values c={c} />
              <span className="num shrink-0 text-fg-2 text-xs">{plural(c.deployments_count, 'model')}</span>
            </div>
          </div>
          <Source c={c} />
          <div className="-mt-1 -mr-1.5">
            <Actions c={c} onIntent={onIntent} />
          </div>
        </article>
      )}
    />
  );
}
