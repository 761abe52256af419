import { Link } from '@tanstack/react-router';
import { TriangleAlert } from 'lucide-react';
import { type Column, DataTable } from '@/components/data-table';
import { Badge } from '@/components/ui/badge';
import { Tip } from '@/components/ui/tooltip';
import { cn } from '@/lib/cn';
import { plural } from '@/lib/format';
import type { Policy } from '../api/routing';
import { differences } from './differences';
import { PolicySource } from './policy-source';

const SHOWN = 4;

function Differences({ group, router }: { group: Policy; router: Policy }) {
  const found = differences(group, router);
  if (!found.length) return <span className="text-fg-3">–</span>;
  const rest = found.slice(SHOWN);
  return (
    <span className="flex flex-wrap gap-1">
      {found.slice(0, SHOWN).map((word) => (
        <Badge key={word} className="max-w-56">
          <span className="truncate" title={word}>
            {word}
          </span>
        </Badge>
      ))}
      {rest.length > 0 && (
        <Tip label={rest.join(', ')}>
          <button type="button" className="cursor-default rounded-md">
            <Badge>{`+${rest.length}`}</Badge>
          </button>
        </Tip>
      )}
    </span>
  );
}

const Warning = ({ group }: { group: Policy }) =>
  group.warnings.length > 0 ? (
    <Badge tone="warn">
      <TriangleAlert className="size-3" aria-hidden="true" /> {plural(group.warnings.length, 'warning')}
    </Badge>
  ) : null;

const Name = ({ group, className }: { group: Policy; className?: string }) => (
  <Link
    to="/routing"
    search={{ group: group.model_name! }}
    className={cn('truncate rounded font-medium hover:underline', className)}
    title={group.model_name!}
  >
    {group.model_name}
  </Link>
);

type Props = { groups: Policy[]; router: Policy; onOpen: (group: Policy) => void };

export function GroupsTable({ groups, router, onOpen }: Props) {
  const columns: Column<Policy>[] = [
    {
      id: 'name',
      header: 'Group',
      cell: (g) => (
        <span className="flex min-w-40 max-w-80 items-center gap-2">
          <Name group={g} />
          <Warning group={g} />
        </span>
      ),
    },
    { id: 'deployments', header: 'Deployments', align: 'right', cell: (g) => g.deployments },
    {
      id: 'strategy',
      header: 'Strategy',
      cell: (g) => (
        <span className={cn('whitespace-nowrap', g.effective.strategy === router.effective.strategy && 'text-fg-3')}>
          {g.effective.strategy}
        </span>
      ),
    },
    { id: 'differs', header: 'Differs from the router', cell: (g) => <Differences group={g} router={router} /> },
    { id: 'source', header: 'Settings', cell: (g) => <PolicySource policy={g} /> },
  ];
  return (
    <DataTable
      label="Groups"
      rows={groups}
      rowKey={(g) => g.model_name!}
      columns={columns}
      onOpen={onOpen}
      card={(g) => (
        <article className="card p-3.5">
          <div className="flex items-center gap-2">
            <h2 className="flex min-w-0 flex-1 text-base">
              <Name group={g} />
            </h2>
            <PolicySource policy={g} />
          </div>
          <p className="mt-0.5 text-fg-3 text-xs">{`${plural(g.deployments, 'deployment')} · ${g.effective.strategy}`}</p>
          <div className="mt-2 flex flex-wrap gap-1 empty:hidden">
            <Warning group={g} />
            {differences(g, router).length > 0 && <Differences group={g} router={router} />}
          </div>
        </article>
      )}
    />
  );
}
