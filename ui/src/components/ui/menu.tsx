/** Menus cost nothing until they are opened: before that there is only the button, and no menu code in the first load. */
import { ListFilter } from 'lucide-react';
import { cloneElement, lazy, type ReactElement, type ReactNode, Suspense, useState } from 'react';
import { cn } from '@/lib/cn';
import type { Opt } from './item';

const load = () => import('./menu-popup');
const MenuPopup = lazy(() => load().then((m) => ({ default: m.MenuPopup })));
// The generic is lost through lazy(); FilterMenu below states it.
const FilterPopup = lazy(() => load().then((m) => ({ default: m.FilterPopup<string> })));

export type MenuItem =
  | { label: string; icon?: ReactNode; onSelect: () => void; danger?: boolean; disabled?: boolean; checked?: boolean }
  | 'sep';
export type MenuProps = { trigger: ReactElement<object>; items: MenuItem[]; align?: 'start' | 'end' };
export type FilterProps<T extends string> = {
  label: string;
  options: Opt<T>[];
  value: T | undefined;
  onChange: (v: T | undefined) => void;
  /** What holds where nothing is chosen; "Any" if left out. */
  none?: string;
};

/** The button until it is used, then what `popup` makes of it, already open. */
function OnFirstUse({ trigger, popup }: { trigger: ReactElement<object>; popup: ReactElement }) {
  const [used, setUsed] = useState(false);
  const button = cloneElement(trigger, {
    'aria-haspopup': 'menu',
    'aria-expanded': false,
    onPointerEnter: () => void load(),
    onFocus: () => void load(),
    onClick: () => setUsed(true),
  } as object);
  return used ? <Suspense fallback={button}>{popup}</Suspense> : button;
}

export const Menu = (props: MenuProps) => <OnFirstUse trigger={props.trigger} popup={<MenuPopup {...props} />} />;

/** A filter with a handful of choices. */
export function FilterMenu<T extends string>(props: FilterProps<T>) {
  const chosen = props.options.find((o) => o.value === props.value);
  const trigger = (
    <button
      type="button"
      className={cn(
        'inline-flex h-8 items-center gap-1.5 rounded-lg border border-line-strong border-dashed px-2.5 text-fg-2 text-sm hover:bg-hover data-popup-open:bg-active [&_svg]:size-3.5',
        chosen && 'border-solid bg-surface text-fg shadow-sm dark:bg-sunken',
      )}
    >
      <ListFilter aria-hidden="true" />
      {props.label}
      {chosen && <span className="border-line border-l pl-1.5 font-medium text-accent">{chosen.label}</span>}
    </button>
  );
  const popup = <FilterPopup {...(props as unknown as FilterProps<string>)} trigger={trigger} />;
  return <OnFirstUse trigger={trigger} popup={popup} />;
}
