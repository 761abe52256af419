import { Ellipsis, Play, Trash2 } from 'lucide-react';
import { ACTIONS, type Column, DataTable } from '@/components/data-table';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import { Menu, type MenuItem } from '@/components/ui/menu';
import { useCanEdit } from '@/features/session/api/session';
import { plural } from '@/lib/format';
import type { Deployment } from '../api/models';
import { hasLimits, Limits } from './limits';
import { Price } from './price';
import { Source } from './source';

export type ModelIntent = { kind: 'test' | 'delete'; deployment: Deployment };
/** A deployment with its place among those of the same public name. */
export type GroupedRow = { d: Deployment; first: boolean; size: number };

/** Deployments of one name stand together, in the order the names first appear. */
export function grouped(deployments: Deployment[]): GroupedRow[] {
  const groups = new Map<string, Deployment[]>();
  for (const d of deployments) groups.set(d.model_name, [...(groups.get(d.model_name) ?? []), d]);
  return [...groups.values()].flatMap((group) => group.map((d, i) => ({ d, first: i === 0, size: group.length })));
}

function Actions({ d, onIntent }: { d: Deployment; onIntent: (i: ModelIntent) => void }) {
  const canEdit = useCanEdit();
  if (!canEdit) return null;
  const items: MenuItem[] = [{ label: 'Test call', icon: <Play />, onSelect: () => onIntent({ kind: 'test', deployment: d }) }];
  if (d.source === 'database')
    items.push('sep', { label: 'Delete', icon: <Trash2 />, danger: true, onSelect: () => onIntent({ kind: 'delete', deployment: d }) });
  return (
    <Menu
      trigger={
        <Button size="icon-sm" variant="ghost" aria-label={`Actions for ${d.model_name} on ${d.provider}`}>
          <Ellipsis className="size-4!" aria-hidden="true" />
        </Button>
      }
      items={items}
    />
  );
}

const Upstream = ({ d }: { d: Deployment }) => (
  <div className="max-w-72">
    <p className="truncate">{d.provider}</p>
    <p className="truncate font-mono text-fg-3 text-xs" title={d.api_base ?? undefined}>
      {d.upstream_model}
    </p>
  </div>
);

const State = ({ d }: { d: Deployment }) =>
  d.blocked ? (
    <Badge dot tone="bad">
      Blocked
    </Badge>
  ) : (
    <Badge dot tone="ok">
      Active
    </Badge>
  );

type Props = {
  rows: GroupedRow[];
  onIntent: (intent: ModelIntent) => void;
  stale: boolean;
  more: { has: boolean; loading: boolean; load: () => void };
};

export function ModelsTable({ rows, onIntent, stale, more }: Props) {
  const canEdit = useCanEdit();
  const columns: Column<GroupedRow>[] = [
    {
      id: 'name',
      header: 'Model',
      cell: ({ d, first, size }) =>
        first ? (
          <div className="min-w-40 max-w-72">
            <p className="flex items-center gap-0.5">
              <span className="truncate font-medium" title={d.model_name}>
                {d.model_name}
              </span>
              <CopyButton
                text={d.model_name}
                label="Copy model name"
                className="size-5 opacity-0 focus-visible:opacity-100 group-hover/row:opacity-100 [&_svg]:size-3"
              />
            </p>
            {size > 1 && <p className="text-fg-3 text-xs">{plural(size, 'deployment')}</p>}
          </div>
        ) : (
          <p className="max-w-72 truncate text-fg-3">{d.model_name}</p>
        ),
    },
    { id: 'upstream', header: 'Served by', cell: ({ d }) => <Upstream d={d} /> },
    { id: 'source', header: 'Source', cell: ({ d }) => <Source source={d.source} /> },
    { id: 'state', header: 'State', cell: ({ d }) => <State d={d} /> },
    { id: 'mode', header: 'Mode', className: 'max-2xl:hidden', cell: ({ d }) => <span className="text-fg-2">{d.mode}</span> },
    { id: 'price', header: 'Price in / out per 1M', align: 'right', cell: ({ d }) => <Price d={d} /> },
    { id: 'weight', header: 'Weight', align: 'right', className: 'max-xl:hidden', cell: ({ d }) => d.weight },
    { id: 'priority', header: 'Priority', align: 'right', className: 'max-xl:hidden', cell: ({ d }) => d.priority },
    { id: 'limits', header: 'Limits', className: 'max-xl:hidden', cell: ({ d }) => <Limits d={d} /> },
    {
      id: 'timeout',
      header: 'Timeout',
      align: 'right',
      className: 'max-2xl:hidden',
      cell: ({ d }) => (d.timeout_ms == null ? <span className="text-fg-3">Default</span> : `${d.timeout_ms / 1000} s`),
    },
    {
      id: 'actions',
      header: <span className="sr-only">Actions</span>,
      align: 'right',
      className: `${ACTIONS} w-36`,
      cell: ({ d, first }) => (
        <span className="flex items-center justify-end gap-1">
          {canEdit && first && (
            <Button size="sm" variant="ghost" onClick={() => onIntent({ kind: 'test', deployment: d })} aria-label={`Test ${d.model_name}`}>
              <Play aria-hidden="true" /> Test
            </Button>
          )}
          <Actions d={d} onIntent={onIntent} />
        </span>
      ),
    },
  ];
  return (
    <DataTable
      label="Models"
      rows={rows}
      rowKey={({ d }) => d.id}
      columns={columns}
      stale={stale}
      more={more}
      card={({ d }) => (
        <article className="card p-3.5">
          <div className="flex items-start gap-2">
            <div className="min-w-0 flex-1">
              <h2 className="truncate font-medium text-base">{d.model_name}</h2>
              <p className="truncate text-fg-3 text-xs">
                {d.provider} · <span className="font-mono">{d.upstream_model}</span>
              </p>
            </div>
            <State d={d} />
            <div className="-mt-1 -mr-1.5">
              <Actions d={d} onIntent={onIntent} />
            </div>
          </div>
          <div className="mt-3 flex flex-wrap items-center justify-between gap-2">
            <Source source={d.source} />
            {hasLimits(d) && <Limits d={d} />}
            <Price d={d} />
          </div>
        </article>
      )}
    />
  );
}
