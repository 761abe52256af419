/** The menus themselves, loaded when the first one is opened: see `menu.tsx`. */
import { Menu as M } from '@base-ui/react/menu';
import { Check } from 'lucide-react';
import type { ReactElement } from 'react';
import { cn } from '@/lib/cn';
import { item } from './item';
import type { FilterProps, MenuProps } from './menu';

export function MenuPopup({ trigger, items, align = 'end' }: MenuProps) {
  return (
    <M.Root defaultOpen>
      <M.Trigger render={trigger} />
      <M.Portal>
        <M.Positioner sideOffset={4} align={align} className="z-60 outline-none">
          <M.Popup className="popup min-w-44 p-1">
            {items.map((it, i) =>
              it === 'sep' ? (
                <M.Separator key={i} className="my-1 h-px bg-line" />
              ) : (
                <M.Item
                  key={it.label}
                  disabled={it.disabled}
                  onClick={it.onSelect}
                  className={cn(item, it.danger && 'text-bad [&_svg]:text-bad')}
                >
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

export function FilterPopup<T extends string>({
  trigger,
  options,
  value,
  onChange,
  none = 'Any',
}: FilterProps<T> & { trigger: ReactElement }) {
  return (
    <M.Root defaultOpen>
      <M.Trigger render={trigger} />
      <M.Portal>
        <M.Positioner sideOffset={4} align="start" className="z-60 outline-none">
          <M.Popup className="popup min-w-48 p-1">
            <M.RadioGroup value={value ?? ''} onValueChange={(v) => onChange((v as T) || undefined)}>
              <M.RadioItem value="" closeOnClick className={cn(item, 'text-fg-2')}>
                <span className="flex-1">{none}</span>
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
