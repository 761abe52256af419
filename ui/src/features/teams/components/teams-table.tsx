import { useNavigate } from '@tanstack/react-router';
import { Ban, Ellipsis, KeyRound, Pencil, Trash2, Unlock } from 'lucide-react';
import { ACTIONS, type Column, DataTable } from '@/components/data-table';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Menu, type MenuItem } from '@/components/ui/menu';
import { RelTime } from '@/components/ui/rel-time';
import { useCanEdit } from '@/features/session/api/session';
import { fmtInt, fmtUsd, plural } from '@/lib/format';
import type { Team } from '../api/teams';

export type TeamIntent = { kind: 'edit' | 'block' | 'unblock' | 'delete'; team: Team };

function Actions({ team, onIntent }: { team: Team; onIntent: (i: TeamIntent) => void }) {
  const navigate = useNavigate();
  const canEdit = useCanEdit();
  const edits: MenuItem[] = [
    { label: 'Edit', icon: <Pencil />, onSelect: () => onIntent({ kind: 'edit', team }) },
    team.blocked
      ? { label: 'Unblock', icon: <Unlock />, onSelect: () => onIntent({ kind: 'unblock', team }) }
      : { label: 'Block', icon: <Ban />, onSelect: () => onIntent({ kind: 'block', team }) },
    'sep',
    { label: 'Delete', icon: <Trash2 />, danger: true, onSelect: () => onIntent({ kind: 'delete', team }) },
  ];
  return (
    <Menu
      trigger={
        <Button size="icon-sm" variant="ghost" aria-label={`Actions for ${team.name}`}>
          <Ellipsis className="size-4!" aria-hidden="true" />
        </Button>
      }
      items={[
        { label: 'View keys', icon: <KeyRound />, onSelect: () => void navigate({ to: '/keys', search: { team: team.id } }) },
        ...(canEdit ? edits : []),
      ]}
    />
  );
}

const State = ({ blocked }: { blocked: boolean }) => (
  <Badge dot tone={blocked ? 'bad' : 'ok'}>
    {blocked ? 'Blocked' : 'Active'}
  </Badge>
);
const modelsOf = (t: Team) => (t.models ? t.models.join(', ') || 'None' : 'All models');

type Props = {
  rows: Team[];
  onIntent: (intent: TeamIntent) => void;
  stale: boolean;
  more: { has: boolean; loading: boolean; load: () => void };
};

export function TeamsTable({ rows, onIntent, stale, more }: Props) {
  const columns: Column<Team>[] = [
    { id: 'name', header: 'Name', cell: (t) => <p className="max-w-72 truncate font-medium">{t.name}</p> },
    { id: 'state', header: 'State', cell: (t) => <State blocked={t.blocked} /> },
    {
      id: 'models',
      header: 'Models',
      cell: (t) => (
        <p className="max-w-72 truncate text-fg-2" title={modelsOf(t)}>
          {modelsOf(t)}
        </p>
      ),
    },
    { id: 'members', header: 'Members', align: 'right', cell: (t) => fmtInt(t.members_count) },
    { id: 'keys', header: 'Keys', align: 'right', cell: (t) => fmtInt(t.keys_count) },
    { id: 'spend', header: 'Spend', align: 'right', cell: (t) => fmtUsd(t.spend_usd) },
    { id: 'created', header: 'Created', cell: (t) => <RelTime at={t.created_at} className="text-fg-2" /> },
    {
      id: 'actions',
      header: <span className="sr-only">Actions</span>,
      align: 'right',
      className: ACTIONS,
      cell: (t) => <Actions team={t} onIntent={onIntent} />,
    },
  ];
  return (
    <DataTable
      label="Teams"
      rows={rows}
      rowKey={(t) => t.id}
      columns={columns}
      stale={stale}
      more={more}
      card={(t) => (
        <article className="card flex items-start gap-2 p-3.5">
          <div className="min-w-0 flex-1">
            <h2 className="truncate font-medium text-base">{t.name}</h2>
            <p className="truncate text-fg-3 text-xs">{modelsOf(t)}</p>
            <p className="num mt-2 text-fg-2 text-xs">
              {plural(t.keys_count, 'key')} · {plural(t.members_count, 'member')} · {fmtUsd(t.spend_usd)}
            </p>
          </div>
          <State blocked={t.blocked} />
          <div className="-mt-1 -mr-1.5">
            <Actions team={t} onIntent={onIntent} />
          </div>
        </article>
      )}
    />
  );
}
