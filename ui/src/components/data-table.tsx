/** One list for the whole product: a table where there is room, cards where there is not. */
import type { KeyboardEvent, ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { Skeleton } from '@/components/ui/states';
import { cn } from '@/lib/cn';
import { useMedia } from '@/lib/use-media';

export type Column<T> = { id: string; header: ReactNode; cell: (row: T) => ReactNode; align?: 'right'; className?: string };

type Props<T> = {
  label: string;
  rows: T[];
  rowKey: (row: T) => string;
  columns: Column<T>[];
  card: (row: T) => ReactNode;
  onOpen?: (row: T) => void;
  isOpen?: (row: T) => boolean;
  dense?: boolean;
  /** Old rows while the next answer is on its way. */
  stale?: boolean;
  more?: { has: boolean; loading: boolean; load: () => void };
};

/** Keeps row actions in sight whatever the width, on the row's own background. */
export const ACTIONS = 'sticky right-0 w-12 bg-surface';

export function DataTable<T>({ label, rows, rowKey, columns, card, onOpen, isOpen, dense, stale, more }: Props<T>) {
  const wide = useMedia('(min-width: 48rem)');
  const loadMore = more?.has && (
    <Button onClick={more.load} loading={more.loading} className="mx-auto mt-3 flex">
      Load more
    </Button>
  );
  if (!wide)
    return (
      <>
        <ul className={cn('flex flex-col gap-2 transition-opacity', stale && 'opacity-60')} aria-label={label} aria-busy={stale}>
          {rows.map((r) => (
            <li key={rowKey(r)}>{card(r)}</li>
          ))}
        </ul>
        {loadMore}
      </>
    );

  function onKey(e: KeyboardEvent<HTMLTableRowElement>, row: T) {
    if (e.target !== e.currentTarget) return;
    if (e.key === 'Enter' || e.key === 'o') onOpen?.(row);
    const step = {
      ArrowDown: 'nextElementSibling',
      j: 'nextElementSibling',
      ArrowUp: 'previousElementSibling',
      k: 'previousElementSibling',
    }[e.key];
    if (!step) return;
    e.preventDefault();
    (e.currentTarget[step as 'nextElementSibling'] as HTMLElement | null)?.focus();
  }

  return (
    <>
      <div
        className={cn(
          'card scroll-thin relative max-h-[calc(100dvh-13.25rem)] min-h-40 overflow-auto transition-opacity',
          stale && 'opacity-60',
        )}
        tabIndex={0}
        role="region"
        aria-label={`${label} table`}
        aria-busy={stale}
      >
        <table className="w-full border-separate border-spacing-0" aria-label={label}>
          <thead>
            <tr>
              {columns.map((c) => (
                <th
                  key={c.id}
                  scope="col"
                  className={cn(
                    'sticky top-0 z-10 h-9 whitespace-nowrap border-line border-b bg-surface px-3 text-left font-medium text-fg-3 text-xs first:rounded-tl-xl first:pl-4 last:rounded-tr-xl last:pr-4',
                    c.align === 'right' && 'text-right',
                    c.className,
                  )}
                >
                  {c.header}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((r) => (
              <tr
                key={rowKey(r)}
                tabIndex={onOpen ? 0 : undefined}
                aria-current={isOpen?.(r) || undefined}
                onKeyDown={onOpen && ((e) => onKey(e, r))}
                onClick={onOpen && ((e) => !(e.target as HTMLElement).closest('button,a,input,[role=menuitem]') && onOpen(r))}
                className={cn(
                  'group/row outline-none focus-visible:[&>td]:bg-accent-soft',
                  dense ? 'h-10' : 'h-13',
                  isOpen?.(r) ? '[&>td]:bg-accent-soft' : onOpen && 'hover:[&>td]:bg-hover',
                )}
              >
                {columns.map((c) => (
                  <td
                    key={c.id}
                    className={cn(
                      'border-line border-b px-3 first:pl-4 last:pr-4 group-last/row:border-b-0',
                      c.align === 'right' && 'num text-right',
                      c.className,
                    )}
                  >
                    {c.cell(r)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {loadMore}
    </>
  );
}

export function TableSkeleton({ rows = 8 }: { rows?: number }) {
  return (
    <div className="card overflow-hidden" role="status" aria-label="Loading">
      <div className="h-9 border-line border-b" />
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="flex h-13 items-center gap-6 border-line border-b px-4 last:border-0">
          <Skeleton className="h-4 w-44" />
          <Skeleton className="h-4 w-24" />
          <Skeleton className="h-4 flex-1" />
          <Skeleton className="h-4 w-24 max-sm:hidden" />
          <Skeleton className="h-4 w-16 max-sm:hidden" />
        </div>
      ))}
    </div>
  );
}
