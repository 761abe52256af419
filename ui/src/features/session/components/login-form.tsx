import { useMutation } from '@tanstack/react-query';
import { KeyRound, Mail } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Field, Input } from '@/components/ui/field';
import { FormError } from '@/components/ui/states';
import { ApiError, messageOf, type Schemas } from '@/lib/client';
import { signIn } from '../api/session';

type Way = 'password' | 'master_key';
type Props = { onDone: (user: Schemas['MeUserView']) => void; email?: string; first?: Way };

/** Refusals say what to do next, and never which part was wrong. */
function advice(error: unknown, way: Way): string {
  if (!(error instanceof ApiError)) return messageOf(error);
  if (error.status === 401)
    return way === 'password'
      ? 'Email or password is wrong. Check both; an administrator can set a new password under Users.'
      : 'This is not the master key. It is the value of DELTALLM_MASTER_KEY the gateway was started with.';
  if (error.status === 429) return 'Too many attempts. Wait a minute, then try again.';
  return error.message;
}

export function LoginForm({ onDone, email = '', first = 'password' }: Props) {
  const [way, setWay] = useState<Way>(first);
  const login = useMutation({ mutationFn: signIn, onSuccess: onDone });

  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '');
    login.mutate(
      way === 'password' ? { email: text('email').trim(), password: text('password') } : { master_key: text('master_key').trim() },
    );
  }

  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      {way === 'password' ? (
        <>
          <Field label="Email">
            <Input name="email" type="email" autoComplete="username" defaultValue={email} required autoFocus={!email} spellCheck={false} />
          </Field>
          <Field label="Password">
            <Input name="password" type="password" autoComplete="current-password" required autoFocus={!!email} />
          </Field>
        </>
      ) : (
        <Field label="Master key" hint="Printed by the first start, and kept with the gateway's secrets.">
          <Input name="master_key" type="password" autoComplete="off" required autoFocus spellCheck={false} className="font-mono" />
        </Field>
      )}
      {login.isError && <FormError>{advice(login.error, way)}</FormError>}
      <Button type="submit" variant="primary" size="lg" loading={login.isPending}>
        Sign in
      </Button>
      <Button
        variant="ghost"
        onClick={() => {
          login.reset();
          setWay(way === 'password' ? 'master_key' : 'password');
        }}
      >
        {way === 'password' ? <KeyRound aria-hidden="true" /> : <Mail aria-hidden="true" />}
        {way === 'password' ? 'Use master key' : 'Use email and password'}
      </Button>
    </form>
  );
}
