import { Ban, Ellipsis, Pencil, Trash2, Unlock } from 'lucide-react';
import { ACTIONS, type Column, DataTable } from '@/components/data-table';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Menu } from '@/components/ui/menu';
import { RelTime } from '@/components/ui/rel-time';
import { useCanEdit, useMe } from '@/features/session/api/session';
import { ROLES, type User } from '../api/users';

export type UserIntent = { kind: 'edit' | 'block' | 'unblock' | 'delete'; user: User };

function Actions({ user, onIntent }: { user: User; onIntent: (i: UserIntent) => void }) {
  const canEdit = useCanEdit();
  // Nobody locks themselves out.
  const self = useMe().user.id === user.id;
  if (!canEdit) return null;
  return (
    <Menu
      trigger={
        <Button size="icon-sm" variant="ghost" aria-label={`Actions for ${user.email}`}>
          <Ellipsis className="size-4!" aria-hidden="true" />
        </Button>
      }
      items={[
        { label: 'Edit', icon: <Pencil />, onSelect: () => onIntent({ kind: 'edit', user }) },
        user.blocked
          ? { label: 'Unblock', icon: <Unlock />, onSelect: () => onIntent({ kind: 'unblock', user }) }
          : { label: 'Block', icon: <Ban />, disabled: self, onSelect: () => onIntent({ kind: 'block', user }) },
        'sep',
        { label: 'Delete', icon: <Trash2 />, danger: true, disabled: self, onSelect: () => onIntent({ kind: 'delete', user }) },
      ]}
    />
  );
}

const State = ({ blocked }: { blocked: boolean }) => (
  <Badge dot tone={blocked ? 'bad' : 'ok'}>
    {blocked ? 'Blocked' : 'Active'}
  </Badge>
);
const roleOf = (u: User) => ROLES.find((r) => r.value === u.role)?.label ?? u.role;

type Props = {
  rows: User[];
  onIntent: (intent: UserIntent) => void;
  stale: boolean;
  more: { has: boolean; loading: boolean; load: () => void };
};

export function UsersTable({ rows, onIntent, stale, more }: Props) {
  const columns: Column<User>[] = [
    {
      id: 'user',
      header: 'User',
      cell: (u) => (
        <div className="max-w-80">
          <p className="truncate font-medium">{u.name ?? u.email}</p>
          {u.name && <p className="truncate text-fg-3 text-xs">{u.email}</p>}
        </div>
      ),
    },
    { id: 'role', header: 'Role', cell: (u) => <span className="text-fg-2">{roleOf(u)}</span> },
    { id: 'team', header: 'Team', cell: (u) => <span className="text-fg-2">{u.team_name ?? '–'}</span> },
    { id: 'state', header: 'State', cell: (u) => <State blocked={u.blocked} /> },
    { id: 'login', header: 'Last sign-in', cell: (u) => <RelTime at={u.last_login_at} className="text-fg-2" /> },
    { id: 'created', header: 'Created', cell: (u) => <RelTime at={u.created_at} className="text-fg-2" /> },
    {
      id: 'actions',
      header: <span className="sr-only">Actions</span>,
      align: 'right',
      className: ACTIONS,
      cell: (u) => <Actions user={u} onIntent={onIntent} />,
    },
  ];
  return (
    <DataTable
      label="Users"
      rows={rows}
      rowKey={(u) => u.id}
      columns={columns}
      stale={stale}
      more={more}
      card={(u) => (
        <article className="card flex items-start gap-2 p-3.5">
          <div className="min-w-0 flex-1">
            <h2 className="truncate font-medium text-base">{u.name ?? u.email}</h2>
            {u.name && <p className="truncate text-fg-3 text-xs">{u.email}</p>}
            <p className="mt-2 text-fg-2 text-xs">
              {roleOf(u)} · last sign-in <RelTime at={u.last_login_at} never="never" />
            </p>
          </div>
          <State blocked={u.blocked} />
          <div className="-mt-1 -mr-1.5">
            <Actions user={u} onIntent={onIntent} />
          </div>
        </article>
      )}
    />
  );
}
