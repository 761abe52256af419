import { Link } from '@tanstack/react-router';
import { ACTIONS, type Column, DataTable } from '@/components/data-table';
import { CopyButton } from '@/components/ui/copy-button';
import { RelTime } from '@/components/ui/rel-time';
import { fmtCompact, fmtInt, fmtUsd } from '@/lib/format';
import type { Key } from '../api/keys';
import { KeyActions, type KeyIntent } from './key-actions';
import { KeyState } from './key-state';

const Models = ({ models }: { models: Key['models'] }) =>
  models ? (
    <p className="max-w-44 truncate" title={models.join(', ')}>
      {models[0] ?? 'None'}
      {models.length > 1 && <span className="text-fg-3"> +{models.length - 1}</span>}
    </p>
  ) : (
    <span className="text-fg-2">All models</span>
  );

const Requests = ({ k }: { k: Key }) =>
  k.requests_count > 0 ? (
    <Link to="/requests" search={{ key: k.id }} title={fmtInt(k.requests_count)} className="hover:text-accent hover:underline">
      {fmtCompact(k.requests_count)}
    </Link>
  ) : (
    <span className="text-fg-3">0</span>
  );

type Props = {
  rows: Key[];
  onIntent: (intent: KeyIntent) => void;
  stale: boolean;
  more: { has: boolean; loading: boolean; load: () => void };
};

export function KeysTable({ rows, onIntent, stale, more }: Props) {
  const columns: Column<Key>[] = [
    {
      id: 'name',
      header: 'Name',
      cell: (k) => (
        <div className="min-w-36 max-w-60">
          <p className="truncate font-medium" title={k.name}>
            {k.name}
          </p>
          <p className="flex items-center gap-0.5 font-mono text-fg-3 text-xs">
            {k.key_hint}
            <CopyButton
              text={k.id}
              label="Copy key ID"
              className="size-5 opacity-0 focus-visible:opacity-100 group-hover/row:opacity-100 [&_svg]:size-3"
            />
          </p>
        </div>
      ),
    },
    { id: 'state', header: 'State', cell: (k) => <KeyState state={k.state} /> },
    {
      id: 'owner',
      header: 'Team and user',
      cell: (k) => (
        <div className="max-w-44">
          <p className="truncate">{k.team_name ?? <span className="text-fg-3">No team</span>}</p>
          {k.user_email && <p className="truncate text-fg-3 text-xs">{k.user_email}</p>}
        </div>
      ),
    },
    { id: 'models', header: 'Models', cell: (k) => <Models models={k.models} /> },
    { id: 'spend', header: 'Spend', align: 'right', cell: (k) => fmtUsd(k.spend_usd) },
    { id: 'requests', header: 'Requests', align: 'right', cell: (k) => <Requests k={k} /> },
    { id: 'used', header: 'Last used', cell: (k) => <RelTime at={k.last_used_at} className="text-fg-2" /> },
    { id: 'created', header: 'Created', className: 'max-xl:hidden', cell: (k) => <RelTime at={k.created_at} className="text-fg-2" /> },
    { id: 'expires', header: 'Expires', cell: (k) => <RelTime at={k.expires_at} className="text-fg-2" /> },
    {
      id: 'actions',
      header: <span className="sr-only">Actions</span>,
      align: 'right',
      className: ACTIONS,
      cell: (k) => <KeyActions k={k} onIntent={onIntent} />,
    },
  ];
  return (
    <DataTable
      label="API keys"
      rows={rows}
      rowKey={(k) => k.id}
      columns={columns}
      stale={stale}
      more={more}
      card={(k) => (
        <article className="card p-3.5">
          <div className="flex items-start gap-2">
            <div className="min-w-0 flex-1">
              <h2 className="truncate font-medium text-base">{k.name}</h2>
              <p className="truncate text-fg-3 text-xs">
                <span className="font-mono">{k.key_hint}</span>
                {k.team_name && ` · ${k.team_name}`}
              </p>
            </div>
            <KeyState state={k.state} />
            <div className="-mt-1 -mr-1.5">
              <KeyActions k={k} onIntent={onIntent} />
            </div>
          </div>
          <dl className="num mt-3 grid grid-cols-3 gap-2 text-xs [&_dt]:text-fg-3">
            <div>
              <dt>Spend</dt>
              <dd>{fmtUsd(k.spend_usd)}</dd>
            </div>
            <div>
              <dt>Requests</dt>
              <dd>
                <Requests k={k} />
              </dd>
            </div>
            <div>
              <dt>Last used</dt>
              <dd>
                <RelTime at={k.last_used_at} />
              </dd>
            </div>
          </dl>
        </article>
      )}
    />
  );
}
