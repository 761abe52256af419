import { Link, useRouterState } from '@tanstack/react-router';
import { type Activity, Search } from 'lucide-react';
import { Mark } from '@/components/mark';
import { Kbd } from '@/components/ui/badge';
import { CopyButton } from '@/components/ui/copy-button';
import { useMe } from '@/features/session/api/session';
import { cn } from '@/lib/cn';
import { AccountMenu } from './account-menu';
import { NAV } from './nav';

type NavLinkProps = { to: string; label: string; icon: typeof Activity; onGo?: () => void };

function NavLink({ to, label, icon: Icon, onGo }: NavLinkProps) {
  const path = useRouterState({ select: (s) => s.location.pathname });
  const on = to === '/' ? path === '/' : path.startsWith(to);
  return (
    <Link
      to={to as '/'}
      onClick={onGo}
      aria-current={on ? 'page' : undefined}
      className={cn(
        'flex h-8 items-center gap-2.5 rounded-lg px-2 text-fg-2 text-sm transition-colors hover:bg-hover hover:text-fg [&_svg]:size-4',
        on && 'bg-active font-medium text-fg hover:bg-active',
      )}
    >
      <Icon aria-hidden="true" strokeWidth={1.75} className={on ? 'text-fg' : 'text-fg-3'} />
      {label}
    </Link>
  );
}

export function Sidebar({ onGo, onSearch }: { onGo?: () => void; onSearch: () => void }) {
  const { gateway, user } = useMe();
  return (
    <div className="flex h-full flex-col gap-1 p-3">
      <div className="mb-2 flex h-10 items-center gap-2.5 px-1.5">
        <Mark />
        <span className="min-w-0 flex-1 leading-tight">
          <span className="block truncate font-semibold text-sm tracking-[-0.01em]">DeltaLLM</span>
          <span className="num block truncate text-2xs text-fg-3">Version {gateway.version}</span>
        </span>
      </div>
      <button
        type="button"
        onClick={onSearch}
        className="mb-3 flex h-8 items-center gap-2 rounded-lg border border-line-strong bg-surface px-2 text-fg-3 text-sm shadow-sm hover:bg-hover dark:bg-sunken"
      >
        <Search className="size-3.5" aria-hidden="true" />
        <span className="flex-1 text-left">Search</span>
        <Kbd>⌘</Kbd>
        <Kbd>K</Kbd>
      </button>
      <nav aria-label="Main" className="scroll-thin flex-1 overflow-y-auto">
        {user.role !== 'member' &&
          NAV.map((g) => (
            <div key={g.group} className="mb-4">
              <h2 className="mb-1 px-2 font-medium text-2xs text-fg-3">{g.group}</h2>
              <div className="flex flex-col gap-px">
                {g.items.map((i) => (
                  <NavLink key={i.to} {...i} onGo={onGo} />
                ))}
              </div>
            </div>
          ))}
      </nav>
      <div className="rounded-lg border border-line bg-surface py-1.5 pr-1.5 pl-2.5 shadow-sm dark:bg-sunken">
        <p className="text-2xs text-fg-3">API address</p>
        <p className="flex items-center gap-1">
          <span className="min-w-0 flex-1 truncate font-mono text-xs">{gateway.api_url}</span>
          <CopyButton text={gateway.api_url} label="Copy API address" />
        </p>
      </div>
      <AccountMenu />
    </div>
  );
}
