import { Combobox as CB } from '@base-ui/react/combobox';
import { Check, X } from 'lucide-react';
import { cn } from '@/lib/cn';
import { useField } from './field';
import { item } from './item';

type Props = { value: string[]; onChange: (v: string[]) => void; options: string[]; placeholder: string; noun: string };

export function MultiSelect({ value, onChange, options, placeholder, noun }: Props) {
  const f = useField();
  return (
    <CB.Root items={options} multiple autoHighlight value={value} onValueChange={onChange}>
      <CB.InputGroup className="flex min-h-8 cursor-text flex-wrap items-center rounded-lg border border-line-strong bg-surface p-1 shadow-sm focus-within:outline-2 focus-within:outline-accent dark:bg-sunken">
        <CB.Value>
          {(v: string[]) => (
            <CB.Chips className="flex w-full flex-wrap items-center gap-1" aria-label={v.length ? `Selected ${noun}s` : undefined}>
              {v.map((m) => (
                <CB.Chip
                  key={m}
                  aria-label={m}
                  className="flex h-6 max-w-full items-center gap-0.5 rounded-md bg-active pr-0.5 pl-2 font-mono text-xs outline-none data-highlighted:bg-accent-soft data-highlighted:text-accent"
                >
                  <span className="min-w-0 truncate">{m}</span>
                  <CB.ChipRemove
                    aria-label={`Remove ${m}`}
                    className="grid size-5 place-items-center rounded text-fg-3 hover:bg-active hover:text-fg"
                  >
                    <X className="size-3" aria-hidden="true" />
                  </CB.ChipRemove>
                </CB.Chip>
              ))}
              <CB.Input
                {...f}
                onKeyDown={(e) => e.key === 'Enter' && e.preventDefault()}
                placeholder={v.length ? '' : placeholder}
                className="h-6 min-w-16 flex-1 bg-transparent px-1.5 text-base outline-none placeholder:text-fg-3 sm:text-sm"
              />
            </CB.Chips>
          )}
        </CB.Value>
      </CB.InputGroup>
      <CB.Portal>
        <CB.Positioner sideOffset={4} className="z-60 outline-none">
          <CB.Popup className="popup scroll-thin max-h-[min(var(--available-height),16rem)] w-[var(--anchor-width)] overflow-y-auto p-1">
            <CB.Empty>
              <div className="px-2 py-1.5 text-fg-3">No {noun} found.</div>
            </CB.Empty>
            <CB.List>
              {(m: string) => (
                <CB.Item key={m} value={m} className={cn(item, 'justify-between font-mono text-xs')}>
                  {m}
                  <CB.ItemIndicator>
                    <Check aria-hidden="true" />
                  </CB.ItemIndicator>
                </CB.Item>
              )}
            </CB.List>
          </CB.Popup>
        </CB.Positioner>
      </CB.Portal>
    </CB.Root>
  );
}
