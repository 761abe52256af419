import { useNavigate } from '@tanstack/react-router';
import { KeyRound, LogOut, Monitor, Moon, Sun } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Menu, type MenuItem } from '@/components/ui/menu';
import { toast } from '@/components/ui/toast';
import { signOut, useMe } from '@/features/session/api/session';
import { messageOf } from '@/lib/client';
import { queryClient } from '@/lib/query';
import { setTheme, type Theme, useTheme } from '@/lib/theme';

const ChangePassword = lazy(() => import('@/features/session/components/change-password'));

const THEMES = [
  { theme: 'system', label: 'System', Icon: Monitor },
  { theme: 'light', label: 'Light', Icon: Sun },
  { theme: 'dark', label: 'Dark', Icon: Moon },
] as const;

function ThemeMenu() {
  const theme: Theme = useTheme();
  const { Icon, label } = THEMES.find((t) => t.theme === theme)!;
  return (
    <Menu
      trigger={
        <Button size="icon" variant="ghost" aria-label={`Theme: ${label}`}>
          <Icon aria-hidden="true" />
        </Button>
      }
      items={THEMES.map((t) => ({ label: t.label, icon: <t.Icon />, checked: t.theme === theme, onSelect: () => setTheme(t.theme) }))}
    />
  );
}

const ROLES = { admin: 'Administrator', viewer: 'Viewer', member: 'Member' };

export function AccountMenu() {
  const { user } = useMe();
  const navigate = useNavigate();
  const [changing, setChanging] = useState(false);
  // The master key opens a session without a person behind it.
  const name = user.name || user.email || 'Master key';
  const leave = async () => {
    try {
      await signOut();
      await navigate({ to: '/login' });
      queryClient.clear();
    } catch (e) {
      toast.bad('You are still signed in', messageOf(e));
    }
  };
  const password: MenuItem[] = user.email
    ? [{ label: 'Change password', icon: <KeyRound />, onSelect: () => setChanging(true) }, 'sep']
    : [];
  return (
    <div className="flex items-center gap-1">
      <Menu
        align="start"
        trigger={
          <button
            type="button"
            className="flex h-10 min-w-0 flex-1 items-center gap-2 rounded-lg px-1.5 text-left hover:bg-hover data-popup-open:bg-active"
          >
            <span className="grid size-6 shrink-0 place-items-center rounded-full bg-accent-soft font-semibold text-2xs text-accent">
              {user.email ? name.slice(0, 1).toUpperCase() : <KeyRound className="size-3" aria-hidden="true" />}
            </span>
            <span className="min-w-0 flex-1 leading-tight">
              <span className="block truncate text-sm">{name}</span>
              <span className="block truncate text-2xs text-fg-3">{ROLES[user.role]}</span>
            </span>
          </button>
        }
        items={[...password, { label: 'Sign out', icon: <LogOut />, onSelect: () => void leave() }]}
      />
      <ThemeMenu />
      {changing && (
        <Suspense>
          <ChangePassword onClose={() => setChanging(false)} />
        </Suspense>
      )}
    </div>
  );
}
