import { type Column, DataTable } from '@/components/data-table';
import { Badge } from '@/components/ui/badge';
import { RelTime } from '@/components/ui/rel-time';
import { Tip } from '@/components/ui/tooltip';
import { fmtClock, fmtDay, fmtExact, fmtInt, fmtMs } from '@/lib/format';
import type { RequestRow } from '../api/requests';
import { Cost } from './cost';
import { KindBadge } from './kind-badge';
import { StatusBadge } from './status-badge';

function When({ at }: { at: string }) {
  const d = new Date(at);
  const today = d.toDateString() === new Date().toDateString();
  return (
    <Tip label={fmtExact(at)}>
      <time dateTime={at} className="num whitespace-nowrap text-fg-2">
        {today ? '' : `${fmtDay(d)}, `}
        {fmtClock(d)}
      </time>
    </Tip>
  );
}

const Cut = ({ text, className }: { text: string | null | undefined; className?: string }) =>
  text ? (
    <p className={`truncate ${className ?? ''}`} title={text}>
      {text}
    </p>
  ) : (
    <span className="text-fg-3">–</span>
  );

const COLUMNS: Column<RequestRow>[] = [
  { id: 'at', header: 'Time', cell: (r) => <When at={r.started_at} /> },
  { id: 'status', header: 'Status', cell: (r) => <StatusBadge status={r.status} /> },
  {
    id: 'model',
    header: 'Model',
    cell: (r) => (
      <span className="flex max-w-60 items-center gap-1.5">
        <Cut text={r.model} className="min-w-0 font-medium" />
        <KindBadge kind={r.kind} />
      </span>
    ),
  },
  {
    id: 'served',
    header: 'Served by',
    cell: (r) => (
      <span className="flex max-w-52 items-center gap-1.5 text-fg-2">
        <Cut text={r.provider && [r.provider, r.upstream_model].filter(Boolean).join(' / ')} className="min-w-0" />
        {r.attempts > 1 && <Badge tone="warn">{r.attempts} tries</Badge>}
      </span>
    ),
  },
  { id: 'key', header: 'Key', cell: (r) => <Cut text={r.key_name} className="max-w-36 text-fg-2" /> },
  {
    id: 'tokens',
    header: 'Tokens in / out',
    align: 'right',
    cell: (r) => (
      <span className="whitespace-nowrap">
        {fmtInt(r.input_tokens)} <span className="text-fg-3">/ {fmtInt(r.output_tokens)}</span>
      </span>
    ),
  },
  {
    id: 'ttft',
    header: 'First token',
    align: 'right',
    className: 'max-xl:hidden',
    cell: (r) =>
      r.time_to_first_token_ms == null ? (
        <span className="text-fg-3">–</span>
      ) : (
        <span className="whitespace-nowrap">{fmtMs(r.time_to_first_token_ms)}</span>
      ),
  },
  { id: 'total', header: 'Total', align: 'right', cell: (r) => <span className="whitespace-nowrap">{fmtMs(r.duration_ms)}</span> },
  {
    id: 'cost',
    header: 'Cost',
    align: 'right',
    cell: (r) => (
      <span className="whitespace-nowrap">
        <Cost r={r} />
      </span>
    ),
  },
];

type Props = {
  rows: RequestRow[];
  openId: string | undefined;
  onOpen: (row: RequestRow) => void;
  stale: boolean;
  more: { has: boolean; loading: boolean; load: () => void };
};

export function RequestsTable({ rows, openId, onOpen, stale, more }: Props) {
  return (
    <DataTable
      label="Requests"
      dense
      rows={rows}
      rowKey={(r) => r.event_id}
      columns={COLUMNS}
      onOpen={onOpen}
      isOpen={(r) => r.event_id === openId}
      stale={stale}
      more={more}
      card={(r) => (
        <button type="button" onClick={() => onOpen(r)} className="card w-full p-3 text-left">
          <span className="flex items-center gap-2">
            <StatusBadge status={r.status} />
            <span className="min-w-0 flex-1 truncate font-medium">{r.model}</span>
            <KindBadge kind={r.kind} />
            <RelTime at={r.started_at} className="text-fg-3 text-xs" />
          </span>
          <span className="num mt-1.5 flex justify-between gap-3 text-fg-2 text-xs">
            <span className="min-w-0 truncate">{r.kind === 'call' ? (r.key_name ?? 'Master key') : 'Of nobody'}</span>
            <span className="whitespace-nowrap">
              {fmtInt(r.input_tokens + r.output_tokens)} tok · {fmtMs(r.duration_ms)} · <Cost r={r} />
            </span>
          </span>
        </button>
      )}
    />
  );
}
