import { Menu as M } from '@base-ui/react/menu';
import { Check, ListFilter } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';
import { cn } from '@/lib/cn';
import { item, type Opt } from './item';

export type MenuItem =
  | { label: string; icon?: ReactNode; onSelect: () => void; danger?: boolean; disabled?: boolean; checked?: boolean }
  | 'sep';

export function Menu({ trigger, items, align = 'end' }: { trigger: ReactElement; items: MenuItem[]; align?: 'start' | 'end' }) {
  return (
    <M.Root>
      <M.Trigger render={trigger} />
      <M.Portal>
        <M.Positioner sideOffset={4} align={align} className="z-60 outline-none">
          <M.Popup className="popup min-w-44 p-1">
            {items.map((it, i) =>
              it === 'sep' ? (
                <M.Separator key={i} className="my-1 h-px bg-line" />
              ) : (
                <M.Item key={it.label} disabled={it.disabled} onClick={it.onSelect} className={cn(item, it.danger && 'text-bad [&_svg]:text-bad')}>
                  {it.icon}
                  <span className="flex-1">{it.label}</span>
                  {it.checked && <Check aria-label="selected" className="text-fg!" />}
                </M.Item>
              ),
            )}
          </M.Popup>
        </M.Positioner>
      </M.Portal>
    </M.Root>
  );
}

type FilterProps<T extends string> = { label: string; options: Opt<T>[]; value: T | undefined; onChange: (v: T | undefined) => void };

/** A filter with a handful of choices; choosing the chosen one again clears it. */
export function FilterMenu<T extends string>({ label, options, value, onChange }: FilterProps<T>) {
  const shown = options.find((o) => o.value === value);
  return (
    <M.Root>
      <M.Trigger
        className={cn(
          'inline-flex h-8 items-center gap-1.5 rounded-lg border border-line-strong border-dashed px-2.5 text-fg-2 text-sm hover:bg-hover data-popup-open:bg-active [&_svg]:size-3.5',
          shown && 'border-solid bg-surface text-fg shadow-sm dark:bg-sunken',
        )}
      >
        <ListFilter aria-hidden="true" />
        {label}
        {shown && <span className="border-line border-l pl-1.5 font-medium text-accent">{shown.label}</span>}
      </M.Trigger>
      <M.Portal>
        <M.Positioner sideOffset={4} align="start" className="z-60 outline-none">
          <M.Popup className="popup min-w-48 p-1">
            <M.RadioGroup value={value ?? ''} onValueChange={(v) => onChange((v as T) || undefined)}>
              <M.RadioItem value="" closeOnClick className={cn(item, 'text-fg-2')}>
                <span className="flex-1">Any</span>
              </M.RadioItem>
              {options.map((o) => (
                <M.RadioItem key={o.value} value={o.value} closeOnClick className={item}>
                  <span className="flex-1">{o.label}</span>
                  {o.hint && <span className="font-mono text-fg-3 text-xs">{o.hint}</span>}
                  <M.RadioItemIndicator>
                    <Check aria-hidden="true" className="text-fg!" />
                  </M.RadioItemIndicator>
                </M.RadioItem>
              ))}
            </M.RadioGroup>
          </M.Popup>
        </M.Positioner>
      </M.Portal>
    </M.Root>
  );
}
