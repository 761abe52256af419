import { Menu as MenuIcon, Search } from 'lucide-react';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { Mark } from '@/components/mark';
import { Button } from '@/components/ui/button';
import { EmptyState } from '@/components/ui/states';
import { useSessionExpired } from '@/features/session/api/expiry';
import { useMe } from '@/features/session/api/session';
import { Sidebar } from './sidebar';

const Drawer = lazy(() => import('./drawer'));
const Palette = lazy(() => import('./palette'));
const ReloginDialog = lazy(() => import('@/features/session/components/relogin-dialog'));

export function Shell({ children }: { children: ReactNode }) {
  const [drawer, setDrawer] = useState(false);
  const [palette, setPalette] = useState(false);
  const expired = useSessionExpired();
  const { user } = useMe();
  useEffect(() => {
    const on = (e: globalThis.KeyboardEvent) => {
      if (!(e.metaKey || e.ctrlKey) || e.key.toLowerCase() !== 'k') return;
      e.preventDefault();
      setPalette((p) => !p);
    };
    addEventListener('keydown', on);
    return () => removeEventListener('keydown', on);
  }, []);
  return (
    <div className="min-h-dvh lg:pl-58">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-80 focus:rounded-lg focus:bg-primary focus:px-3 focus:py-2 focus:text-on-primary"
      >
        Skip to content
      </a>
      <aside className="fixed inset-y-0 left-0 hidden w-58 border-line border-r lg:block">
        <Sidebar onSearch={() => setPalette(true)} />
      </aside>
      <header className="sticky top-0 z-30 flex h-13 items-center gap-2 border-line border-b bg-bg/85 px-3 backdrop-blur lg:hidden">
        <Button size="icon" variant="ghost" aria-label="Open navigation" onClick={() => setDrawer(true)}>
          <MenuIcon className="size-4.5!" aria-hidden="true" />
        </Button>
        <Mark />
        <span className="flex-1 font-semibold text-base">DeltaLLM</span>
        <Button size="icon" variant="ghost" aria-label="Search" onClick={() => setPalette(true)}>
          <Search className="size-4!" aria-hidden="true" />
        </Button>
      </header>
      <main id="main" tabIndex={-1} className="mx-auto w-full max-w-[1480px] px-4 py-5 outline-none sm:px-6 lg:px-8 lg:py-7">
        {user.role === 'member' ? (
          <>
            <h1 className="sr-only">DeltaLLM</h1>
            <EmptyState title="You are signed in as a member">
              Members have no pages of their own in this version. Ask an administrator for the viewer role to see models, keys and requests.
            </EmptyState>
          </>
        ) : (
          children
        )}
      </main>
      <Suspense>
        {drawer && (
          <Drawer
            onClose={() => setDrawer(false)}
            onSearch={() => {
              setDrawer(false);
              setPalette(true);
            }}
          />
        )}
        {palette && <Palette onClose={() => setPalette(false)} />}
        {expired && <ReloginDialog />}
      </Suspense>
    </div>
  );
}
