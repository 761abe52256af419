import { useEffect } from 'react';
import { Mark } from '@/components/mark';
import type { Schemas } from '@/lib/client';
import { LoginForm } from './login-form';

export function LoginPage({ onDone }: { onDone: (user: Schemas['MeUserView']) => void }) {
  useEffect(() => {
    document.title = 'Sign in · DeltaLLM';
  }, []);
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="w-full max-w-sm">
        <div className="mb-6 flex flex-col items-center gap-3 text-center">
          <Mark className="size-10" />
          <div>
            <h1 className="font-semibold text-xl tracking-[-0.018em]">Sign in to DeltaLLM</h1>
            <p className="mt-0.5 text-fg-2">Models, keys, requests and spend of your gateway.</p>
          </div>
        </div>
        <div className="card p-5">
          <LoginForm onDone={onDone} />
        </div>
      </div>
    </main>
  );
}
