/** One of many, found by typing. The server searches: a picker never loads the whole list. */
import { Combobox as CB } from '@base-ui/react/combobox';
import { Check, ChevronsUpDown, ListFilter, Search } from 'lucide-react';
import { cn } from '@/lib/cn';
import { useField } from './field';
import { item, type Opt } from './item';

type Props = {
  label: string;
  value: Opt | null;
  onChange: (v: Opt | null) => void;
  options: Opt[];
  onSearch: (text: string) => void;
  /** Shown where nothing is chosen, and as the choice that clears. */
  none: string;
  /** False where choosing adds to something, so that there is nothing to clear. */
  clears?: boolean;
  variant?: 'field' | 'filter';
};

const field =
  'flex h-8 w-full items-center justify-between gap-2 rounded-lg border border-line-strong bg-surface px-2.5 text-sm shadow-sm hover:bg-hover data-popup-open:bg-active dark:bg-sunken';
const filter =
  'inline-flex h-8 max-w-60 items-center gap-1.5 rounded-lg border border-dashed border-line-strong px-2.5 text-fg-2 text-sm hover:bg-hover data-popup-open:bg-active [&_svg]:size-3.5 [&_svg]:shrink-0';

export function Picker({ label, value, onChange, options, onSearch, none, clears = true, variant = 'field' }: Props) {
  const f = useField();
  const clear: Opt = { value: '', label: none };
  return (
    <CB.Root<Opt>
      items={clears ? [clear, ...options] : options}
      filter={null}
      autoHighlight
      value={value ?? (clears ? clear : null)}
      onValueChange={(v) => onChange(v?.value ? v : null)}
      onInputValueChange={(text, e) => onSearch(e.reason === 'item-press' ? '' : text)}
      onOpenChange={(open) => !open && onSearch('')}
      isItemEqualToValue={(a, b) => a.value === b.value}
    >
      <CB.Trigger
        {...f}
        aria-label={f.id ? undefined : label}
        className={cn(
          variant === 'field' ? field : filter,
          variant === 'filter' && value && 'border-solid bg-surface text-fg shadow-sm dark:bg-sunken',
        )}
      >
        {variant === 'field' ? (
          <>
            <span className={cn('truncate', !value && 'text-fg-2')}>{value?.label ?? none}</span>
            <ChevronsUpDown className="size-3.5 text-fg-3" aria-hidden="true" />
          </>
        ) : (
          <>
            <ListFilter aria-hidden="true" />
            {label}
            {value && <span className="min-w-0 truncate border-line border-l pl-1.5 font-medium text-accent">{value.label}</span>}
          </>
        )}
      </CB.Trigger>
      <CB.Portal>
        <CB.Positioner sideOffset={4} align="start" className="z-60 outline-none">
          <CB.Popup aria-label={label} className="popup flex w-72 max-w-[calc(100vw-1.5rem)] flex-col">
            <div className="flex items-center gap-2 border-line border-b px-3">
              <Search className="size-3.5 text-fg-3" aria-hidden="true" />
              <CB.Input
                aria-label={`Search ${label.toLowerCase()}`}
                placeholder="Type to search"
                onKeyDown={(e) => e.key === 'Enter' && e.preventDefault()}
                className="h-9 w-full bg-transparent text-base outline-none placeholder:text-fg-3 sm:text-sm"
              />
            </div>
            <CB.List className="scroll-thin max-h-64 overflow-y-auto p-1">
              {(o: Opt) => (
                <CB.Item key={o.value} value={o} className={cn(item, 'justify-between')}>
                  <span className={cn('min-w-0 truncate', !o.value && 'text-fg-2')}>
                    {o.label}
                    {o.hint && <span className="ml-1.5 font-mono text-fg-3 text-xs">{o.hint}</span>}
                  </span>
                  <CB.ItemIndicator>
                    <Check aria-hidden="true" />
                  </CB.ItemIndicator>
                </CB.Item>
              )}
            </CB.List>
            {options.length === 0 && <p className="px-3 pb-2.5 text-fg-3 text-xs">Nothing else found.</p>}
          </CB.Popup>
        </CB.Positioner>
      </CB.Portal>
    </CB.Root>
  );
}
