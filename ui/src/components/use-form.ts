/** State of a form: values, what is wrong with them, and what the server refused. */
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { ApiError, messageOf } from '@/lib/client';

export type Mistakes<V> = Partial<Record<keyof V, string>>;

type Options<V> = {
  initial: V;
  /** Says what is wrong, in words that tell what to write instead. */
  check: (values: V) => Mistakes<V>;
  send: (values: V) => void;
  /** Field of the form for a `param` of the API, where the names differ. */
  fieldOf?: Record<string, keyof V>;
};

export function useForm<V extends Record<string, unknown>>({ initial, check, send, fieldOf }: Options<V>) {
  const [start] = useState(initial);
  const [values, setValues] = useState(initial);
  const [mistakes, setMistakes] = useState<Mistakes<V>>({});
  const [refusal, setRefusal] = useState<string>();
  const form = useRef<HTMLFormElement>(null);

  // The first wrong field is where the reader has to go.
  useEffect(() => {
    if (Object.keys(mistakes).length) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [mistakes]);

  return {
    ref: form,
    values,
    mistakes,
    refusal,
    dirty: JSON.stringify(values) !== JSON.stringify(start),
    set: (change: Partial<V>) => setValues((old) => ({ ...old, ...change })),
    /** Props of a text input bound to a field. */
    text: (name: keyof V & string) => ({
      name,
      value: values[name] as string,
      onChange: (e: { target: { value: string } }) => setValues((old) => ({ ...old, [name]: e.target.value })),
    }),
    submit: (e: FormEvent) => {
      e.preventDefault();
      setRefusal(undefined);
      const found = check(values);
      setMistakes(found);
      if (Object.values(found).every((m) => m === undefined)) send(values);
    },
    /** Puts what the server refused to its field, or over the whole form. */
    refuse: (error: unknown) => {
      const param = error instanceof ApiError ? error.param : null;
      const field = param && (fieldOf?.[param] ?? (param in values ? param : undefined));
      if (field) setMistakes({ [field]: messageOf(error) } as Mistakes<V>);
      else setRefusal(messageOf(error));
    },
  };
}
